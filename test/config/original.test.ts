// The files in original/ are written in the manner of the original tool: in the encodings, with the line ends and with the
// habits of its readers. Each one is loaded as it stands, or refused with what to write instead.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import type { NodeConfig } from "../../src/config/config.js";
import { readIniFile } from "../../src/config/file.js";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import type { VnetError } from "../../src/errors.js";
import { projectRoot } from "../support/project.js";

const FOLDER = join(projectRoot, "test", "config", "original");
const HOST = "this-host";

interface Expected {
  route?: Partial<NodeConfig["route"]>;
  vnet?: Partial<NodeConfig["vnet"]>;
  serves?: Partial<NodeConfig["serves"][number]>[];
  uses?: Partial<NodeConfig["uses"][number]>[];
  warnings?: RegExp[];
}

const HUB: Expected = { route: { ip: "0.0.0.0", port: 7749 } };
const HOME: Expected = {
  route: { ip: "10.12.140.180", port: 7749 },
  vnet: {
    ...{ name: "remote-ssh", group: "default-ssh", terminal: false },
    ...{ allowUnserve: true, unserveRemote: false, unserveNum: 3 },
  },
  serves: [
    {
      ...{ label: "ssh", serveid: 700, type: "tcp", ip: "127.0.0.1", port: 22 },
      ...{ name: "ssh", info: "home-ssh", active: true },
    },
  ],
  uses: [],
};
const OFFICE: Expected = {
  route: { ip: "10.12.140.180", port: 7749 },
  vnet: {
    ...{ name: "local-ssh", group: "default-ssh", terminal: true },
    ...{ startserve: false, startuse: true, allowUnserve: false },
  },
  serves: [],
  uses: [
    { label: "ssh", serveid: 700, ip: "127.0.0.1", port: 1122, active: true },
  ],
};
const EMPTY: Expected = {
  route: { ip: "10.12.140.180", port: 7749 },
  vnet: {
    ...{ name: HOST, group: "default", terminal: false, startserve: true },
    ...{ startuse: true, allowUnserve: false, unserveRemote: false },
    ...{ unserveNum: 1 },
  },
  serves: [
    {
      ...{ label: "xrdp", serveid: 0, type: "tcp", ip: "127.0.0.1" },
      ...{ port: 3389, name: "xrdp", info: "", active: true },
    },
  ],
  uses: [
    { label: "xrdp", serveid: 999, ip: "127.0.0.1", port: 0, active: true },
  ],
};

/** By the hub. */
const HUB_LOADS: Record<string, Expected> = {
  "hub.ini": HUB,
  "hub-gbk-crlf.ini": HUB,
  "hub-utf8-bom-crlf.ini": HUB,
  "both.ini": { route: { ip: "127.0.0.1", port: 7749 } },
};

/** By a node. */
const NODE_LOADS: Record<string, Expected> = {
  "home.ini": HOME,
  "home-gbk.ini": HOME,
  "home-gbk-crlf.ini": HOME,
  "home-utf8-bom-crlf.ini": HOME,
  "home-cr.ini": HOME,
  "home-cp949-crlf.ini": HOME,
  "office.ini": OFFICE,
  "office-gbk-crlf.ini": OFFICE,
  "office-utf8-bom.ini": OFFICE,
  "office-big5.ini": OFFICE,
  "empty-values.ini": EMPTY,
  "empty-values-gbk-crlf.ini": EMPTY,
  "use-without-serveid.ini": {
    uses: [
      { label: "a", serveid: 0, port: 33389 },
      { label: "b", serveid: 0, port: 33390 },
    ],
    warnings: [/\[use\.a\] .* disabled/, /\[use\.b\] .* disabled/],
  },
  "same-dynamic-id.ini": {
    serves: [
      { label: "blog", serveid: 7, port: 80 },
      { label: "wiki", serveid: 7, port: 8080 },
    ],
  },
  "two-uses-of-one-id.ini": {
    uses: [
      { label: "here", serveid: 700, ip: "127.0.0.1", port: 1122 },
      { label: "lan", serveid: 700, ip: "192.168.1.5", port: 1122 },
    ],
  },
  "both.ini": {
    route: { ip: "127.0.0.1", port: 7749 },
    vnet: { name: "server" },
    uses: [{ label: "web", serveid: 700, ip: "0.0.0.0", port: 8080 }],
  },
  "colons.ini": {
    route: { ip: "10.12.140.180", port: 7749 },
    vnet: { name: "xiao" },
    serves: [{ label: "web", port: 80, info: "http://127.0.0.1:80/" }],
  },
  "quotes.ini": {
    route: { ip: "10.12.140.180", port: 7749 },
    vnet: { name: "xiao" },
    serves: [{ port: 80, name: "my web", info: "C:\\new\\table; #1" }],
  },
  "spaces.ini": { route: { ip: "10.12.140.180", port: 7749 } },
};

