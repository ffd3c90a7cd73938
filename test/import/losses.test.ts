// Keys in any case, and what an import tells on stderr: whatever decided who
// reaches what, and is not in what it prints.

import { expect } from "chai";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { VnetError } from "../../src/errors.js";
import { imported, parts, readBack } from "./read-back.js";

const CLIENT = 'serverAddr = "hub"\nauth.token = "a token of ours"\n';

describe("The import of keys in other letters than the document's", () => {
  const TOML = `ServerAddr = "hub"
serverport = 7001
[Auth]
Token = "a token of ours"
[[Proxies]]
Name = "ssh"
TYPE = "tcp"
localport = 22
Remoteport = 6000
[[visitors]]
name = "v"
type = "stcp"
servername = "db"
secretkey = "correct horse battery"
bindaddr = "127.0.0.2"
bindport = 6001
`;
  it("reads frp's TOML as frp does, which takes them in any case", async () => {
    const { text, sections, losses } = await imported(TOML, "frpc.toml");
    expect(sections.route).to.deep.equal({
      ip: "hub",
      port: "7001",
      authkey: "a token of ours",
    });
    expect(sections["serve.ssh"]).to.include({ port: "22" });
    const [, keyed = ""] = parts(text);
    expect(readBack(keyed)["use.v"]).to.include({
      ip: "127.0.0.2",
      port: "6001",
    });
    expect(text).to.match(/^; +port=6000$/m);
    expect(losses).to.match(
      /^only the first of 2 configurations counts; [^!]*: with a key: v$/,
    );
  });

  it("reads frps' YAML in the same way, and the reasons for what is left", async () => {
    const { sections, comments } = await imported(
      "BindPort: 7001\nauth: {TOKEN: a token of ours}\nVHOSTHTTPPORT: 80\n",
      "frps.yaml",
    );
    expect(sections.route).to.include({
      port: "7001",
      authkey: "a token of ours",
    });
    expect(comments).to.include("apart by their domains");
  });

  it("reads qjw-proxy's JSON in the same way, as that is written in Go too", async () => {
    const { sections } = await imported(
      '{"Networks": [{"Server_Host": "h", "server_port": 1, "topic": "t", "Bind": "0.0.0.0", "port": 2}]}',
      "config.json",
    );
    expect(sections["use.t"]).to.include({ ip: "::", port: "2" });
  });

  it("refuses one key in two ways of writing it", async () => {
    const text = `${CLIENT}[[proxies]]\nname="a"\ntype="tcp"\nlocalPort=1\nremotePort=2\nremoteport=3\n`;
    const message = await imported(text, "frpc.toml").then(
      () => "nothing",
      (error: unknown) => (error instanceof VnetError ? error.message : ""),
    );
    expect(message).to.include('proxies[0].remoteport: found "remotePort" too');
  });

  it("leaves out what frp's INI leaves out, where each letter counts, and tells", async () => {
    const { text, losses } = await imported(
      "[common]\nserver_addr = hub\nToken = a-token-of-ours\n[ssh]\ntype = tcp\nlocal_port = 22\nRemote_Port = 6000\n",
      "frpc.ini",
    );
    expect(losses).to.include("[ssh] Remote_Port").and.include("remote_port?");
    expect(losses).to.include("[common] Token = (not shown)");
    expect(text).not.to.match(/port=6000|a-token-of-ours/);
  });
});

