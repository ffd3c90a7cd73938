// frp's configurations in both forms: what becomes of each kind of proxy, and
// that nothing of them is dropped without a word.

import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { imported, readBack, uncommented } from "./read-back.js";
import { FRPC_INI, FRPC_TOML, FRPS_INI } from "./fixtures/frp.js";

const CLIENT = 'serverAddr = "hub"\n';
const stcp = (name: string, more = "") =>
  `[[proxies]]\nname = "${name}"\ntype = "stcp"\nlocalPort = 22\n${more}\n`;

describe("The import of frpc", () => {
  it("turns a TOML file with all kinds of proxies into a node", async () => {
    const { sections, comments } = await imported(FRPC_TOML, "frpc.toml");
    expect(sections).to.deep.equal({
      route: {
        ip: "frp.example.org",
        port: "7001",
        authkey: "a good long token; with # signs",
        heartbeat_interval: "30000",
        heartbeat_timeout: "90000",
      },
      log: { file: "/var/log/frpc.log" },
      vnet: { secret: "correct horse battery" },
      "serve.ssh": { name: "home.ssh", ip: "127.0.0.1", port: "22" },
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
      "use.ssh_visitor": {
        serve: "office.ssh",
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
      "[group.default] with secret=",
    ])
      expect(comments).to.include(words);
  });

  it("sketches for the hub the ports that frp opened on its server", async () => {
    const { text } = await imported(FRPC_TOML, "frpc.toml");
    const sketch = text.slice(text.indexOf("; [public."));
    expect(readBack(uncommented(sketch))).to.deep.equal({
      "public.rdp": { serve: "home.rdp", ip: "0.0.0.0", port: "6000" },
      "public.docker": { serve: "home.docker", ip: "0.0.0.0", port: "6001" },
    });
  });

  it("turns an old INI file into a node, and leaves a short secret out", async () => {
    const { text, sections, comments } = await imported(FRPC_INI, "frpc.ini");
    expect(sections).to.deep.equal({
      route: { ip: "10.0.0.1", port: "7000", authkey: "12345678;9" },
      vnet: {},
      "serve.secret_ssh": { name: "secret_ssh", ip: "127.0.0.1", port: "22" },
      "use.v": { serve: "secret_ssh", ip: "127.0.0.1", port: "6000" },
    });
    expect(comments).to.include("the secret key of secret_ssh, v");
    expect(comments).to.include("./vnet keygen");
    expect(comments).to.include("a range of ports");
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

  it("leaves secrets that differ out, with a comment that shows none of them", async () => {
    const { text, sections, comments } = await imported(
      CLIENT +
        stcp("a", 'secretKey = "first-secret"') +
        stcp("b", 'secretKey = "other-secret"'),
      "frpc.toml",
    );
    expect(sections.vnet).to.deep.equal({});
    expect(comments).to.include("the secret keys of a, b, because they differ");
    expect(text).not.to.match(/first-secret|other-secret/);
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
      ip: "0.0.0.0",
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
