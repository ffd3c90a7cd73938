// qjw-proxy's own examples, and what may stand in such a file besides.

import { expect } from "chai";
import { imported, readBack, uncommented } from "./read-back.js";
import { IN, OUT, SCALED_OUT } from "./fixtures/qjw-proxy.js";

const HUB = { server_host: "192.168.1.2", server_port: 40001 };
const one = (network: object, more: object = {}) =>
  JSON.stringify({ networks: [{ ...HUB, ...network }], ...more });

describe("The import of qjw-proxy", () => {
  it("turns the document's `in` into uses by the topics' names", async () => {
    const { sections, text } = await imported(IN, "config.json");
    expect(text).to.match(/^; Imported from qjw-proxy's JSON \(in\)/);
    expect(sections).to.deep.equal({
      route: { ip: "192.168.1.2", port: "40001" },
      "use.mysql": { serve: "mysql", ip: "127.0.0.1", port: "40004" },
      "use.redis": { serve: "redis", ip: "127.0.0.1", port: "40002" },
    });
  });

  it("turns the document's `out` into serves that a later one takes over", async () => {
    const { sections, comments } = await imported(OUT, "config.json");
    expect(sections).to.deep.equal({
      route: {
        ip: "192.168.1.2",
        port: "40001",
        retry_interval: "2000",
        heartbeat_interval: "2000",
        heartbeat_timeout: "20000",
      },
      "serve.ssh": {
        name: "ssh",
        ip: "127.0.0.1",
        port: "22",
        share: "takeover",
      },
      "serve.mysql": {
        name: "mysql",
        ip: "127.0.0.1",
        port: "3306",
        share: "takeover",
      },
    });
    expect(comments).to.include("No authkey");
  });

  it("makes one configuration a hub of the document's last example, the further ones as comments", async () => {
    const { text, sections, comments, losses } = await imported(
      SCALED_OUT,
      "x.json",
    );
    expect(comments).to.include("3 servers").and.include("file of its own");
    expect(comments).to.include("once for each of several servers");
    expect(losses).to.include("only the first of 3 configurations counts");
    expect(sections).to.deep.equal({
      route: { ip: "192.168.1.2", port: "40001" },
      "serve.mysql": {
        name: "mysql",
        ip: "192.168.1.160",
        port: "3306",
        share: "balance",
      },
    });
    const [, second = "", third = ""] = text.split(/^; ==== .*\n/m).slice(1);
    for (const [sketch, ip] of [
      [second, "192.168.1.3"],
      [third, "192.168.1.4"],
    ] as const)
      expect(readBack(uncommented(sketch))).to.deep.equal({
        route: { ip, port: "40001" },
        "serve.mysql": {
          name: "mysql",
          ip: "127.0.0.1",
          port: "1080",
          share: "balance",
        },
      });
  });

  it("shares a topic out that stands twice for one hub", async () => {
    const out = (port: number) => ({
      ...HUB,
      backend_host: "10.0.0.1",
      backend_port: port,
      topic: "db",
    });
    const { sections, comments } = await imported(
      JSON.stringify({ networks: [out(1), out(2)] }),
      "x.json",
    );
    expect(sections["serve.db"]).to.include({ name: "db", share: "balance" });
    expect(comments).to.include("several times for this server");
    expect(sections["serve.db-2"]).to.include({ name: "db", port: "2" });
  });

  it("writes a comment for every key that it does not know, and shows no secret", async () => {
    const { comments, text } = await imported(
      one(
        { bind: "::1", port: 1, topic: "t", zip: true },
        { log: { level: "debug" }, password: "hush-hush" },
      ),
      "x.json",
    );
    expect(comments).to.include('networks[0].zip = "true"');
    expect(comments).to.include('log.level = "debug"');
    expect(comments).to.include("password = (not shown)");
    expect(text).not.to.include("hush-hush");
  });

  it("listens on loopback without a bind, and says so", async () => {
    const { sections, comments } = await imported(
      one({ port: 5000, topic: "t" }),
      "x.json",
    );
    expect(sections["use.t"]).to.deep.equal({ serve: "t", port: "5000" });
    expect(comments).to.include("No bind");
  });

  it("calls a topic with an @ the same on both sides", async () => {
    const topic = "db@home";
    const provider = await imported(
      one({ backend_host: "h", backend_port: 1, topic }),
      "x.json",
    );
    const user = await imported(one({ port: 1, topic }), "x.json");
    expect(provider.sections["serve.db@home"]!.name).to.equal("db%40home");
    expect(user.sections["use.db@home"]!.serve).to.equal("db%40home");
    expect(user.comments).to.include('"db@home" is called db%40home');
  });

  it("never prints times that our own programs refuse", async () => {
    const withTimes = (route: object) =>
      imported(one({ port: 1, topic: "t" }, route), "x.json");
    const slow = await withTimes({ heartbeat_interval: 20_000 });
    expect(slow.sections.route).to.include({ heartbeat_timeout: "60000" });
    const odd = await withTimes({ heartbeat_timeout: 2_000 });
    expect(odd.sections.route).to.have.all.keys("ip", "port");
    expect(odd.comments).to.include("must be at least twice as long");
    const often = await withTimes({ heartbeat_interval: 7_000 });
    expect(often.sections.route).to.include({ heartbeat_timeout: "21000" });
    const rare = await withTimes({ heartbeat_interval: 80_000_000 });
    expect(rare.sections.route).to.have.all.keys("ip", "port");
    expect(rare.comments).to.include("not imported: a heartbeat");
  });
});
