// The hub's memory of who held which name and id, as an operator meets it: real programs, a kill, and `./route forget`.

import { expect } from "chai";
import { readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/deadline.js";
import { connectTo, startEcho } from "../support/echo.js";
import {
  serveSection,
  startMember,
  untilUse,
  useSection,
} from "../support/lan.js";
import {
  closeLaunched,
  run,
  startHub,
  startNode,
  type Hub,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";

describe("./route forget", function () {
  this.timeout(180_000);
  let port: number;
  let hub: Hub;

  const node = (name: string) =>
    `[route]\nip=127.0.0.1\nport=${port}\n[vnet]\nname=${name}\n[serve.ssh]\nserveid=700\nport=22\n`;
  const hubConfig = () => `[route]\nip=127.0.0.1\nport=${port}\n`;
  const forget = (...words: string[]) =>
    run("route", ["forget", ...words], {
      env: { VNET_STATE: join(hub.folder, "state") },
    });

  beforeEach(async () => {
    port = await reservePort();
    hub = await startHub(hubConfig());
  });

  afterEach(closeLaunched);

  it("lets a reinstalled machine have its name and id again, beside a hub that runs and was killed meanwhile", async () => {
    const first = startNode(node("home"));
    await hub.waitForOutput("serves 700 ssh");
    first.kill("SIGKILL");
    await first.exited;
    const file = join(hub.folder, "config.ini");
    const kept = join(hub.folder, "state");
    await eventually("it is written", () => {
      const files = readdirSync(kept, { recursive: true }) as string[];
      const written = files.find((name) => name.endsWith("claims.json"));
      // The id may come a write later than the name.
      return (
        written !== undefined &&
        readFileSync(join(kept, written), "utf8").includes('"700"')
      );
    });
    const { stdout, status } = await forget("700", file, "--group", "lab");
    expect(stdout).to.match(/remembers nobody with 700 in group lab/);
    expect(status).to.equal(1);
    hub.kill("SIGKILL");
    await hub.exited;
    hub = await startHub(hubConfig(), { folder: hub.folder });

    // Reinstalled: another key.
    rmSync(join(first.folder, "state"), { recursive: true });
    const second = startNode(node("home"), { folder: first.folder });
    await second.waitForOutput("this node is called home-2 in group default");
    await second.waitForOutput(
      /serve ssh is not registered: serveid 700 is kept for vnet home \(SHA256:.*`\.\/route forget 700`/,
    );
    second.kill("SIGTERM");
    await second.exited;
    const name = await forget("home", file);
    expect(name.stdout).to.match(
      /^the node name home in group default: vnet home \(SHA256:.{43}\), last seen 20.*\nforgotten; /,
    );
    expect((await forget("700", file)).stdout).to.match(
      /^serveid 700 in group default: vnet home \(/,
    );
    const third = startNode(node("home"), { folder: first.folder });
    await hub.waitForOutput(
      /vnet \d+ \(home\) of group default serves 700 ssh/,
    );
    await third.close();
    expect(third.output).not.to.contain("home-2");
  });

  it("is done by the hub that took over while an older one waits for its streams", async () => {
    const service = await startEcho();
    const serve = serveSection(700, service.port);
    await startMember(hub, { name: "home", sections: serve });
    const usePort = await reservePort();
    const use = useSection(700, usePort);
    const office = await startMember(hub, { name: "office", sections: use });
    await untilUse(office, 700, "listening");
    const user = await connectTo(usePort);
    user.socket.write("held");
    await user.untilBytes(4);
    // At this signal it writes what it knows, and nothing after that.
    hub.kill("SIGTERM");
    await hub.waitForOutput(/ends this program when/);
    const { folder } = hub;
    const next = await startHub(hubConfig(), { folder });
    for (const name of ["home", "office"]) {
      const { stdout } = await forget(name, join(folder, "config.ini"));
      expect(stdout).to.include("forgotten");
      await next.waitForOutput(`forgot who held ${name} `);
    }
    user.socket.destroy();
    await hub.exited;
    expect(hub.output).not.to.include("forgot");
    await service.close();
  });

  it("says how it is used, and what it knows nothing of", async () => {
    const { stderr, status } = await run("route", ["forget"]);
    expect(status).to.equal(2);
    expect(stderr).to.contain("forget NAME|ID [FILE] [--group GROUP]");
    const unknown = await forget("nobody", join(hub.folder, "config.ini"));
    expect(unknown.status).to.equal(1);
    expect(unknown.stdout).to.contain("the hub remembers nobody with nobody");
  });
});
