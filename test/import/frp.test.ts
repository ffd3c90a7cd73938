// frp's configurations in both forms: what becomes of each kind of proxy, and
// that nothing of them is dropped without a word.

import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { hubSketch, imported, parts, readBack } from "./read-back.js";
import { FRPC_INI, FRPC_TOML, FRPS_INI } from "./fixtures/frp.js";

const CLIENT = 'serverAddr = "hub"\n';
const stcp = (name: string, more = "") =>
  `[[proxies]]\nname = "${name}"\ntype = "stcp"\nlocalPort = 22\n${more}\n`;

describe("The import of frpc", () => {
  it("turns a TOML file with all kinds of proxies into a node", async () => {
    const { text, comments } = await imported(FRPC_TOML, "frpc.toml");
    const [open = "", keyed = ""] = parts(text);
    const route = {
      ip: "frp.example.org",
      port: "7001",
      authkey: "a good long token; with # signs",
      heartbeat_interval: "30000",
      heartbeat_timeout: "90000",
    };
    const log = { file: "/var/log/frpc.log" };
    expect(readBack(open)).to.deep.equal({
      route,
      log,
      "serve.rdp": {
        name: "home.rdp",
        ip: "127.0.0.1",
        port: "3389",
        active: "false",
      },
      "serve.docker": {
        name: "home.docker",
        ip: "unix:/var/run/docker.sock",
        active: "false",
      },
    });
    expect(readBack(keyed)).to.deep.equal({
      route,
      log,
      vnet: { secret: "correct horse battery" },
      "serve.ssh": { name: "home.ssh", ip: "127.0.0.1", port: "22" },
      "use.ssh_visitor": {
        serve: "office.ssh%others",
        ip: "127.0.0.1",
        port: "6022",
      },
    });
    for (const words of [
      "frp's TOML (frpc, the client)",
      "transport.tls.enable",
      "transport.useCompression",
      "the proxy web of type http",
      "customDomains = [www.example.org]",
      "2 whole configurations",
    ])
      expect(comments).to.include(words);
  });

  it("sketches for the hub the ports that frp opened on its server", async () => {
    const { text } = await imported(FRPC_TOML, "frpc.toml");
    expect(readBack(hubSketch(text))).to.deep.equal({
      "public.home.rdp": { serve: "home.rdp", port: "6000", active: "false" },
      "public.home.docker": {
        serve: "home.docker",
        port: "6001",
        active: "false",
      },
    });
  });

  it("turns an old INI file into a node, and leaves a short secret out", async () => {
    const { text, comments } = await imported(FRPC_INI, "frpc.ini");
    const [open = "", keyed = ""] = parts(text);
    expect(readBack(keyed)).to.deep.equal({
      route: { ip: "10.0.0.1", port: "7000", authkey: "12345678;9" },
      vnet: {},
      "serve.secret_ssh": {
        name: "secret_ssh",
        ip: "127.0.0.1",
        port: "22",
        active: "false",
      },
      "use.v": { serve: "secret_ssh", ip: "127.0.0.1", port: "6000" },
    });
    expect(Object.keys(readBack(open))).to.have.length(12);
    expect(readBack(open)["serve.tcp_port_10"]).to.deep.equal({
      name: "tcp_port_10",
      ip: "127.0.0.1",
      port: "6020",
    });
    expect(readBack(hubSketch(text))["public.tcp_port_10"]).to.deep.equal({
      serve: "tcp_port_10",
      port: "6020",
    });
    expect(comments).to.include("the secret key of secret_ssh, v");
    expect(comments).to.include("./vnet keygen");
    expect(comments).to.include("[secret_ssh] use_compression");
    expect(text).not.to.include("abcdefg");
  });

  it("makes the same of JSON and YAML", async () => {
    const value = {
      serverAddr: "hub",
      proxies: [{ name: "a", type: "stcp", localPort: 1 }],
    };
    const json = await imported(JSON.stringify(value), "frpc.json");
    const yaml = await imported(
      "serverAddr: hub\nproxies:\n- {name: a, type: stcp, localPort: 1}\n",
      "frpc.yaml",
    );
    expect(json.sections).to.deep.equal(yaml.sections);
    expect(json.sections["serve.a"]).to.include({ name: "a", port: "1" });
  });

  it("leaves a short token out, with a comment that does not show it", async () => {
    const { text, sections, comments } = await imported(
      `${CLIENT}auth.token = "short"\n`,
      "frpc.toml",
    );
    expect(sections.route).to.have.all.keys("ip", "port");
    expect(comments).to.include("auth.token (an authkey has 8–256");
    expect(text).not.to.include("short");
  });

  it("takes the visitor's own user where no other is named, as frp does", async () => {
    const { sections } = await imported(
      `user = "me"\n${CLIENT}[[visitors]]\nname = "v"\ntype = "stcp"\nserverName = "db"\nbindPort = 1\n`,
      "frpc.toml",
    );
    expect(sections["use.v"]!.serve).to.equal("me.db");
  });

  const comments: [what: string, text: string, says: string][] = [
    [
      "udp",
      '[[proxies]]\nname = "d"\ntype = "udp"\nlocalPort = 53',
      "the proxy d of type udp (TCP only)",
    ],
    [
      "xtcp",
      '[[visitors]]\nname = "x"\ntype = "xtcp"',
      "the visitor x of type xtcp (no direct paths yet",
    ],
    [
      "a type that nobody knows",
      '[[proxies]]\nname = "x"\ntype = "__proto__"',
      "of type __proto__ (no counterpart)",
    ],
    [
      "a plugin",
      '[[proxies]]\nname = "x"\ntype = "tcp"\nplugin.type = "socks5"',
      "its plugin socks5 has no counterpart",
    ],
    [
      "a visitor that listens nowhere",
      '[[visitors]]\nname = "x"\ntype = "stcp"\nserverName = "y"\nbindPort = -1',
      "it listens nowhere",
    ],
    [
      "a load balancer",
      stcp("x", 'loadBalancer.group = "g"'),
      "loadBalancer.group",
    ],
    [
      "encryption that was off",
      stcp("x", "transport.useEncryption = false"),
      "encrypted all the same",
    ],
    [
      "a key that nobody knows",
      stcp("x", "frobnicate = 1979-05-27"),
      "proxies[0].frobnicate",
    ],
    [
      "another way to log in",
      'auth.method = "oidc"\nauth.oidc.clientSecret = "hush"',
      "auth.method",
    ],
  ];
  for (const [what, text, says] of comments)
    it(`writes a comment about ${what}`, async () => {
      const found = await imported(`${CLIENT}${text}\n`, "frpc.toml");
      expect(found.comments).to.include(says);
      expect(found.text).not.to.include("hush");
    });
});

describe("The import of frps", () => {
  it("turns an old INI file into a hub", async () => {
    const { text, comments } = await imported(FRPS_INI, "frps.ini");
    const { route } = parseHubConfig(text, "config.ini");
    expect(route).to.include({
      ip: "::",
      port: 7000,
      authkey: "12345678abc",
    });
    expect(comments).to.include("frp's INI (frps, the server)");
    expect(comments).to.include("vhost_http_port");
  });

  it("turns a TOML file into a hub, with frp's port where it names none", async () => {
    const { text } = await imported(
      'bindAddr = "127.0.0.1"\nauth.token = "a long token"\n',
      "frps.toml",
    );
    const { route } = parseHubConfig(text, "config.ini");
    expect(route).to.include({
      ip: "127.0.0.1",
      port: 7000,
      authkey: "a long token",
    });
  });
});
