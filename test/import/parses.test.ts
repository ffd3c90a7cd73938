// What an import prints is what the programs load: each example's output goes
// through the parsers of src/config.

import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { FRPC_INI, FRPC_TOML, FRPS_INI } from "./fixtures/frp.js";
import { CLIENT, SERVER } from "./fixtures/port-proxy.js";
import { IN, OUT, SCALED_OUT } from "./fixtures/qjw-proxy.js";
import { hubSketch, imported } from "./read-back.js";

describe("The output of an import loads", () => {
  const nodes: [what: string, file: string, text: string][] = [
    ["qjw-proxy's in", "config.json", IN],
    ["qjw-proxy's out", "config.json", OUT],
    ["qjw-proxy's out with several servers", "config.json", SCALED_OUT],
    ["port-proxy's client", "client.yaml", CLIENT],
    ["frpc's TOML", "frpc.toml", FRPC_TOML],
    ["frpc's INI", "frpc.ini", FRPC_INI],
  ];
  for (const [what, file, text] of nodes)
    it(`as a node's configuration, of ${what}`, async () => {
      const { text: output } = await imported(text, file);
      expect(parseNodeConfig(output, "config.ini").route.port).to.be.above(0);
    });

  const hubs: [what: string, file: string, text: string][] = [
    ["port-proxy's server", "server.yaml", SERVER],
    ["frps's INI", "frps.ini", FRPS_INI],
  ];
  for (const [what, file, text] of hubs)
    it(`as a hub's configuration, of ${what}`, async () => {
      const { text: output } = await imported(text, file);
      expect(parseHubConfig(output, "config.ini").route.port).to.be.above(0);
    });

  it("as a hub's configuration, of what frpc's file sketches for it", async () => {
    const { text } = await imported(FRPC_TOML, "frpc.toml");
    const config = parseHubConfig(
      `[route]\nip=127.0.0.1\n${hubSketch(text)}`,
      "hub",
    );
    expect(config.route.port).to.equal(7749);
  });
});
