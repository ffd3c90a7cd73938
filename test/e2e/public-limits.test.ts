// Who comes to a port that many may reach takes no more than he is given: of a public port's places, of the hub's
// descriptors, of programs.

import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { within } from "../support/deadline.js";
import { connectTo, startEcho, type TestServer } from "../support/echo.js";
import { needs, skip } from "../support/find-program.js";
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
} from "../support/launch.js";
import { canMeasure } from "../support/memory.js";
import { reservePort } from "../support/ports.js";
import { exchange, untilEchoed } from "../support/reach.js";

const ID = 700;

describe("a port that many may reach", function () {
  this.timeout(180_000);
  let echo: TestServer;
  let port: number;
  const sockets: Socket[] = [];

  before(async () => {
    echo = await startEcho();
  });

  beforeEach(async () => {
    port = await reservePort();
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    await closeLaunched();
  });

  after(async () => {
    await echo.close();
  });

  /** A hub with a public port that leads to an echo service. */
  async function startPublic(keys: string, prefix?: string[]): Promise<Hub> {
    const hubPort = await reservePort();
    const hub = await startHub(
      `[route]\nip = 127.0.0.1\nport = ${hubPort}\n[public.echo]\nserveid = ${ID}\nport = ${port}\n${keys}\n`,
      prefix && { prefix },
    );
    await startMember(hub, {
      name: "home",
      sections: serveSection(ID, echo.port),
    });
    return hub;
  }

  /** What becomes of a user who says a byte. */
  function visit(to: number): Promise<"echo" | "gone"> {
    const user = connect({ host: "127.0.0.1", port: to });
    sockets.push(user);
    user.write("x");
    return within(
      "an answer",
      new Promise((resolve) => {
        user.once("data", () => resolve("echo"));
        user.on("error", () => resolve("gone"));
        user.on("close", () => resolve("gone"));
      }),
    );
  }

  it("of the hub lets in only whom from= names, and says so", async () => {
    const hub = await startPublic("from = 10.0.0.0/8, 127.0.0.2");
    while (!hub.output.includes("is not in from="))
      expect(await visit(port)).to.equal("gone");
    const user = connect({
      ...{ host: "127.0.0.1", port, localAddress: "127.0.0.2" },
    });
    sockets.push(user);
    user.write("x");
    await within("the echo", new Promise((done) => user.once("data", done)));
    expect(hub.output).to.match(/refused a connection: 127\.0\.0\.1 is not in/);
  });

  it("of the hub holds max_connections, and takes the next one when one has left", async () => {
    await startPublic("max_connections = 2");
    await untilEchoed(port);
    // Who was there before has to be gone first.
    for (let count = 0; count < 2; count++)
      while ((await visit(port)) !== "echo");
    const staying = sockets.filter(({ destroyed }) => !destroyed);
    expect(staying).to.have.length(2);
    for (let count = 0; count < 5; count++)
      expect(await visit(port)).to.equal("gone");
    staying[0]?.destroy();
    while ((await visit(port)) !== "echo");
    expect(staying[1]?.destroyed).to.equal(false);
  });

  it("of a node, too, cuts who is idle for idle_timeout, and nobody who says something", async () => {
    const hub = await startHub();
    await startMember(hub, {
      name: "home",
      sections: serveSection(ID, echo.port),
    });
    const office = startNode(
      nodeConfig(hub.port, {
        name: "office",
        sections: `${useSection(ID, port)}idle_timeout = 1\n`,
      }),
    );
    await untilUse(office, ID, "listening");
    await untilEchoed(port);
    const idle = await connectTo(port);
    const busy = await connectTo(port);
    sockets.push(idle.socket, busy.socket);
    const talking = setInterval(() => busy.socket.write("x"), 100);
    try {
      idle.socket.write("x");
      await within("its end", idle.ended);
      expect(idle.state).to.equal("reset");
      expect(idle.bytes).to.equal(1);
      expect(busy.state).to.equal("open");
      const { bytes } = busy;
      await within("more", busy.untilBytes(bytes + 2));
    } finally {
      clearInterval(talking);
    }
  });

  it("of the hub leaves a share of the open files to nodes: new private channels come through a full one", async function () {
    if (!canMeasure) skip(this, "needs limits of a process");
    const files = ["sh", "-c", 'ulimit -n 160 && exec "$@"', "sh"];
    const hub = await startPublic("", files);
    const inside = await reservePort();
    const office = await startMember(hub, {
      name: "office",
      sections: useSection(ID, inside),
    });
    await untilUse(office, ID, "listening");
    await untilEchoed(port);
    const crowd = await Promise.all(
      Array.from({ length: 150 }, () => visit(port)),
    );
    expect(crowd).to.include("echo").and.to.include("gone");
    await hub.waitForOutput("three quarters of the 160 open files");
    const own = await Promise.all(
      Array.from({ length: 8 }, () => visit(inside)),
    );
    expect(own).to.deep.equal(Array(8).fill("echo"));
    await startMember(hub, { name: "late" });
  });

  it("starts no more programs of an exec: serve than max_processes", async function () {
    needs(this, "cat");
    const hub = await startHub();
    await startMember(hub, {
      name: "home",
      sections: `[serve.cat]\nserveid = ${ID}\nip = exec:cat\nmax_processes = 3\n`,
    });
    const office = await startMember(hub, {
      name: "office",
      sections: useSection(ID, port),
    });
    await untilUse(office, ID, "listening");
    const crowd = await Promise.all(
      Array.from({ length: 10 }, () => visit(port)),
    );
    expect(crowd.filter((outcome) => outcome === "echo")).to.have.length(3);
    await office.waitForOutput("3 programs run for it already (max_processes)");
    for (const socket of sockets.splice(0)) socket.destroy();
    await untilEchoed(port);
    expect(await exchange(port, "still here")).to.equal("still here");
  });
});
