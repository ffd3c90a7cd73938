// Who reaches what is what it was with frp: keys, users, groups, addresses and
// names, of one machine's file and between the files of several.

import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { VnetError } from "../../src/errors.js";
import { importText } from "../../src/import/import.js";
import { hubSketch, imported, parts, readBack } from "./read-back.js";

const CLIENT = 'serverAddr = "hub"\nauth.token = "a token of ours"\n';
const proxy = (name: string, more: string) =>
  `[[proxies]]\nname = "${name}"\nlocalPort = 22\n${more}\n`;
const tcp = (name: string, port: number, more = "") =>
  proxy(name, `type = "tcp"\nremotePort = ${port}\n${more}`);
const stcp = (name: string, more = "") =>
  proxy(name, `type = "stcp"\nsecretKey = "correct horse battery"\n${more}`);
const visitor = (server: string, more = "") =>
  `[[visitors]]\nname = "v"\ntype = "stcp"\nserverName = "${server}"\nsecretKey = "correct horse battery"\nbindPort = 6000\n${more}\n`;

const called = (program: string) => `./${program}`;

/** Of a client, with the text of its server's file. */
async function withServer(client: string, server: string): Promise<string> {
  const options = { server: { file: "frps.toml", text: server } };
  const { text } = await importText(client, "frpc.toml", called, options);
  return text;
}

async function refused(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "nothing was refused",
    (error: unknown) =>
      error instanceof VnetError ? error.message : String(error),
  );
}

describe("The addresses of an imported frp", () => {
  const servers: [what: string, text: string, ip: string][] = [
    ["no bindAddr", "", "::"],
    ["the IPv4 address for all, which means IPv6 too", "0.0.0.0", "::"],
    ["one address", "127.0.0.1", "127.0.0.1"],
    ["an IPv6 address", "::1", "::1"],
  ];
  for (const [what, bind, ip] of servers)
    it(`are those of a hub with ${what}`, async () => {
      const line = bind === "" ? "" : `bindAddr = "${bind}"\n`;
      const { text } = await imported(`bindPort = 7000\n${line}`, "frps.toml");
      expect(parseHubConfig(text, "hub").route.ip).to.equal(ip);
    });

  const ports: [what: string, text: string, ip: string][] = [
    ["nothing", "bindPort = 7000\n", "::"],
    ["bindAddr", 'bindAddr = "127.0.0.2"\n', "127.0.0.2"],
    [
      "proxyBindAddr",
      'bindAddr = "0.0.0.0"\nproxyBindAddr = "127.0.0.1"\n',
      "127.0.0.1",
    ],
  ];
  for (const [what, server, ip] of ports)
    it(`are for its users what the server says by ${what}`, async () => {
      const text = await withServer(CLIENT + tcp("ssh", 6000), server);
      expect(readBack(hubSketch(text))).to.deep.equal({
        "public.ssh": { serve: "ssh", ip, port: "6000" },
      });
    });

  it("are for its users the hub's machine where the server's file is not named", async () => {
    const { text, comments } = await imported(
      CLIENT + tcp("ssh", 6000),
      "frpc.toml",
    );
    const [port] = parseHubConfig(
      `[route]\nip=127.0.0.1\n${hubSketch(text)}`,
      "hub",
    ).publics;
    expect(port).to.include({ ip: "127.0.0.1", port: 6000 });
    expect(comments).to.include("./vnet import FILE --server FRPS-FILE");
  });

  it("are told by the import of the server, which has none of its ports", async () => {
    const { comments } = await imported(
      'bindPort = 7000\nproxyBindAddr = "10.0.0.7"\n',
      "frps.toml",
    );
    expect(comments).to.include("ip=10.0.0.7");
    expect(comments).not.to.include("not imported: proxyBindAddr");
  });

  it("are those of visitors, too", async () => {
    const { sections } = await imported(
      CLIENT + visitor("ssh", 'bindAddr = "0.0.0.0"'),
      "frpc.toml",
    );
    expect(sections["use.v"]!.ip).to.equal("::");
  });

  for (const [what, line] of [
    [
      "a list",
      "allowPorts = [{ start = 6000, end = 6010 }, { single = 7001 }]\n",
    ],
    ["old words", "[common]\nbind_port = 7000\nallow_ports = 6000-6010,7001\n"],
  ] as const)
    it(`have no port that the server does not allow, by ${what}`, async () => {
      const text = await withServer(
        CLIENT + tcp("a", 6010) + tcp("b", 6011) + tcp("c", 7001),
        line,
      );
      expect(readBack(hubSketch(text))).to.have.all.keys(
        "public.a",
        "public.c",
      );
      expect(text).to.include("Left out: port 6011 of b");
    });

  it("are asked of the file of a frps only", async () => {
    const text = CLIENT + tcp("a", 1);
    expect(await refused(withServer(text, CLIENT))).to.include(
      "frps.toml: not recognised as the file of a frps",
    );
    expect(await refused(withServer("bindPort = 1\n", "bindPort = 1\n")))
      .to //
      .include("--server is for the file of a frpc");
  });
});

