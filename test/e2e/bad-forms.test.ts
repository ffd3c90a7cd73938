// What people get wrong in the keys, flags and address forms of links, public ports and one-line starts: one clear line
// that names the place, what was found and what is allowed; status 2, and nothing is started or written.

import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { closeLaunched, startBare } from "../support/launch.js";
import { makeFolder, removeFolder } from "../support/folder.js";

type Launcher = "route" | "vnet";

const ROUTE = "[route]\nip = 127.0.0.1\n";
const INI = ["config.ini"];
const HUB = ["--route", "hub.example:4000"];
const PORT = ["--ip", "127.0.0.1", "--port", "4000"];

/** what is wrong, whose it is, the file, and what the message must say */
const keys: [what: string, who: Launcher, text: string, ...says: string[]][] = [
  [
    "heartbeat_interval in seconds",
    "route",
    `${ROUTE}heartbeat_interval = 4\n`,
    "config.ini:3: [route] heartbeat_interval",
    'found "4"',
    "100–600000",
  ],
  [
    "heartbeat_timeout that is no number",
    "vnet",
    `${ROUTE}heartbeat_timeout = 12s\n`,
    "config.ini:3: [route] heartbeat_timeout",
    'found "12s"',
    "200–3600000",
  ],
  [
    "a timeout shorter than two intervals",
    "vnet",
    `${ROUTE}heartbeat_interval = 1000\nheartbeat_timeout = 1500\n`,
    "config.ini:4: [route] heartbeat_timeout",
    "found 1500 with heartbeat_interval 1000",
    "at least twice",
  ],
  [
    "retry_interval of nothing",
    "vnet",
    `${ROUTE}retry_interval = 0\n`,
    "config.ini:3: [route] retry_interval",
    'found "0"',
    "100–600000",
  ],
  ...["proxy_protocol", "connect_line"].map((key): (typeof keys)[number] => [
    `${key} that is neither`,
    "route",
    `${ROUTE}${key} = v2\n`,
    `config.ini:3: [route] ${key}`,
    'found "v2"',
    "true or false",
  ]),
  [
    "a hub on a program",
    "route",
    "[route]\nip = exec:cat\n",
    "config.ini:2: [route] ip",
    '"exec:…"',
    "can be dialled only",
    "unix:/PATH or hvsock:/PATH:PORT",
  ],
  [
    "a hub's link with a port",
    "vnet",
    "[route]\nip = unix:/run/hub.sock\nport = 7749\n",
    "config.ini:3: [route] port",
    "ip=unix:…",
    "remove it",
  ],
  [
    "a group without a key",
    "route",
    `${ROUTE}[group.red]\n`,
    "config.ini:3: [group.red]",
    "authkey",
    "secret",
  ],
  [
    "a group's secret that is too short",
    "route",
    `${ROUTE}[group.red]\nsecret = short\n`,
    "config.ini:4: [group.red] secret",
    "8–256",
  ],
  [
    "a public port with two targets",
    "route",
    `${ROUTE}[public.web]\nserveid = 700\nserve = web\n`,
    "config.ini:5: [public.web] serve",
    "found beside serveid",
    "one of serveid, serve, to",
  ],
  [
    "a public port twice",
    "route",
    `${ROUTE}[public.a]\nserve=a\nport=80\n[public.b]\nserve=b\nport=80\n`,
    "config.ini:8: [public.b] port",
    "127.0.0.1 port 80",
    "line 5",
  ],
  [
    "a public port on a program",
    "route",
    `${ROUTE}[public.web]\nserve=web\nip=exec:cat\n`,
    "config.ini:5: [public.web] ip",
    "exec:cat",
  ],
  [
    "share of another word",
    "vnet",
    `${ROUTE}[serve.web]\nport=80\nshare=round-robin\n`,
    "config.ini:5: [serve.web] share",
    '"round-robin"',
    "exclusive, takeover, balance",
  ],
  [
    "host without type=http",
    "vnet",
    `${ROUTE}[serve.web]\nport=80\nhost=web.example\n`,
    "config.ini:5: [serve.web] host",
    "type=http",
  ],
  [
    "to without a port",
    "vnet",
    `${ROUTE}[use.far]\nto=home\n`,
    "config.ini:4: [use.far] to",
    'found "home"',
    "NODE:PORT",
  ],
  [
    "a use's socket with a port",
    "vnet",
    `${ROUTE}[use.web]\nserve=web\nip=unix:/run/web.sock\nport=80\n`,
    "config.ini:6: [use.web] port",
    "remove it",
  ],
];

