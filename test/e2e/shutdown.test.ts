// The end of a hub and of a node by a signal: nothing new begins, what runs has its time, a second signal ends it at once.

import { expect } from "chai";
import {
  connectTo,
  startEcho,
  type Observed,
  type TestServer,
} from "../support/echo.js";
import {
  nodeConfig,
  serveSection,
  startMember,
  untilUse,
  useSection,
} from "../support/lan.js";
import {
  closeLaunched,
  startHub,
  startNode,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { untilEchoed, untilRefused } from "../support/reach.js";

const ID = 700;
const LONG = "drain = 600";

describe("the end by a signal", function () {
  this.timeout(180_000);
  let hub: Hub;
  let home: Launched;
  let office: Launched;
  let service: TestServer;
  let usePort: number;

  async function startLan(drain: { hub?: string; node?: string }) {
    service = await startEcho();
    const port = await reservePort();
    hub = await startHub(
      `[route]\nip = 127.0.0.1\nport = ${port}\n[limits]\n${drain.hub ?? ""}\n`,
    );
    const vnet = drain.node ?? "";
    home = await startMember(hub, {
      name: "home",
      vnet,
      sections: serveSection(ID, service.port),
    });
    usePort = await reservePort();
    office = await startMember(hub, {
      name: "office",
      vnet,
      sections: useSection(ID, usePort),
    });
    await untilUse(office, ID, "listening");
  }

  afterEach(async () => {
    await closeLaunched();
    await service.close();
  });

  /** A stream that runs. */
  async function open(): Promise<Observed> {
    const client = await connectTo(usePort);
    client.socket.write("a");
    await client.untilBytes(1);
    return client;
  }

  async function expectWhole(client: Observed): Promise<void> {
    client.socket.end("nd the rest");
    expect(await client.ended).to.equal("fin");
    expect(client.text).to.equal("and the rest");
  }

  const OK = { status: 0, signal: null };

  it("of a hub lets streams end, and it goes with the last one", async () => {
    await startLan({ hub: LONG });
    const client = await open();
    hub.kill("SIGTERM");
    await hub.waitForOutput(/SIGTERM ends this program when 1 stream ended/);
    await untilRefused(hub.port);
    await expectWhole(client);
    expect(await hub.exited).to.deep.equal(OK);
    expect(hub.output).to.include("all streams have ended");
  });

  it("of a hub frees its port at once, so that the next one takes over while streams run", async () => {
    await startLan({ hub: LONG });
    const client = await open();
    hub.kill("SIGTERM");
    await hub.waitForOutput("ends this program when");
    const next = await startHub({ port: hub.port }, { folder: hub.folder });
    await untilUse(office, ID, "listening");
    await untilEchoed(usePort);
    await expectWhole(client);
    expect(await hub.exited).to.deep.equal(OK);
    expect(next.running).to.equal(true);
  });

  it("of a serving node withdraws its serves at once and lets their streams end", async () => {
    await startLan({ node: LONG });
    const client = await open();
    home.kill("SIGTERM");
    await untilUse(office, ID, "waiting");
    await untilRefused(usePort);
    await expectWhole(client);
    expect(await home.exited).to.deep.equal(OK);
  });

  it("of a using node closes its ports at once and lets their streams end", async () => {
    await startLan({ node: LONG });
    const client = await open();
    office.kill("SIGINT");
    await untilRefused(usePort);
    await expectWhole(client);
    expect(await office.exited).to.deep.equal(OK);
  });

  it("cuts streams off when their time is over", async () => {
    await startLan({ hub: "drain = 1", node: "drain = 1" });
    for (const program of [hub, home]) {
      const client = await open();
      program.kill("SIGTERM");
      expect(await client.ended).to.equal("reset");
      expect(await program.exited).to.deep.equal(OK);
      expect(program.output).to.include("the time is over, 1 stream cut off");
      if (program !== hub) continue;
      hub = await startHub({ port: hub.port }, { folder: hub.folder });
      await untilUse(office, ID, "listening");
    }
  });

  it("is at once by a second signal", async () => {
    await startLan({ hub: LONG, node: LONG });
    for (const program of [office, hub]) {
      const client = await open();
      program.kill("SIGTERM");
      await program.waitForOutput("or at once with the next signal");
      program.kill("SIGINT");
      expect(await client.ended).to.equal("reset");
      expect(await program.exited).to.deep.equal(OK);
      expect(program.output).to.include("SIGINT, 1 stream cut off");
      if (program !== office) continue;
      office = startNode(
        nodeConfig(hub.port, {
          name: "office",
          vnet: LONG,
          sections: useSection(ID, usePort),
        }),
        { folder: office.folder },
      );
      await untilUse(office, ID, "listening");
    }
  });

  it("is at once where no stream runs, whatever the time", async () => {
    await startLan({ hub: LONG, node: LONG });
    await untilEchoed(usePort);
    for (const program of [office, home, hub]) {
      program.kill("SIGTERM");
      expect(await program.exited).to.deep.equal(OK);
    }
  });
});