describe("The users of frp after an import", () => {
  const offered = async (user: string, more: string) => {
    const first = user === "" ? "" : `user = "${user}"\n`;
    const { sections, losses } = await imported(
      first + CLIENT + stcp("ssh", more),
      "frpc.toml",
    );
    const names = Object.values(sections).flatMap(({ name, active }) =>
      name === undefined || name === null
        ? []
        : [active === "false" ? `${name} (off)` : name],
    );
    return { names, losses };
  };
  const asked = async (user: string, more: string) => {
    const first = user === "" ? "" : `user = "${user}"\n`;
    const text = first + CLIENT + visitor("ssh", more);
    const { sections } = await imported(text, "frpc.toml");
    return sections["use.v"]!.serve;
  };
  const rows: [
    what: string,
    provider: string,
    allow: string,
    user: string,
    reaches: boolean,
  ][] = [
    ["of the same user", "home", "", "home", true],
    ["of another user", "home", "", "office", false],
    ["of no user, to one of a user", "home", "", "", false],
    ["of no user, to one of none", "", "", "", true],
    [
      "of another user whom all are allowed to",
      "home",
      '["*"]',
      "office",
      true,
    ],
    ["of the same user where all are allowed", "home", '["*"]', "home", true],
    [
      "of the same user where others alone are",
      "home",
      '["office"]',
      "home",
      false,
    ],
    [
      "of the same user who is named",
      "home",
      '["home", "office"]',
      "home",
      true,
    ],
  ];
  for (const [what, provider, allow, user, reaches] of rows)
    it(`are the same: a visitor ${what} ${reaches ? "reaches it" : "does not"}`, async () => {
      const line = allow === "" ? "" : `allowUsers = ${allow}`;
      const { names } = await offered(provider, line);
      const serverUser = provider === user ? "" : `serverUser = "${provider}"`;
      const name = await asked(user, serverUser);
      expect(names.includes(name ?? "")).to.equal(reaches);
    });

  it("are not let in where they are named, before somebody says by which key they are known, and that is told", async () => {
    const { names, losses } = await offered("home", 'allowUsers = ["office"]');
    expect(names).to.deep.equal(["home.ssh%others (off)"]);
    expect(losses).to.include("allowUsers = [office]").and.include("allow=");
  });

  it("are read in the old INI, too", async () => {
    const { sections, losses } = await imported(
      "[common]\nserver_addr = hub\nuser = home\n[ssh]\ntype = stcp\nsk = correct horse battery\nlocal_port = 22\nallow_users = home, *\n",
      "frpc.ini",
    );
    expect(sections).to.include.keys("serve.ssh", "serve.ssh-others");
    expect(losses).to.equal("");
  });

  it("have no other role than frp's two", async () => {
    const text =
      "[common]\nserver_addr = hub\n[ssh]\ntype = stcp\nrole = client\nlocal_port = 22\n";
    expect(await refused(imported(text, "frpc.ini"))).to.include(
      '[ssh] role: found "client", allowed server, visitor',
    );
  });
});

describe("The groups of frp after an import", () => {
  const group = (name: string, more = "") =>
    `loadBalancer.group = "${name}"\n${more}`;

  it("are one name with share=balance, and one port", async () => {
    const { text, sections, losses } = await imported(
      CLIENT + tcp("a", 6000, group("web")) + tcp("b", 6000, group("web")),
      "frpc.toml",
    );
    const serve = {
      name: "web%group",
      ip: "127.0.0.1",
      port: "22",
      share: "balance",
    };
    expect(sections["serve.a"]).to.deep.equal(serve);
    expect(sections["serve.b"]).to.deep.equal(serve);
    expect(readBack(hubSketch(text))).to.deep.equal({
      "public.web%group": { serve: "web%group", port: "6000" },
    });
    expect(losses).to.equal("");
  });

  it("are the same on another machine of another user, so that the hub has one section for both", async () => {
    const of = async (user: string) =>
      imported(
        `user = "${user}"\n${CLIENT}${tcp(user, 6000, group("web"))}`,
        "frpc.toml",
      );
    const one = await of("one");
    const two = await of("two");
    expect(hubSketch(one.text)).to.equal(hubSketch(two.text));
    expect(one.sections["serve.one"]!.name).to.equal(
      two.sections["serve.two"]!.name,
    );
  });

  it("are not mistaken for a proxy of that name", async () => {
    const { sections } = await imported(
      CLIENT + tcp("a", 6000, group("web")) + tcp("web", 6001),
      "frpc.toml",
    );
    expect(sections["serve.a"]!.name).not.to.equal(sections["serve.web"]!.name);
  });

  it("tell that nobody asks for their key", async () => {
    const { losses } = await imported(
      CLIENT + tcp("a", 6000, group("web", 'loadBalancer.groupKey = "k"')),
      "frpc.toml",
    );
    expect(losses).to.include("the group's key").and.include("peers=");
  });

  for (const [what, port, key] of [
    ["port", 6001, "k"],
    ["key", 6000, "other"],
  ] as const)
    it(`have no member with another ${what}, as with frp, and tell so`, async () => {
      const { text, sections, losses } = await imported(
        CLIENT +
          tcp("a", 6000, group("web", 'loadBalancer.groupKey = "k"')) +
          tcp("b", port, group("web", `loadBalancer.groupKey = "${key}"`)),
        "frpc.toml",
      );
      expect(losses).to.include(`its ${what} is not that of the others`);
      expect(sections["serve.b"]).not.to.include.keys("share");
      expect(readBack(hubSketch(text))).to.have.all.keys("public.web%group");
    });

  it("are needed for two proxies of one port", async () => {
    const { text, losses } = await imported(
      CLIENT + tcp("a", 6000) + tcp("b", 6000),
      "frpc.toml",
    );
    expect(readBack(hubSketch(text))).to.have.all.keys("public.a");
    expect(losses).to.include("port 6000 of b (it is that of a too");
  });

  it("have a section of their own at the hub, as what another user calls the same has", async () => {
    const of = async (user: string, port: number) => {
      const first = user === "" ? "" : `user = "${user}"\n`;
      const more = port === 6002 ? group("ssh") : "";
      const text = first + CLIENT + tcp("ssh", port, more);
      return hubSketch((await imported(text, "frpc.toml")).text);
    };
    const hub = [await of("a", 6000), await of("b", 6001), await of("", 6002)];
    expect(readBack(hub.join("\n"))).to.deep.equal({
      "public.a.ssh": { serve: "a.ssh", port: "6000" },
      "public.b.ssh": { serve: "b.ssh", port: "6001" },
      "public.ssh%group": { serve: "ssh%group", port: "6002" },
    });
  });

  it("leave a port to what is started", async () => {
    const { text, losses } = await imported(
      `start = ["b"]\n${CLIENT}${tcp("a", 6000)}${tcp("b", 6000)}`,
      "frpc.toml",
    );
    expect(readBack(hubSketch(text))).to.deep.equal({
      "public.b": { serve: "b", port: "6000" },
    });
    expect(losses).to.equal("");
  });
});

