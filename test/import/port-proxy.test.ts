// port-proxy's own examples, with its own indentation, and names that could
// be mistaken.

import { expect } from "chai";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { imported } from "./read-back.js";
import { CLIENT, SERVER } from "./fixtures/port-proxy.js";

const PORTS = {
  route: { ip: "0.0.0.0", port: "9015" },
  "public.remote_client1-6688": {
    to: "remote_client1:17211",
    ip: "127.0.0.1",
    port: "6688",
  },
  "public.remote_client1-6689": {
    to: "remote_client1:17210",
    ip: "127.0.0.1",
    port: "6689",
  },
  "public.remote_client2-6678": {
    to: "remote_client2:17211",
    ip: "127.0.0.1",
    port: "6678",
  },
  "public.remote_client2-6679": {
    to: "remote_client2:17210",
    ip: "127.0.0.1",
    port: "6679",
  },
};

describe("The import of port-proxy", () => {
  it("reads the document's server although its indentation is not YAML's", async () => {
    const { sections, comments } = await imported(SERVER, "server.yaml");
    expect(sections).to.deep.equal(PORTS);
    expect(comments).to.include("port-proxy's YAML (server)");
    expect(comments).to.include("indentation is not YAML's");
    expect(comments).to.include("type: http: the bytes pass as they are");
  });

  it("makes the same of the server in strict YAML, without a word on indentation", async () => {
    const strict = SERVER.replace(/^ {8}/gm, "    ! ")
      .replace(/^ {4}(?=- |port_list)/gm, "  ")
      .replaceAll("! ", "");
    const { sections, comments } = await imported(strict, "server.yml");
    expect(sections).to.deep.equal(PORTS);
    expect(comments).not.to.include("indentation");
  });

  it("turns the document's client into a node that the hub may ask", async () => {
    const { text, comments } = await imported(CLIENT, "client.yaml");
    const config = parseNodeConfig(text, "config.ini");
    expect(config.route).to.include({ ip: "127.0.0.1", port: 9015 });
    expect(config.vnet).to.include({
      name: "remote_client1",
      allowUnserve: true,
      unserveNum: 100,
      unserveRemote: false,
    });
    expect(comments).to.include("sections decide which ports");
  });

  it("knows all addresses and IPv6 as Go writes them", async () => {
    const { sections } = await imported(
      'bind: ":9015"\nproxy:\n- remote_name: a\n  port_list:\n  - {bind: "[::1]:80", remote: 8080}\n',
      "x.yaml",
    );
    expect(sections.route!.ip).to.equal("0.0.0.0");
    expect(sections["public.a-80"]).to.deep.equal({
      to: "a:8080",
      ip: "::1",
      port: "80",
    });
  });

  it("calls a name with a colon the same on both sides", async () => {
    const hub = await imported(
      'bind: ":1"\nproxy: [{remote_name: "a:b", port_list: [{bind: ":2", remote: 3}]}]',
      "x.yaml",
    );
    const node = await imported('name: "a:b"\nserver: "h:1"', "x.yaml");
    expect(hub.sections["public.a:b-2"]!.to).to.equal("a%3Ab:3");
    expect(node.sections.vnet!.name).to.equal("a%3Ab");
  });

  it("keeps names apart that differ by such a sign only", async () => {
    const { sections } = await imported(
      JSON.stringify({
        bind: ":1",
        proxy: ["a:b", "a@b", "a_b", "a%3Ab"].map((remote_name, at) => ({
          remote_name,
          port_list: [{ bind: `:${at + 2}`, remote: 80 }],
        })),
      }),
      "x.yaml",
    );
    const reached = Object.values(sections).flatMap(({ to }) => to ?? []);
    expect(reached).to.deep.equal([
      "a%3Ab:80",
      "a%40b:80",
      "a_b:80",
      "a%253Ab:80",
    ]);
  });

  it("tells of more ports of one remote than a node answers for", async () => {
    const server = (count: number) =>
      JSON.stringify({
        bind: ":1",
        proxy: [
          {
            remote_name: "a",
            port_list: Array.from({ length: count }, (_, at) => ({
              bind: `:${at + 1000}`,
              remote: at + 1,
            })),
          },
        ],
      });
    expect((await imported(server(100), "x.yaml")).losses).to.equal("");
    expect((await imported(server(101), "x.yaml")).losses).to.include(
      "a has 101 ports, and a node answers for 100",
    );
  });

  it("leaves a port that is not TCP out, with a comment", async () => {
    const { sections, comments } = await imported(
      'bind: ":1"\nproxy: [{remote_name: a, port_list: [{type: udp, bind: ":2", remote: 3}]}]',
      "x.yaml",
    );
    expect(sections).to.have.all.keys("route");
    expect(comments).to.include("the udp port 0.0.0.0:2 to port 3 of a");
  });
});
