// What is not as it should be: syntax, types, numbers, names, sizes. One clear
// line each, and nothing that gets out of its place.

import { expect } from "chai";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { VnetError } from "../../src/errors.js";
import { importFile, importText } from "../../src/import/import.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { HOSTILE } from "./fixtures/hostile.js";
import { imported } from "./read-back.js";

/** The message; fails where nothing, or anything but a VnetError `config`, is thrown. */
async function refused(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof VnetError && error.code === "config")
      return error.message;
    throw error;
  }
  throw new Error("expected a VnetError, nothing was thrown");
}

const network = (entry: object) =>
  JSON.stringify({
    networks: [
      { server_host: "h", server_port: 1, topic: "t", port: 2, ...entry },
    ],
  });
const twice = { server_host: "h", server_port: 1, topic: "t", port: 2 };
const BOMB = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from("bcdefghij")
  .map(
    (at, index) =>
      `${at}: &${at} [${`*${"abcdefghi"[index] ?? ""},`.repeat(9)}]`,
  )
  .join("\n")}\nname: x\nserver: h:1\n`;

describe("The import of a file with a mistake", () => {
  const cases: [what: string, file: string, text: string, ...says: string[]][] =
    [
      [
        "JSON that is none",
        "a.json",
        '{"networks": [\n  ?]}',
        "a.json:2:3: not valid JSON: invalid character '?'",
      ],
      [
        "JSON that ends early",
        "a.json",
        '{"networks": [',
        "a.json:1:15: not valid JSON",
      ],
      [
        "YAML that is none",
        "a.yaml",
        "bind: [1\nproxy: 2\n",
        "a.yaml:2:1: not valid YAML",
      ],
      [
        "a key twice in YAML",
        "a.yaml",
        "bind: 1\nbind: 2\n",
        "a.yaml:2:1: not valid YAML: Map keys must be unique",
      ],
      [
        "two documents of YAML",
        "a.yaml",
        "a: 1\n---\nb: 2\n",
        "not valid YAML",
        "multiple documents",
      ],
      [
        "TOML that is none",
        "a.toml",
        "bindPort = 7000\n[[proxies\n",
        "a.toml:2:",
        "not valid TOML",
      ],
      [
        "a number beyond TOML's",
        "a.toml",
        "bindPort = 9999999999999999999999\n",
        'bindPort: found "9999',
      ],
      [
        "INI without a section",
        "frpc.ini",
        "x = 1\n[common]\n",
        "frpc.ini:1:",
        "before any section",
      ],
      [
        "INI with an open bracket",
        "frpc.ini",
        "[common]\n[ssh\n",
        "frpc.ini:2:",
        "[SECTION]",
      ],
      ["an empty file", "a.json", " \n", "found nothing in it"],
      [
        "YAML nested without end",
        "a.yaml",
        "[".repeat(100_000),
        "a.yaml: this YAML is nested too deeply",
      ],
      ["a bomb of aliases", "a.yaml", BOMB, "too many aliases", "50"],
      [
        "a list where an object belongs",
        "a.json",
        "[1]",
        "not recognised",
        "qjw-proxy's JSON",
        "port-proxy's YAML",
        "frp's INI",
      ],
      [
        "a program that nobody knows",
        "a.yaml",
        "services: {}\n",
        "not recognised",
      ],
      ["our own file", "config.ini", "[route]\nip=1.2.3.4\n", "of vnet itself"],
      [
        "our own file by another name",
        "config.txt",
        "[route]\nip=1.2.3.4\n",
        "of vnet itself",
      ],
      [
        "networks that are no list",
        "a.json",
        '{"networks": {}}',
        "networks: found a section of keys, allowed a list",
      ],
      ["no networks", "a.json", '{"networks": []}', "networks: found none"],
      [
        "a network that is none",
        "a.json",
        '{"networks": [7]}',
        'networks[0]: found "7", allowed a section of keys',
      ],
      [
        "a port out of range",
        "a.json",
        network({ port: 65536 }),
        'networks[0].port: found "65536", allowed 1–65535',
      ],
      [
        "a port with a fraction",
        "a.json",
        network({ port: 1.5 }),
        "networks[0].port",
      ],
      [
        "a port that is a list",
        "a.json",
        network({ port: [1] }),
        "networks[0].port: found a list",
      ],
      [
        "a missing topic",
        "a.json",
        network({ topic: null }),
        "networks[0].topic: found nothing",
      ],
      [
        "a missing host",
        "a.json",
        network({ server_host: "" }),
        "networks[0].server_host: found nothing",
      ],
      [
        "a host that is none",
        "a.json",
        network({ server_host: "a b" }),
        'networks[0].server_host: found "a b"',
      ],
      [
        "one port twice",
        "a.json",
        JSON.stringify({ networks: [twice, twice] }),
        "networks[1].port: found 127.0.0.1 port 2 a second time",
      ],
      [
        "an interval of less than nothing",
        "a.json",
        JSON.stringify({ networks: [twice], retry_interval: -1 }),
        "retry_interval: found",
      ],
      [
        "an address without a port",
        "a.yaml",
        "bind: 0.0.0.0\nproxy: []\n",
        'bind: found "0.0.0.0", allowed HOST:PORT',
      ],
      [
        "a bare IPv6 address",
        "a.yaml",
        "bind: ::1:80\nproxy: []\n",
        "bind: found",
      ],
      [
        "a port_list that is text",
        "a.yaml",
        "bind: :1\nproxy: [{remote_name: a, port_list: b}]\n",
        'proxy[0].port_list: found "b", allowed a list',
      ],
      [
        "a template",
        "frpc.toml",
        'serverAddr = "x"\nuser = "{{ .Envs.U }}"\n',
        "frpc.toml:2:",
        "template",
      ],
      [
        "a proxy without a port",
        "frpc.ini",
        "[common]\nuser=a\n[ssh]\ntype=stcp\n",
        "[ssh] local_port: found nothing",
      ],
      [
        "a proxy without a name",
        "frpc.toml",
        '[[proxies]]\ntype="tcp"\nlocalPort=1\n',
        "proxies[0].name: found nothing",
      ],
      [
        "two proxies of one name",
        "frpc.toml",
        '[[proxies]]\nname="a"\ntype="tcp"\nlocalPort=1\n'.repeat(2),
        "proxies[1].name: found this name a second time",
      ],
    ];
  for (const [what, file, text, ...says] of cases)
    it(`says where and what of ${what}`, async () => {
      const message = await refused(importText(text, file, called));
      expect(message.split(":")[0]).to.equal(file);
      expect(message).not.to.include("\n");
      for (const words of says) expect(message).to.include(words);
    });

  it("never shows the line of a secret", async () => {
    const message = await refused(
      importText(
        'auth.token = ["s3cr3t-word"]\nserverAddr = "h"',
        "frpc.toml",
        called,
      ),
    );
    expect(message).to.include("auth.token").and.not.include("s3cr3t");
  });

  it("names everything that is wrong at once", async () => {
    const message = await refused(
      importText(network({ port: 0, server_port: "x" }), "a.json", called),
    );
    expect(message.split("\n")).to.have.length(2);
  });

  it("ends with a file that refers to itself", async () => {
    const { comments } = await imported(
      "name: x\nserver: h:1\nmore: &m {a: *m, b: *m, c: [*m, *m]}\n",
      "a.yaml",
    ).catch((error: unknown) => {
      if (error instanceof VnetError) return { comments: "more refused" };
      throw error;
    });
    expect(comments).to.include("more");
  });

  it("counts what is left over beyond a bound", async () => {
    const rest = Object.fromEntries(
      Array.from({ length: 5000 }, (_, at) => [`k${at}`, at]),
    );
    const { text, comments } = await imported(
      JSON.stringify({ networks: [twice], ...rest }),
      "a.json",
    );
    expect(comments).to.include("and more keys like these");
    expect(text.split("\n")).to.have.length.below(300);
  });
});

describe("The import of a hostile name", () => {
  /** Where a name may stand in each format, and the sections that may come of it. */
  const files: [
    what: string,
    file: string,
    text: (name: string) => string,
    sections: RegExp,
  ][] = [
    [
      "a topic that is offered",
      "a.json",
      (topic) => network({ topic, backend_host: "h", backend_port: 1 }),
      /^(route|serve\..*)$/,
    ],
    [
      "a topic that is used",
      "a.json",
      (topic) => network({ topic }),
      /^(route|use\..*)$/,
    ],
    [
      "an unknown key and value",
      "a.json",
      (name) => network({ [`k${name}`]: name }),
      /^(route|use\.t)$/,
    ],
    [
      "a remote's name",
      "a.yaml",
      (name) =>
        JSON.stringify({
          bind: ":1",
          proxy: [
            { remote_name: name, port_list: [{ bind: ":2", remote: 3 }] },
          ],
        }),
      /^(route|public\..*)$/,
    ],
    [
      "a node's name",
      "a.yaml",
      (name) => JSON.stringify({ name, server: "h:1" }),
      /^(route|vnet)$/,
    ],
    [
      "frp's name, type, user and keys",
      "frpc.json",
      (name) =>
        JSON.stringify({
          serverAddr: "h",
          user: "u",
          auth: { token: name },
          proxies: [
            { name, type: "tcp", localPort: 1, remotePort: 2, secretKey: name },
            { name: "b", type: name },
          ],
        }),
      /^(route|vnet|serve\..*)$/,
    ],
    [
      "frp's socket",
      "frpc.json",
      (name) =>
        JSON.stringify({
          serverAddr: "h",
          proxies: [
            {
              name: "a",
              type: "tcp",
              plugin: { type: "unix_domain_socket", unixPath: `/${name}` },
            },
          ],
        }),
      /^(route|serve\.a)$/,
    ],
  ];
  for (const [what, file, text, allowed] of files)
    it(`as ${what} makes no line of its own, or is refused`, async () => {
      for (const name of HOSTILE)
        try {
          const { sections } = await imported(text(name), file);
          for (const title of Object.keys(sections))
            expect(title).to.match(allowed);
          expect(sections.route!.ip).to.be.oneOf(["h", "0.0.0.0"]);
          expect(sections.vnet?.allow_unserve ?? "none").to.equal(
            what === "a node's name" ? "true" : "none",
          );
        } catch (error) {
          if (!(error instanceof VnetError)) throw error;
          expect(error.code).to.equal("config");
          for (const line of error.message.split("\n"))
            expect(line).to.match(/^a\.json: |^a\.yaml: |^frpc\.json: /);
          expect(error.message).not.to.match(/[^\P{Cc}\n]|[\u2028\u202e]/u);
        }
    });
});

describe("The import of a file on the disk", () => {
  const folder = makeFolder();
  after(() => {
    removeFolder(folder);
  });
  const cases: [what: string, bytes: Buffer, says: string][] = [
    ["10 MB", Buffer.alloc(10_000_000, "a"), "larger than 1 MiB"],
    [
      "another encoding than UTF-8",
      Buffer.from([0x7b, 0xc4, 0xe3, 0x7d]),
      "not text in UTF-8",
    ],
    ["UTF-16", Buffer.from("\ufeff{}", "utf16le"), "UTF-16"],
  ];
  for (const [what, bytes, says] of cases)
    it(`refuses ${what}`, async () => {
      const file = join(folder, "a.json");
      writeFileSync(file, bytes);
      expect(await refused(importFile(file, called))).to.include(says);
    });

  it("takes a byte order mark for what it is", async () => {
    const file = join(folder, "b.json");
    writeFileSync(file, `\ufeff${network({})}`);
    const { text } = await importFile(file, called);
    expect(text).to.include("serve=t");
  });

  it("works through 1 MiB in seconds", async () => {
    const many = Array.from({ length: 9_000 }, (_, at) => ({
      ...twice,
      port: at + 1,
    }));
    const text = JSON.stringify({ networks: many });
    for (const [file, source] of [
      ["a.json", text],
      ["a.yaml", text],
      [
        "b.yaml",
        `bind: ":1"\nproxy:\n${"- remote_name: x\n    port_list:\n".repeat(20_000)}`,
      ],
      ["c.yaml", "- a: 1\n    b: 2\n".repeat(40_000)],
      ["d.toml", "[[proxies]]\n".repeat(50_000)],
      ["f.ini", `[common]\na${" ".repeat(900_000)}b\n`],
      ["e.ini", `[common]\nuser = ${"x ".repeat(400_000)}\n`],
      ["g.toml", "{{ ".repeat(300_000)],
      ["h.toml", "a{{ }}".repeat(160_000)],
      ["i.toml", `${"\n".repeat(900_000)}{{`],
      ["j.toml", `a${"\n ".repeat(400_000)}`],
    ] as const)
      await importText(source, file, called).catch((error: unknown) => {
        if (!(error instanceof VnetError)) throw error;
      });
  }).timeout(150_000);
});

describe("An import says nothing that is not true of its file:", () => {
  const FRPC = 'serverAddr = "1.2.3.4"\nauth.token = "a token of ours"\n';
  const SSH = '[[proxies]]\nname = "ssh"\ntype = "tcp"\nlocalPort = 22\n';
  const DB =
    '[[visitors]]\nname = "v"\ntype = "stcp"\nserverName = "db"\nbindPort = 1\n';
  const texts: [
    what: string,
    text: string,
    says: RegExp | null,
    never: RegExp | null,
  ][] = [
    ["of a key to be made, where there is one", FRPC, null, /keygen/],
    [
      "of a key to be made, where there is none",
      FRPC.replace(/auth.*\n/, ""),
      /`\.\/vnet keygen` makes a key\.[^]*make one with keygen/,
      null,
    ],
    [
      "of visitors, where there are only proxies",
      `user = "me"\n${FRPC}${SSH}`,
      /user: .* \("me\.ssh"\)\. The node/,
      /visitor/,
    ],
    [
      "of proxies, where there are only visitors",
      `user = "me"\n${FRPC}${DB}`,
      /user: .*before those that its visitors look for/,
      /proxies/,
    ],
    [
      "of both, where there is neither",
      `user = "me"\n${FRPC}`,
      /not imported: user = me \(there is no name/,
      /proxies|visitors/,
    ],
    [
      "of proxies of a server, which has none",
      "bindPort = 7000\n",
      /No port for users stands in this file/,
      /these proxies/,
    ],
  ];
  for (const [what, text, says, never] of texts)
    it(`nothing ${what}`, async () => {
      const name = text.includes("bindPort = 7") ? "frps.toml" : "frpc.toml";
      const { text: printed } = await importText(text, name, called);
      const output = printed.replace(/\n; /g, " ");
      if (says !== null) expect(output).to.match(says);
      if (never !== null) expect(output).not.to.match(never);
    });
});

function called(program: "route" | "vnet"): string {
  return `./${program}`;
}