describe("An import tells the loss", () => {
  const proxy = (more: string) => `${CLIENT}[[proxies]]\nname = "x"\n${more}\n`;
  const cases: [what: string, text: string, says: string][] = [
    [
      "of a service of another type",
      proxy('type = "udp"\nlocalPort = 53'),
      "the proxy x of type udp",
    ],
    [
      "of a service that a plugin gave",
      proxy('type = "tcp"\nplugin.type = "socks5"'),
      "its plugin socks5",
    ],
    [
      "of a token that is too short",
      'serverAddr = "hub"\nauth.token = "abc"\n',
      "auth.token (an authkey has 8–256",
    ],
    [
      "of another way to prove who it is",
      `${CLIENT}auth.method = "oidc"\n`,
      "auth.method",
    ],
    [
      "of a key in another file",
      `serverAddr = "hub"\nauth.tokenSource.type = "file"\n`,
      "authkey_file=FILE",
    ],
    [
      "of a check of the server's certificate",
      `${CLIENT}transport.tls.trustedCaFile = "ca.crt"\n`,
      "write fingerprint= of the hub",
    ],
    [
      "of a proxy on the way to the server",
      `${CLIENT}transport.proxyURL = "http://me:hush@proxy:8080"\n`,
      "transport.proxyURL",
    ],
    [
      "of a way to the server by UDP",
      `${CLIENT}transport.protocol = "quic"\n`,
      "transport.protocol",
    ],
    ["of further files", `${CLIENT}includes = ["./more/*.toml"]\n`, "includes"],
    [
      "of a server's check of its clients' certificates",
      'bindPort = 7000\ntransport.tls.trustedCaFile = "ca.crt"\n',
      "frps turned clients away that had no certificate",
    ],
    [
      "of a program that a server asks about logins",
      'bindPort = 7000\n[[httpPlugins]]\nname = "users"\naddr = "127.0.0.1:9000"\nops = ["Login"]\n',
      "whom to let in",
    ],
    [
      "of a server's port for HTTP",
      "bindPort = 7000\nvhostHTTPPort = 80\n",
      "vhostHTTPPort",
    ],
  ];
  for (const [what, text, says] of cases)
    it(what, async () => {
      const file = text.startsWith("bindPort") ? "frps.toml" : "frpc.toml";
      const { text: printed, losses } = await imported(text, file);
      expect(losses).to.include(says);
      expect(printed.replace(/\n *; /g, " ")).to.include(says);
      expect(losses + printed).not.to.include("hush");
    });

  it("of such a program in frps' old INI", async () => {
    const { losses } = await imported(
      "[common]\nbind_port = 7000\n[plugin.users]\naddr = 127.0.0.1:9000\nops = Login\n",
      "frps.ini",
    );
    expect(losses).to.include("plugin.users").and.include("whom to let in");
  });

  it("of services beyond the ids that there are, as the check of the result does", async () => {
    const many = (count: number) =>
      JSON.stringify({
        serverAddr: "h",
        auth: { token: "a token of ours" },
        proxies: Array.from({ length: count }, (_, at) => ({
          name: `p${at}`,
          type: "stcp",
          localPort: at + 1,
        })),
      });
    const enough = await imported(many(450), "frpc.json");
    expect(enough.losses).to.equal("");
    const { text, losses } = await imported(many(451), "frpc.json");
    expect(losses).to.include("451 serves want a dynamic serveid");
    expect(parseNodeConfig(text, "c.ini").warnings.join()).to.include(
      "c.ini: 451 serves want a dynamic serveid",
    );
    expect(
      parseNodeConfig(enough.text, "c.ini").warnings.join(),
    ).not.to.include("dynamic");
  });

  it("but none of what only says how", async () => {
    const { losses } = await imported(
      `${CLIENT}loginFailExit = true\ntransport.poolCount = 5\nwebServer.port = 7400\n[log]\nmaxDays = 3\n[[proxies]]\nname = "x"\ntype = "tcp"\nlocalPort = 1\nremotePort = 2\ntransport.useCompression = true\n`,
      "frpc.toml",
    );
    expect(losses).to.equal("");
  });
});

describe("The import of a server with a token that is too short", () => {
  it("makes a hub that is not open to all", async () => {
    const { sections } = await imported(
      'bindPort = 7000\nauth.token = "abc"\n',
      "frps.toml",
    );
    expect(sections.route!.authkey).to.equal("auto");
  });
});

describe("The import of frp's log", () => {
  it("is ours, with level and file", async () => {
    const { sections, comments } = await imported(
      `${CLIENT}log.to = "/var/log/frpc.log"\nlog.level = "trace"\nlog.maxDays = 3\n`,
      "frpc.toml",
    );
    expect(sections.log).to.deep.equal({
      level: "debug",
      file: "/var/log/frpc.log",
    });
    expect(comments).to.include("log.maxDays").and.include("logrotate");
  });

  it("is no section where it says what is so anyway", async () => {
    const { sections } = await imported(
      "[common]\nbind_port = 7000\nlog_file = console\nlog_level = info\n",
      "frps.ini",
    );
    expect(sections).to.have.all.keys("route");
  });
});

describe("An import shows no secret", () => {
  const cases: [what: string, text: string][] = [
    [
      "of a proxy's URL",
      `${CLIENT}transport.proxyURL = "socks5://me:hush@proxy"\n`,
    ],
    [
      "of a cookie",
      `${CLIENT}[[proxies]]\nname="w"\ntype="http"\nlocalPort=80\ncustomDomains=["a"]\nrequestHeaders.set.Cookie="id=hush"\n`,
    ],
    [
      "of a list of URLs",
      `${CLIENT}[[proxies]]\nname="w"\ntype="http"\nlocations=["http://a:hush@b/"]\n`,
    ],
  ];
  const logins: [what: string, login: string][] = [
    ["with a / in it", "http://me:hu/hush@proxy"],
    ["with an @ in it", "http://me:h@hush@proxy"],
    ["with :// in it", "me:h://hush@proxy"],
    ["without a scheme", "me:hush@proxy"],
    ["with a blank in it", "socks5://me:h hush@proxy"],
    ["of two URLs", "http://me:h@a, http://me:hush@proxy"],
  ];
  for (const [what, login] of logins)
    cases.push([
      `of a login ${what}`,
      `${CLIENT}transport.proxyURL = "${login}"\n[[proxies]]\nname="w"\ntype="http"\nlocations=["${login}"]\n`,
    ]);
  for (const [what, text] of cases)
    it(what, async () => {
      const { text: printed, losses } = await imported(text, "frpc.toml");
      expect(printed + losses).not.to.include("hush");
      expect(printed).not.to.match(/\bme:|h@/);
      expect(printed).to.include("(not shown)");
    });

  it("also where something else was to stand there", async () => {
    const message = await imported('auth = "hush"\n', "frpc.toml").then(
      () => "nothing",
      (error: unknown) => (error instanceof VnetError ? error.message : ""),
    );
    expect(message).to.include("auth: found something else");
    expect(message).not.to.include("hush");
  });
});