/** Behind the file's path, the same for both programs but where one does not read it. */
const REFUSED: Record<string, string> = {
  "refused-value-gbk-crlf.ini":
    ":5: [vnet] name: found bytes that are not UTF-8 (GBK or CP949 perhaps?), allowed: text in UTF-8; save the file as UTF-8",
  "refused-section-gbk.ini":
    ":4: found bytes that are not UTF-8 (GBK or CP949 perhaps?), allowed: text in UTF-8; save the file as UTF-8",
  "refused-utf16.ini": ": is UTF-16 text; save it as UTF-8",
  "refused-terminal-t.ini":
    ':4: [vnet] terminal: found "t", allowed true or false (also yes/no, on/off, 1/0)',
  "refused-unknown-section.ini":
    ":3: [server.ssh]: found an unknown section, allowed [route], [log], [group.NAME], [public.NAME], [limits], [vnet], [serve.NAME], [use.NAME]; did you mean [serve.ssh]?",
  "refused-unknown-key.ini":
    ":4: [serve.ssh] serverid: found an unknown key, allowed …; did you mean serveid?",
  "refused-other-case.ini":
    ":1: [Route]: found an unknown section, allowed …; did you mean [route]?\n: [route]: found no such section; write [route] and on the next line ip=ADDRESS OF THE HUB",
  "refused-serveid-1000.ini":
    ':4: [serve.ssh] serveid: found "1000", allowed 1–499 (dynamic), 500–999 (static) or 000 (the hub chooses)',
  "refused-port-70000.ini": ':3: [route] port: found "70000", allowed 1–65535',
  "refused-port-word.ini": ':4: [serve.ssh] port: found "ssh", allowed 1–65535',
  "refused-unserve-num.ini":
    ':4: [vnet] unserve_num: found "-1", allowed 0–100',
  "refused-ip-with-port.ini":
    ':2: [route] ip: found "10.12.140.180:7749", allowed an IPv4 or IPv6 address or a host name (the port has a key of its own), …',
  "refused-node-without-ip.ini":
    ":2: [route] ip: found nothing, allowed an IPv4 or IPv6 address or a host name (the port has a key of its own), …",
  "refused-serve-without-port.ini":
    ":5: [serve.ssh] port: found nothing, allowed 1–65535",
  "refused-serve-without-label.ini":
    ":3: [serve.]: found nothing behind the dot, allowed 1–64 printable characters, as in [serve.ssh]",
  "refused-static-id-twice.ini":
    ":7: [serve.b] serveid: found 700, which [serve.a] has on line 4; allowed: each serveid from 500 on once among the serves",
  "refused-section-twice.ini":
    ":6: [use.a]: found this section a second time, first on line 3; allowed: once in a file",
  "refused-key-twice.ini":
    ":3: [route] ip: found this key a second time, first on line 2; allowed: once in a section",
  "refused-port-twice.ini":
    ":8: [use.b] port: found 127.0.0.1 port 1122, which [use.a] has on line 5; allowed: each ip and port once among the uses",
  "refused-key-before-sections.ini":
    ":1: port: found before any section, allowed: below a section such as [route]",
  "refused-no-value.ini": ':3: [route]: found "port", allowed KEY=VALUE',
  "refused-wide-equals.ini":
    ':2: [route]: found "ip＝10.12.140.180", allowed KEY=VALUE; write = : [ ] ; # as half-width characters\n:1: [route] ip: found nothing, …',
  "refused-wide-comment.ini":
    ':3: [route] port: found "7749 ；端口号", allowed 1–65535; ； begins no comment, write ; or #',
  "refused-three-quotes.ini":
    ':4: [vnet] name: found """"xiao"""", allowed: one line between " and "',
  "refused-long-line.ini":
    ':6: [serve.web]: found "second half", allowed KEY=VALUE',
};

