// Files of other programs that look like ones we read: each is told by its
// name, and none is taken for another.

import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { imported } from "./read-back.js";

const cases: [name: string, file: string, text: string][] = [
  [
    "Clash",
    "config.yaml",
    "port: 7890\nproxies:\n- {name: a, type: ss, server: example.org, port: 443, password: hush}\nproxy-groups: []\n",
  ],
  [
    "Clash",
    "list.yaml",
    "proxies:\n- {name: a, type: http, server: example.org, port: 443}\n",
  ],
  [
    "rclone",
    "rclone.conf",
    "[nas]\ntype = sftp\nhost = example.org\nuser = me\nport = 22\n[drive]\ntype = drive\ntoken = hush\n",
  ],
  ["rclone", "rclone.conf", "[web]\ntype = http\nurl = https://example.org\n"],
  [
    "nps",
    "npc.conf",
    "[common]\nserver_addr=1.1.1.1:8024\nconn_type=tcp\nvkey=hush\n[ssh]\nmode=tcp\nserver_port=10000\ntarget_addr=127.0.0.1:22\n",
  ],
  ["nps", "nps.conf", "appname = nps\nbridge_type=tcp\nbridge_port=8024\n"],
  [
    "gost",
    "gost.yml",
    "services:\n- name: a\n  addr: :8080\n  handler: {type: http}\n  listener: {type: tcp}\n",
  ],
  ["gost", "gost.json", '{"ServeNodes": [":8080"], "ChainNodes": []}'],
  [
    "Docker Compose",
    "docker-compose.yml",
    "name: x\nservices:\n  frps:\n    image: frps\n    ports: ['7000:7000']\n",
  ],
  [
    "ngrok",
    "ngrok.yml",
    "version: 2\nauthtoken: hush\ntunnels: {a: {proto: tcp, addr: 22}}\n",
  ],
  [
    "cloudflared",
    "config.yml",
    "tunnel: a\ncredentials-file: b\ningress: []\n",
  ],
  ["Xray", "config.json", '{"inbounds": [], "outbounds": []}'],
  [
    "Shadowsocks",
    "config.json",
    '{"name": "a", "server": "h", "server_port": 8388, "method": "x", "password": "hush"}',
  ],
  [
    "WireGuard",
    "wg0.conf",
    "[Interface]\nPrivateKey = hush\nAddress = 10.0.0.1/24\n[Peer]\nPublicKey = x\n",
  ],
];

describe("The import of another program's file", () => {
  for (const [name, file, text] of cases)
    it(`names it: ${name} (${file})`, async () => {
      const message = await imported(text, file).then(
        ({ text: printed }) => `printed ${printed}`,
        (error: unknown) => (error instanceof VnetError ? error.message : ""),
      );
      expect(message).to.include(`${file}: this is a configuration of ${name}`);
      expect(message).not.to.include("hush");
    });
});

describe("The import of a file of nobody's", () => {
  for (const [file, text] of [
    ["a.yaml", "name: x\nserver: {address: h, port: 1}\n"],
    ["b.yaml", "bind: 1.2.3.4\nproxy: {pass: h}\n"],
  ] as const)
    it(`takes it for none: ${file}`, async () => {
      const message = await imported(text, file).then(
        () => "printed",
        (error: unknown) => (error instanceof VnetError ? error.message : ""),
      );
      expect(message).to.include(`${file}: not recognised; known are`);
    });
});

describe("The import of frp's files in all their forms", () => {
  it("reads a part without [common], as its `includes` name them, by whatever name", async () => {
    const text =
      "[ssh]\ntype = tcp\nlocal_ip = 127.0.0.1\nlocal_port = 22\nremote_port = 6000\n";
    for (const file of ["ssh.conf", "ssh.ini", "ssh"]) {
      const { sections } = await imported(text, file);
      expect(sections["serve.ssh"]).to.include({ port: "22" });
    }
  });

  it("goes on with a section that comes again, and takes the last of two keys", async () => {
    const { sections } = await imported(
      "[common]\nserver_addr = old\n[ssh]\nlocal_port = 1\nlocal_port = 22\n[common]\nserver_addr = new\nserver_port = 7001\n[ssh]\nlocal_ip = 10.0.0.1\n",
      "frpc.ini",
    );
    expect(sections.route).to.include({ ip: "new", port: "7001" });
    expect(sections["serve.ssh"]).to.include({ ip: "10.0.0.1", port: "22" });
  });

  it("follows YAML's merge keys, and the anchors below a key with a dot", async () => {
    const { sections, comments } = await imported(
      ".common: &common\n  type: stcp\n  localIP: 10.0.0.1\nserverAddr: h\nproxies:\n- <<: *common\n  name: a\n  localPort: 22\n",
      "frpc.yaml",
    );
    expect(sections["serve.a"]).to.include({ ip: "10.0.0.1", port: "22" });
    expect(comments).not.to.include(".common");
  });

  it("takes names of any length", async () => {
    const { sections } = await imported(
      `[common]\nserver_addr = h\n[${"n".repeat(100)}]\ntype = stcp\nlocal_port = 1\n`,
      "frpc.ini",
    );
    const name = sections[`serve.${"n".repeat(56)}`]!.name ?? "";
    expect(name).to.have.length.within(1, 64);
  });
});
