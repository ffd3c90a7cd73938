import { expect } from "chai";
import type { Duplex } from "node:stream";
import { pump } from "../../src/net/pump.js";
import { eventually, within } from "../support/deadline.js";
import { createDuplexPair } from "../support/duplex-pair.js";
import { Observed } from "../support/echo.js";
import { Random } from "../support/random.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";
import { Writer } from "../support/writer.js";

const MAKERS = {
  "real sockets": createSocketPair,
  "duplexes in memory": async () => createDuplexPair(),
} as const;

/** Two pairs, the inner ends of which are pumped into each other. */
interface Rig {
  left: Observed<Duplex>;
  right: Observed<Duplex>;
  inner: [Duplex, Duplex];
  /** how often onClose was called */
  closes: () => number;
  cut: () => void;
  closed: Promise<void>;
}

async function createRig(
  make: () => Promise<{ a: Duplex; b: Duplex }>,
): Promise<Rig> {
  const [left, right] = [await make(), await make()];
  let closes = 0;
  let cut: () => void = () => undefined;
  const closed = new Promise<void>((resolve) => {
    cut = pump(left.b, right.a, () => {
      closes++;
      resolve();
    });
  });
  return {
    left: new Observed(left.a),
    right: new Observed(right.b),
    inner: [left.b, right.a],
    closes: () => closes,
    cut,
    closed,
  };
}

/** Closed once, and not once more by anything that was still on its way. */
async function expectClosedOnce(rig: Rig): Promise<void> {
  await within("onClose", rig.closed);
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  expect(rig.closes()).to.equal(1);
  for (const duplex of rig.inner) expect(duplex.destroyed).to.equal(true);
}

for (const [kind, make] of Object.entries(MAKERS))
  describe(`pump between ${kind}`, () => {
    afterEach(destroySocketPairs);

    it("brings the same bytes both ways at once, and both FINs", async () => {
      const rig = await createRig(make);
      const random = new Random(1);
      const there = random.bytes(3_000_000);
      const back = random.bytes(2_000_000);
      for (const piece of random.cut(there, 100_000))
        rig.left.socket.write(piece);
      for (const piece of random.cut(back, 100_000))
        rig.right.socket.write(piece);
      rig.left.socket.end();
      rig.right.socket.end();
      expect(await within("left", rig.left.ended)).to.equal("fin");
      expect(await within("right", rig.right.ended)).to.equal("fin");
      expect(rig.right.received.equals(there)).to.equal(true);
      expect(rig.left.received.equals(back)).to.equal(true);
      await expectClosedOnce(rig);
    });

    for (const [first, second] of [
      ["left", "right"],
      ["right", "left"],
    ] as const)
      it(`goes on from ${second} to ${first} after the FIN of ${first}`, async () => {
        const rig = await createRig(make);
        const [a, b] = [rig[first], rig[second]];
        a.socket.end("question");
        expect(await within("the FIN", b.ended)).to.equal("fin");
        expect(b.text).to.equal("question");
        expect(rig.closes()).to.equal(0);
        b.socket.write("answer, ");
        await within("the answer", a.untilBytes(8));
        expect(a.state).to.equal("open");
        b.socket.end("and more");
        expect(await within("the other FIN", a.ended)).to.equal("fin");
        expect(a.text).to.equal("answer, and more");
        await expectClosedOnce(rig);
      });

    for (const [first, second] of [
      ["left", "right"],
      ["right", "left"],
    ] as const)
      it(`resets ${second} when ${first} is reset`, async () => {
        const rig = await createRig(make);
        const [a, b] = [rig[first], rig[second]];
        a.socket.write("some");
        await within("the bytes", b.untilBytes(4));
        resetHard(a.socket);
        expect(await within("the reset", b.ended)).to.equal("reset");
        await expectClosedOnce(rig);
      });

    it("resets the sender when the receiver of the rest is reset after its FIN", async () => {
      const rig = await createRig(make);
      rig.right.socket.end();
      expect(await within("the FIN", rig.left.ended)).to.equal("fin");
      rig.left.socket.write("a");
      await within("a byte", rig.right.untilBytes(1));
      resetHard(rig.right.socket);
      await eventually("the reset", () => {
        // Only a write tells that a connection whose FIN came is reset.
        if (!rig.left.socket.destroyed) rig.left.socket.write("b");
        return rig.left.state === "reset";
      });
      await expectClosedOnce(rig);
    });

    it("resets both sides when its owner cuts it", async () => {
      const rig = await createRig(make);
      rig.cut();
      expect(await within("the reset", rig.left.ended)).to.equal("reset");
      expect(await within("the reset", rig.right.ended)).to.equal("reset");
      await expectClosedOnce(rig);
    });

    for (const which of [0, 1])
      it(`ends at once when side ${which} was gone before it began`, async () => {
        const pairs = [await make(), await make()] as const;
        const inner = [pairs[0].b, pairs[1].a] as const;
        const outer = [pairs[0].a, pairs[1].b].map(
          (end) => new Observed<Duplex>(end),
        );
        const gone = inner[which]!;
        gone.destroy();
        await eventually("closed", () => gone.closed);
        let closes = 0;
        pump(...inner, () => closes++);
        const far = outer[1 - which]!;
        expect(await within("the reset", far.ended)).to.equal("reset");
        expect(closes).to.equal(1);
      });

    it("brings what was sent before it began, and a FIN that came by then", async () => {
      const pairs = [await make(), await make()] as const;
      pairs[0].a.end("early");
      const right = new Observed<Duplex>(pairs[1].b);
      new Observed<Duplex>(pairs[0].a);
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      pump(pairs[0].b, pairs[1].a, () => undefined);
      expect(await within("the FIN", right.ended)).to.equal("fin");
      expect(right.text).to.equal("early");
      right.socket.end();
    });
  });

describe("pump with a reader that pauses", () => {
  const FULL = 16 * 1024;

  it("stops the writer, holds little, and goes on when it reads again", async () => {
    const [left, right] = [createDuplexPair(FULL), createDuplexPair(FULL)];
    pump(left.b, right.a, () => undefined);
    const written = new Writer(left.a, 1_024);
    await written.untilStalled();
    // Six buffers on the way: two of each pair's ends, and a write in flight in each.
    expect(written.bytes).to.be.within(FULL, 6 * FULL);
    const stalledAt = written.bytes;

    const reader = new Observed<Duplex>(right.b, false);
    await within("ten times as much", reader.untilBytes(10 * stalledAt));
    right.b.pause();
    await written.untilStalled();
    expect(written.bytes - reader.bytes).to.be.at.most(6 * FULL);

    written.stop();
    right.b.resume();
    await within("the rest", reader.ended);
    expect(reader.bytes).to.equal(written.bytes);
    right.b.end();
  });

  it("still brings the other direction", async () => {
    const [left, right] = [createDuplexPair(FULL), createDuplexPair(FULL)];
    pump(left.b, right.a, () => undefined);
    const written = new Writer(left.a, 1_024);
    const back = new Observed<Duplex>(left.a);
    await written.untilStalled();
    right.b.write("back");
    await within("the other direction", back.untilBytes(4));
    expect(back.text).to.equal("back");
    right.b.destroy();
    await within("the reset", back.ended);
  });
});

function resetHard(duplex: Duplex): void {
  if ("resetAndDestroy" in duplex)
    (duplex.resetAndDestroy as () => void).call(duplex);
  else duplex.destroy();
}