/** of every place that takes a link, by a serve */
const links: [what: string, link: string, ...says: string[]][] = [
  ["no path", "unix:", "absolute"],
  ["a relative path", "unix:run/hub.sock", "absolute"],
  ["a folder", "unix:/run/", "a folder"],
  ["a path that is too long", `unix:/${"x".repeat(120)}`, "107"],
  ["no program", "exec:", "without a program"],
  ["an open quote", "exec:sh -c 'cat", "without a closing '"],
  ["a relative program", "exec:./cat -u", "absolute path"],
  ["no port", "vsock:3", "vsock:CID:PORT"],
  ["a CID that is no number", "vsock:host:22", "the CID"],
  ["no port", "hvsock:/run/vm.sock", "without a port"],
  ["a port that is no number", "hvsock:/run/vm.sock:ssh", "the port"],
];

const flags: [who: Launcher, words: string[], ...says: string[]][] = [
  ["vnet", ["--route", ""], "command line: [route] ip: found nothing"],
  ["vnet", ["--route", "h:1:2"], "[route] ip", '"h:1:2"'],
  ["vnet", ["--route", "h:x"], "[route] port", '"x"', "1–65535"],
  ["vnet", [...HUB, ...HUB], "--route is given twice"],
  ["vnet", [...HUB, "--authkey", "short"], "[route] authkey", "8–256"],
  ["vnet", [...HUB, "--serve", "0"], "[serve.port-0] port", '"0"', "1–65535"],
  ["vnet", [...HUB, "--serve", "22,nam=x"], "did you mean name?"],
  ["vnet", [...HUB, "--serve", "22,port=23"], "port is given twice"],
  ["vnet", [...HUB, "--serve", "exec:cat,port=1"], "port", "remove it"],
  ["vnet", [...HUB, "--use", "mysql:99999"], "port", '"99999"', "1–65535"],
  ["vnet", [...HUB, "--use", "a:1", "--use", "b:1"], "each ip and port once"],
  ["vnet", [...HUB, "--use", "to=home:22,serve=x"], "one of serveid, serve"],
  ["vnet", [...HUB, "--public", "ssh:22"], "--public", "--help"],
  ["vnet", ["--serve", "22"], "config.ini", "--route"],
  ["route", ["--port", "web"], "[route] port", '"web"', "1–65535"],
  ["route", ["--ip", "exec:cat"], "can be dialled only"],
  ["route", [...PORT, "--public", "ssh:x"], "port", '"x"', "1–65535"],
  ["route", [...PORT, "--public", "ssh,grup=a"], "did you mean group?"],
  ["route", [...PORT, "--public", ""], "[public.public] serve: found nothing"],
  ["vnet", [...HUB, "--serve", "web"], "port", '"web"', "1–65535"],
  ["route", [...PORT, "--serve", "22"], "--serve", "--help"],
  ["route", ["--public", "ssh:22"], "config.ini", "--port"],
  ["route", [...PORT, "-e", "show serves"], "-e is an option of vnet only"],
];

describe("a mistake", function () {
  this.timeout(180_000);
  let folder: string;

  beforeEach(() => {
    folder = makeFolder();
  });
  afterEach(async () => {
    await closeLaunched();
    removeFolder(folder);
  });

  async function expectRefusal(
    who: Launcher,
    words: string[],
    says: string[],
  ): Promise<void> {
    const before = readdirSync(folder);
    const program = startBare(who, words, { folder });
    const { status } = await program.waitFor(() => program.exit, "end");
    for (const text of says) expect(program.stderr).to.include(text);
    expect(program.stderr.trim().split("\n")).to.have.length(1);
    expect([status, program.stdout]).to.deep.equal([2, ""]);
    expect(readdirSync(folder)).to.deep.equal(before);
    expect(existsSync(join(folder, "state"))).to.equal(false);
  }

  for (const [what, who, text, ...says] of keys)
    it(`in the file of ./${who} is one clear line: ${what}`, async () => {
      writeFileSync(join(folder, "config.ini"), text);
      await expectRefusal(who, INI, says);
    });

  it("in a link is one clear line each, all of them at once", async () => {
    const sections = links.map(
      ([, link], n) => `[serve.n${n}]\nip = "${link}"\n`,
    );
    const text = ROUTE + sections.join("");
    writeFileSync(join(folder, "config.ini"), text);
    const program = startBare("vnet", INI, { folder });
    const { status } = await program.exited;
    const lines = program.stderr.trim().split("\n");
    expect(lines).to.have.length(links.length);
    for (const [n, [what, , ...says]] of links.entries()) {
      const place = `config.ini:${2 * n + 4}: [serve.n${n}] ip: found`;
      for (const part of [place, ...says])
        expect(lines[n], what).to.include(part);
    }
    expect(status).to.equal(2);
  });

  for (const [who, words, ...says] of flags)
    it(`on the command line is one clear line: ./${who} ${words.join(" ")}`, () =>
      expectRefusal(who, words, says));
});
