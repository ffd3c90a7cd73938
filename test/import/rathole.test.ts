// rathole's two halves, made into a hub and nodes that meet: a token opens its
// services and no others.

import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { VnetError } from "../../src/errors.js";
import { imported, parts } from "./read-back.js";

const SERVER = `[server]
bind_addr = "0.0.0.0:2333"
default_token = "a token for most of them"
heartbeat_interval = 30
[server.transport]
type = "noise"
[server.transport.noise]
local_private_key = "hush-hush-hush"
[server.services.nas_ssh]
token = "a token of its own"
bind_addr = "0.0.0.0:5202"
nodelay = true
[server.services.web]
bind_addr = "[::1]:5203"
[server.services.dns]
type = "udp"
bind_addr = "0.0.0.0:53"
`;

const CLIENT = `[client]
remote_addr = "example.org:2333"
default_token = "a token for most of them"
retry_interval = 2
[client.services.nas_ssh]
token = "a token of its own"
local_addr = "127.0.0.1:22"
[client.services.web]
local_addr = "nas.local:80"
`;

describe("The import of rathole", () => {
  it("turns a server into a hub whose groups have a token each", async () => {
    const { text, comments, losses } = await imported(SERVER, "server.toml");
    const hub = parseHubConfig(text, "config.ini");
    expect(hub.route).to.include({
      ip: "0.0.0.0",
      port: 2333,
      authkey: "auto",
      heartbeatIntervalMs: 30_000,
    });
    expect(
      hub.publics.map(({ serve, ip, port }) => [serve, ip, port]),
    ).to.deep.equal([
      ["nas_ssh", "0.0.0.0", 5202],
      ["web", "::1", 5203],
    ]);
    expect(comments).to.include("transport.noise.local_private_key");
    expect(comments.match(/nodelay/g)).to.have.length(1);
    expect(losses).to.include("the service dns of type udp");
    expect(losses.match(/not imported/g)).to.have.length(1);
    expect(text).not.to.include("hush-hush");
  });

  it("turns a client into nodes of the same groups, one a token", async () => {
    const client = await imported(CLIENT, "client.toml");
    const server = await imported(SERVER, "server.toml");
    const { publics, groups } = parseHubConfig(server.text, "hub.ini");
    const nodes = parts(client.text).map((part) =>
      parseNodeConfig(part, "config.ini"),
    );
    expect(nodes).to.have.length(2);
    for (const { route, vnet, serves } of nodes) {
      expect(route).to.include({ ip: "example.org", port: 2333 });
      const own = groups.find(({ name }) => name === vnet.group);
      expect(own?.authkey).to.equal(route.authkey);
      for (const { name } of serves)
        expect(publics.find(({ serve }) => serve === name)?.group).to.equal(
          vnet.group,
        );
    }
    const serves = nodes.flatMap((node) =>
      node.serves.map(({ name, ip, port }) => [name, ip, port]),
    );
    expect(serves).to.deep.equal([
      ["nas_ssh", "127.0.0.1", 22],
      ["web", "nas.local", 80],
    ]);
    expect(client.losses).to.include("only the first of 2 configurations");
  });

  for (const [side, text] of [
    ["client", CLIENT],
    ["server", SERVER.replace(/\[server\.transport[^]*hush"\n/, "")],
  ] as const) {
    it(`says of the transport of a ${side} what stands in its place`, async () => {
      const { comments, losses } = await imported(
        `${text}[${side}.transport]\ntype = "noise"\n[${side}.transport.noise]\nremote_public_key = "hush"\n[${side}.transport.tls]\nhostname = "h"\n[${side}.transport.tcp]\nkeepalive_secs = 20\n[${side}.transport.websocket]\ntls = true\n`,
        `${side}.toml`,
      );
      const ownKey = String.raw`\(the way to the hub is always encrypted, [^)]*write fingerprint= of the hub`;
      const says: [key: string, reason: string][] = [
        ["type", ownKey],
        ["noise.remote_public_key", ownKey],
        ["tls.hostname", ownKey],
        ["tcp.keepalive_secs", String.raw`\(Nagle is off`],
        ["websocket.tls", String.raw`\(TCP only; see the forms of ip=`],
      ];
      for (const [key, reason] of says)
        expect(comments).to.match(
          new RegExp(
            `${side}\\.transport\\.${key} = [^=(]*(?:\\(not shown\\) )?${reason}`,
          ),
        );
      expect(comments).not.to.include("(no counterpart)");
      expect(losses).not.to.include("transport");
    });

    it(`tells the loss of the proxy on the way of a ${side}`, async () => {
      const { losses } = await imported(
        `${text}[${side}.transport.tcp]\nproxy = "socks5://me:hush@proxy:1080"\n`,
        `${side}.toml`,
      );
      expect(losses).to.include(
        `not imported: ${side}.transport.tcp.proxy = "socks5://(not shown)@proxy:1080" (no counterpart; where no other way leads to the hub, write ip='exec:PROGRAM'`,
      );
    });
  }

  it("names ten of many configurations that do not count, and the number of the others", async () => {
    const services = Array.from(
      { length: 400 },
      (_, at) =>
        `[client.services.s${at}]\ntoken = "a token of ${at}"\nlocal_addr = "a:1"\n`,
    );
    const { losses } = await imported(
      `[client]\nremote_addr = "h:2333"\n${services.join("")}`,
      "client.toml",
    );
    expect(losses).to.match(/each: s1, (?:s\d+, ){9}and 389 more$/);
  });

  it("cuts what it tells of a service whose name is a page long", async () => {
    const name = "x".repeat(200_000);
    const { losses } = await imported(
      `${CLIENT}[client.services.${name}]\ntype = "udp"\ntoken = "a token of its own"\nlocal_addr = "a:1"\n`,
      "client.toml",
    );
    expect(losses).to.include("not imported: the service xxx");
    expect(losses.length).to.be.below(3000);
  });

  it("makes one node of a client with one token, however it is written", async () => {
    const { sections } = await imported(
      CLIENT.replace("a token of its own", "a token for most of them"),
      "client.toml",
    );
    expect(sections).to.include.keys("serve.nas_ssh", "serve.web");
  });

  it("leaves a service closed whose token is too short, and tells so", async () => {
    const short = SERVER.replace("a token of its own", "abc");
    const { text, losses } = await imported(short, "server.toml");
    const { publics } = parseHubConfig(text, "hub.ini");
    expect(publics.map(({ active }) => active)).to.deep.equal([false, true]);
    expect(losses).to.include("the token of nas_ssh (an authkey has 8–256");
  });

  it("tells that it reads one half of a file that has both", async () => {
    const { sections, losses } = await imported(CLIENT + SERVER, "both.toml");
    expect(losses).to.include("the other half of the file, [server]");
    expect(Object.keys(sections).join()).not.to.include("public");
  });

  it("names what is wrong", async () => {
    const message = await imported(
      '[client]\nremote_addr = "h"\n[client.services.a]\nlocal_addr = "x:1"\n',
      "client.toml",
    ).then(
      () => "",
      (error: unknown) => (error instanceof VnetError ? error.message : ""),
    );
    expect(message).to.include('client.remote_addr: found "h", allowed HOST');
    expect(message).to.include("client.services.a.token: found none");
  });
});