describe("A file in the manner of the original tool", () => {
  it("is in one of these lists, whichever it is", () => {
    const listed = [HUB_LOADS, NODE_LOADS, REFUSED].flatMap(Object.keys);
    expect(readdirSync(FOLDER)).to.have.members([...new Set(listed)]);
  });

  for (const [name, expected] of Object.entries(HUB_LOADS))
    it(`loads for the hub: ${name}`, async () => {
      const { route } = parseHubConfig(await read(name), name);
      expect(route).to.include(expected.route);
    });

  for (const [name, expected] of Object.entries(NODE_LOADS))
    it(`loads for a node, with everything that it says: ${name}`, async () => {
      const config = parseNodeConfig(await read(name), name, HOST);
      expect(config.route).to.include(expected.route ?? {});
      expect(config.vnet).to.include(expected.vnet ?? {});
      for (const kind of ["serves", "uses"] as const) {
        const rows = expected[kind] ?? [];
        expect(config[kind]).to.have.length(rows.length);
        for (const [at, row] of rows.entries())
          expect(config[kind][at]).to.include(row);
      }
      const wanted = expected.warnings ?? [];
      expect(config.warnings).to.have.length(wanted.length);
      for (const [at, warning] of wanted.entries())
        expect(config.warnings[at]).to.match(warning);
    });

  for (const [name, expected] of Object.entries(REFUSED))
    it(`is refused, and told what to write instead: ${name}`, async () => {
      const error = await read(name)
        .then((text) => parseNodeConfig(text, join(FOLDER, name), HOST))
        .then(
          () => expect.fail("it was loaded"),
          (reason: unknown) => reason as VnetError,
        );
      expect(error).to.include({ code: "config" });
      const lines = error.message.split("\n");
      const wanted = expected.split("\n");
      expect(lines, error.message).to.have.length(wanted.length);
      // In the order of their lines.
      for (const each of wanted) {
        const parts = `${join(FOLDER, name)}${each}`.split("…");
        const isThere = lines.some(
          (line) =>
            line.startsWith(parts[0] ?? "") &&
            line.endsWith(parts.at(-1) ?? ""),
        );
        expect(isThere, `${each}\nin\n${error.message}`).to.equal(true);
      }
    });

  it("has its accidents told: what is UTF-8 by chance, in a file that is not", () => {
    // 一 in GBK is the two bytes of U+04BB in UTF-8.
    const { vnet, serves, warnings } = parseNodeConfig(
      "[route]\nip=::1\n[vnet]\nname=\u04bb ; \udcff\n[serve.\u04bb]\nport=1",
      "n.ini",
    );
    expect(vnet.name).to.equal("\u04bb");
    expect(serves[0]?.label).to.equal("\u04bb");
    expect(warnings).to.have.length(2);
    for (const warning of warnings)
      expect(warning).to.match(/^n\.ini:[45]: .*save the file as UTF-8$/);
  });
});

function read(name: string): Promise<string> {
  return readIniFile(join(FOLDER, name));
}
