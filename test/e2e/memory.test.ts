// What real programs keep after a burst of connections and after bulk, by what they say of themselves: buffers, sockets,
// timers, heap. The resident memory is another matter: of what is free the C library keeps most (docs/performance.md).

import { expect } from "chai";
import type { Inside } from "../soak/inside.js";
import { Sampler, type Measured } from "../soak/sampler.js";
import { connectTo, TestServer } from "../support/echo.js";
import { skip } from "../support/find-program.js";
import {
  nodeConfig,
  serveSection,
  startHub,
  untilUse,
  untilVnet,
  useSection,
} from "../support/lan.js";
import { closeLaunched, startNode, type Launched } from "../support/launch.js";
import { canMeasure } from "../support/memory.js";
import { reservePort } from "../support/ports.js";

const MIB = 1024 * 1024;
const ID = 700;
const BURST = 300;
const BULK_BYTES = 32 * MIB;

/** docs/architecture.md, bounds: large buffers of two sizes that are kept, and those that sockets keep. */
const KEPT_BYTES = 2 * 4 * MIB + 2 * MIB;

describe("memory after a burst and bulk", function () {
  this.timeout(300_000);
  let service: TestServer;
  let sampler: Sampler;
  let nodes: Launched[];
  let measured: Measured[];
  let port: number;

  before(async function () {
    if (!canMeasure) skip(this, "needs /proc to measure processes");
    service = await TestServer.start(({ socket }) => socket.pipe(socket), {
      keep: false,
    });
    sampler = new Sampler();
    const { env } = sampler;
    const hub = await startHub({}, { env });
    port = await reservePort();
    const start = (name: string, sections: string) =>
      startNode(nodeConfig(hub.port, { name, sections }), { env });
    const home = start("home", serveSection(ID, service.port));
    const office = start("office", useSection(ID, port));
    await untilUse(office, ID, "listening");
    nodes = [home, office];
    measured = [hub, home, office].map((program, n) => ({
      name: ["hub", "home", "office"][n] ?? "",
      program,
    }));
  });

  after(async () => {
    await closeLaunched();
    sampler?.close();
    await service?.close();
  });

  async function sample(): Promise<Inside[]> {
    await sampler.sample(measured);
    return sampler.lines.map(({ samples }) => {
      const newest = samples.at(-1);
      if (newest === undefined) throw new Error("no sample");
      return newest;
    });
  }

  /** So many streams at once; what each sends comes back. */
  async function streams(
    count: number,
    bytes: number,
    meanwhile = async () => {},
  ) {
    const users = await Promise.all(
      Array.from({ length: count }, async () => {
        const user = await connectTo(port, false);
        user.socket.write(Buffer.alloc(bytes));
        await user.untilBytes(bytes);
        return user;
      }),
    );
    await meanwhile();
    for (const { socket } of users) socket.end();
    await Promise.all(users.map(({ closed }) => closed));
    service.connections.length = 0;
  }

  /** Nothing streams, and only the warm channel is left. */
  async function calm(): Promise<void> {
    for (const node of nodes)
      await untilVnet(
        node,
        ({ streams: { now }, channels }) =>
          now === 0 && channels.busy === 0 && channels.idle === 1,
        "all streams are over and the surplus channels are gone",
        90_000,
      );
  }

  it("is what it was before but for the buffers that are kept, which are bounded", async () => {
    // What is made once is made by now.
    await streams(BURST, 1);
    await streams(2, MIB);
    await calm();
    const before = await sample();
    let amid: Inside[] = [];
    await streams(BURST, 1, async () => {
      amid = await sample();
    });
    await streams(4, BULK_BYTES);
    await calm();
    const after = await sample();
    for (const [n, { name }] of measured.entries()) {
      const [was, then, is] = [before[n], amid[n], after[n]];
      if (was === undefined || then === undefined || is === undefined)
        throw new Error(`${name} was not measured`);
      // The measure sees what there is.
      expect(then.sockets - was.sockets, name).to.be.at.least(2 * BURST);
      expect(is.sockets, name).to.be.at.most(was.sockets + 10);
      expect(is.timers, name).to.be.at.most(was.timers + 10);
      expect(is.arrayBuffers, name).to.be.at.most(KEPT_BYTES + MIB);
      const kept = (inside: Inside) =>
        inside.heapUsed - inside.code + inside.external - inside.arrayBuffers;
      expect(kept(is) - kept(was), name).to.be.below(2 * MIB);
    }
  });
});
