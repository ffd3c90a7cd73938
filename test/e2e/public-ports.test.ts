// What the hub's log says of its public ports: at its start, and as nodes with their services come and go.

import { expect } from "chai";
import { startEcho, type TestServer } from "../support/echo.js";
import { nodeConfig } from "../support/lan.js";
import {
  closeLaunched,
  startHub,
  startNode,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { exchange, untilEchoed, untilRefused } from "../support/reach.js";

describe("The hub says of each public port whether it is open, and why not", function () {
  this.timeout(180_000);
  let echo: TestServer;
  let hub: Hub;
  let port: number;

  before(async () => {
    echo = await startEcho();
  });
  beforeEach(async () => {
    port = await reservePort();
  });
  afterEach(closeLaunched);
  after(async () => {
    await echo.close();
  });

  async function startPublic(...sections: string[]): Promise<void> {
    const own = await reservePort();
    hub = await startHub(
      `[route]\nip = 127.0.0.1\nport = ${own}\n${sections.join("\n")}\n`,
    );
  }

  const startHome = (folder?: string): Launched =>
    startNode(
      nodeConfig(hub.port, {
        name: "home",
        vnet: "allow_unserve = true\n",
        sections: `[serve.web]\nport = ${echo.port}\n`,
      }),
      folder === undefined ? {} : { folder },
    );

  /** What was said of the port, without the times. */
  const said = (label: string): string[] =>
    hub.output
      .split("\n")
      .filter((line) => line.includes(` public ${label} (`))
      .map((line) => line.replace(/^\S+ (\w+) +public .*?\) is /, "$1 "));

  for (const [how, line] of [
    ["by name", "serve = web@home"],
    ["by address", "to = home:PORT"],
  ] as const)
    it(`${how}, also where a second node of that name comes, and where the first one goes`, async () => {
      const wanted = line.replace("PORT", String(echo.port));
      await startPublic(`[public.web]\n${wanted}\nport = ${port}`);
      await hub.waitForOutput(/warn +public web .* is closed: no node home/);
      const first = startHome();
      await hub.waitForOutput(
        /info +public web .* is open to all on this machine: it leads to serve 001 \(web of home\)/,
      );
      await untilEchoed(port);

      startHome();
      await hub.waitForOutput(/\(home-2\) of group default serves/);
      expect(await exchange(port, "still there")).to.equal("still there");

      first.kill("SIGKILL");
      await first.exited;
      const why =
        /is closed: no node home in this group just now; there is \S*home-2/;
      await hub.waitForOutput(why);
      await untilRefused(port);

      startHome(first.folder);
      await hub.waitForOutput(
        /is closed: no node home .*home-2[^]*public web .* is open to all/,
      );
      await untilEchoed(port);
      const from = hub.output.length;
      hub.kill("SIGTERM");
      await hub.exited;
      // Not of its own end, and nothing twice in a row.
      expect(hub.output.slice(from)).not.to.include("public web");
      expect(said("web").map((text) => text.split(":")[0])).to.deep.equal([
        "warn closed",
        "info open to all on this machine",
        "warn closed",
        "info open to all on this machine",
      ]);
    });

  it("for as many reasons as there are", async () => {
    const [taken, own] = [echo.port, port];
    await startPublic(
      `[public.taken]\nserve = web\nport = ${taken}`,
      `[public.off]\nserve = web\nport = ${own}\nactive = false`,
      `[public.none]\nserveid = 700\nport = ${await reservePort()}`,
      `[public.refused]\nto = home:1\nport = ${await reservePort()}`,
      `[public.gone]\nserve = web\nport = ${await reservePort()}`,
    );
    await hub.waitForOutput(/info +public off .* is closed: active=false/);
    await hub.waitForOutput(/public none .* is closed: nobody offers 700/);
    await hub.waitForOutput(/public gone .* is closed: nobody offers web/);
    const home = startHome();
    await hub.waitForOutput(/public gone .* is open to all on this machine/);
    await hub.waitForOutput(
      /public taken .* is closed: cannot listen on .*already in use; it is tried again/,
    );
    await hub.waitForOutput(/public refused .* is closed: .*nothing listens/);
    await home.close();
    await hub.waitForOutput(
      /public gone .* is open .*[^]*public gone .* is closed: nobody offers web/,
    );
  });
});