describe("The keys of frp after an import", () => {
  it("are no secret of the nodes that have ports for everybody", async () => {
    const { text } = await imported(
      CLIENT + tcp("web", 6000) + stcp("ssh"),
      "frpc.toml",
    );
    const [open = "", keyed = ""] = parts(text);
    expect(parseNodeConfig(open, "a").vnet.secret).to.equal("");
    expect(parseNodeConfig(open, "a").serves.map(({ name }) => name)) //
      .to.deep.equal(["web"]);
    const node = parseNodeConfig(keyed, "b");
    expect(node.vnet.secret).to.equal("correct horse battery");
    expect(node.serves.map(({ name }) => name)).to.deep.equal(["ssh"]);
    expect(hubSketch(text)).not.to.include("secret");
  });

  it("are a node each where they differ", async () => {
    const { text, losses } = await imported(
      CLIENT +
        stcp("a") +
        stcp("b").replace("correct horse battery", "another one of these"),
      "frpc.toml",
    );
    const secrets = parts(text).map(
      (part) => parseNodeConfig(part, "x").vnet.secret,
    );
    expect(secrets).to.deep.equal([
      "correct horse battery",
      "another one of these",
    ]);
    expect(losses).to.match(
      /^only the first of 2 configurations counts; .*: with a key: b$/,
    );
  });

  it("leave what they guarded closed where they are too short, and tell so", async () => {
    const { sections, losses } = await imported(
      CLIENT + stcp("a").replace("correct horse battery", "abc"),
      "frpc.toml",
    );
    expect(sections["serve.a"]!.active).to.equal("false");
    expect(losses).to.include("the secret key of a (a secret has 8–256");
    expect(losses).not.to.include("abc");
  });
});

describe("Names after an import of frp", () => {
  const nameOf = async (name: string) => {
    const { sections } = await imported(
      JSON.stringify({
        serverAddr: "h",
        proxies: [{ name, type: "stcp", localPort: 1 }],
      }),
      "frpc.json",
    );
    const serve = Object.values(sections).find((each) => "name" in each);
    return serve?.name ?? "";
  };
  it("stay apart, whatever they are made of", async () => {
    const long = "n".repeat(80);
    const names = [
      "a:b",
      "a@b",
      "a_b",
      "a%b",
      "a%3Ab",
      long,
      `${long}x`,
      "a\tb",
      " a_b",
      "a\u200bb",
      "e\u0301",
      "\u00e9",
    ];
    const made: string[] = [];
    for (const name of names) made.push(await nameOf(name));
    expect(new Set(made).size).to.equal(names.length);
  });

  it("are the same at the visitor, also where they are long", async () => {
    const name = "n".repeat(80);
    const { sections } = await imported(CLIENT + visitor(name), "frpc.toml");
    expect(sections["use.v"]!.serve).to.equal(await nameOf(name));
  });

  it("stay as they are where nothing stands against it", async () => {
    for (const name of ["ssh", "home.ssh", "数据库", "a b-c_d"])
      expect(await nameOf(name)).to.equal(name);
  });
});
