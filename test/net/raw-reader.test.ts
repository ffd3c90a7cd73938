import { createHash } from "node:crypto";
import { once } from "node:events";
import { expect } from "chai";
import { createDuplexPair } from "../../src/net/duplex-pair.js";
import type { Lease } from "../../src/net/lent-buffer.js";
import { RawReader } from "../../src/net/raw-reader.js";
import {
  giveBufferBack,
  keepNoMore,
  lendBuffer,
  mayKeep,
  STRAIGHT,
  THROUGH_TLS,
} from "../../src/net/read-buffers.js";
import { eventually, within } from "../support/deadline.js";
import { Random } from "../support/random.js";
import {
  createSecurePair,
  createSocketPair,
  destroySocketPairs,
  type SocketPair,
} from "../support/socket-pair.js";

const HEADROOM = 4;
/** Two small buffers, or one of each. */
const BULK = { bytes: THROUGH_TLS.bytes, pendingBytes: 8 * 1024 };

interface Piece {
  view: Buffer;
  lease: Lease;
}

const MAKERS = {
  "a plain socket": createSocketPair,
  "a socket in TLS": async () => createSecurePair(await createSocketPair()),
  "TLS over memory": () => createSecurePair(createDuplexPair()),
} as const;

for (const [kind, make] of Object.entries(MAKERS))
  describe(`a reader of ${kind}`, () => {
    let pair: SocketPair;
    let pieces: Piece[];
    let over: number;
    /** what to do with each piece as it comes */
    let take: (piece: Piece) => void;

    beforeEach(async () => {
      pair = await make();
      pieces = [];
      over = 0;
      take = () => undefined;
    });

    afterEach(destroySocketPairs);

    function start(): RawReader {
      const reader = RawReader.takeOver(pair.b, {
        headroom: HEADROOM,
        bulk: BULK,
        onBytes: (view, lease) => {
          pieces.push({ view, lease });
          take({ view, lease });
        },
        onOver: () => over++,
      });
      if (reader === null) throw new Error("was not taken over");
      reader.socket.on("error", () => undefined);
      return reader;
    }

    const arrived = () =>
      pieces.reduce((sum, { view }) => sum + view.length, 0);

    async function say(text: string): Promise<Piece> {
      const before = pieces.length;
      pair.a.write(text);
      return eventually("a piece", () => pieces[before]);
    }

    it("gives what it reads, with room for a header in front of it", async () => {
      start().resume();
      const { view } = await say("hello");
      expect(String(view)).to.equal("hello");
      expect(view.byteOffset).to.be.at.least(HEADROOM);
    });

    it("first gives what was read before it came, with room in front as well", async () => {
      pair.a.write("early");
      await once(pair.b, "readable");
      const reader = start();
      reader.resume();
      // Whoever resumes it while it is made is not ready yet.
      expect(pieces).to.deep.equal([]);
      await Promise.resolve();
      await new Promise((resolve) => process.nextTick(resolve));
      const [first] = pieces;
      expect(String(first?.view)).to.equal("early");
      expect(first?.view.byteOffset).to.be.at.least(HEADROOM);
      expect(String((await say("late")).view)).to.equal("late");
    });

    it("says when all that came in one moment has been handed on", async () => {
      start().resume();
      await say("one");
      expect(over).to.equal(1);
      pair.a.write(Buffer.alloc(20_000));
      await eventually("all of it", () => arrived() === 20_003);
      await eventually("that it is over", () => over > 1);
      expect(over).to.be.below(pieces.length);
    });

    it("hears of a reset", async () => {
      const { socket } = resumed(start());
      pair.a.on("error", () => undefined);
      // TCP resets a connection that is closed while something is unread.
      socket.write(Buffer.alloc(8_000_000));
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      pair.reset();
      await eventually("the close", () => socket.closed);
      expect(socket.readableEnded).to.equal(false);
    });

    it("reads into one buffer again and again while nobody holds it", async () => {
      start().resume();
      const first = await say("one");
      const second = await say("two");
      expect(second.view.buffer).to.equal(first.view.buffer);
      expect(second.view.byteOffset).to.equal(first.view.byteOffset);
    });

    it("does not read over a view that is held", async () => {
      start().resume();
      take = ({ lease }) => {
        lease.hold();
      };
      const first = await say("one");
      take = () => undefined;
      const second = await say("two");
      expect([first, second].map(({ view }) => String(view))).to.deep.equal([
        "one",
        "two",
      ]);
    });

    it("needs no large buffer for short pieces that are held", async () => {
      start().resume();
      let last: Lease | undefined;
      take = ({ view, lease }) => {
        expect(view.buffer.byteLength).to.be.below(8 * 1024);
        lease.hold();
        last?.release();
        last = lease;
      };
      for (let n = 0; n < 10; n++)
        expect(String((await say(`piece ${n}`)).view)).to.equal(`piece ${n}`);
    });

    it("reads no more while two buffers are held, and goes on when they are free", async () => {
      start().resume();
      take = ({ lease }) => {
        lease.hold();
      };
      const first = await say("one");
      const second = await say("two");
      pair.a.write("three");
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      expect(pieces).to.have.length(2);
      expect(String(first.view)).to.equal("one");
      first.lease.release();
      expect(String(second.view)).to.equal("two");
      second.lease.release();
      await eventually("the rest", () => pieces.length === 3);
      expect(String(pieces[2]?.view)).to.equal("three");
    });

    for (const [when, inTheRead] of [
      ["later", false],
      ["in the middle of the read", true],
    ] as const)
      it(`reads on when it lets go of what is held ${when}, and does not read over it`, async () => {
        const reader = resumed(start());
        take = ({ lease }) => {
          lease.hold();
          if (inTheRead && pieces.length === 2) reader.letGo();
        };
        await say("one");
        await say("two");
        if (!inTheRead) reader.letGo();
        await say("three");
        await say("four");
        // It counts from here.
        pair.a.write("five");
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        expect(pieces.map(({ view }) => String(view))).to.deep.equal([
          ...["one", "two", "three", "four"],
        ]);
        take = () => undefined;
        for (const { lease } of pieces) lease.release();
        await eventually("the rest", () => pieces.length === 5);
        expect(String((await say("six")).view)).to.equal("six");
      });

    it("reads nothing while it is paused", async () => {
      const reader = resumed(start());
      await say("one");
      reader.pause();
      pair.a.write("two");
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      expect(pieces).to.have.length(1);
      reader.resume();
      await eventually("the rest", () => pieces.length === 2);
    });

    it("stays paused when it was paused while its buffers were held", async () => {
      const reader = resumed(start());
      take = ({ lease }) => {
        lease.hold();
      };
      await say("one");
      await say("two");
      reader.pause();
      for (const { lease } of pieces) lease.release();
      pair.a.write("three");
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      expect(pieces).to.have.length(2);
      reader.resume();
      await eventually("the rest", () => pieces.length === 3);
    });

    it("takes large pieces of bulk, and small buffers when that is over", async () => {
      start().resume();
      pair.a.write(Buffer.alloc(4 * THROUGH_TLS.bytes));
      await eventually("all of it", () => arrived() === 4 * THROUGH_TLS.bytes);
      const largest = Math.max(...pieces.map(({ view }) => view.length));
      expect(largest).to.be.above(8 * 1024);
      await say("short");
      await say("short");
      const { view } = await say("short");
      expect(view.buffer.byteLength).to.be.below(8 * 1024);
    });

    it("keeps no large buffer for what may come when enough others do", async () => {
      let others = 0;
      while (mayKeep()) others++;
      start().resume();
      pair.a.write(Buffer.alloc(BULK.bytes));
      await eventually("all of it", () => arrived() === BULK.bytes);
      const { view } = await say("short");
      expect(view.buffer.byteLength).to.be.below(8 * 1024);
      while (others-- > 0) keepNoMore();
    });

    for (const seed of [1, 2, 3])
      it(`brings every byte, whoever holds what for how long, seed ${seed}`, async () => {
        const random = new Random(seed);
        const sent = createHash("sha256");
        const received = createHash("sha256");
        const reader = resumed(start());
        // Pieces are done with in their order, as writes to one socket are; some of them at once.
        let queue: Promise<void> = Promise.resolve();
        let waiting = 0;
        take = ({ view, lease }) => {
          if (random.chance(0.1)) reader.letGo();
          const turns = random.between(0, 3);
          if (turns + waiting === 0) {
            received.update(view);
            return;
          }
          lease.hold();
          waiting++;
          queue = queue.then(async () => {
            for (let turn = 0; turn < turns; turn++)
              await new Promise(setImmediate);
            received.update(view);
            waiting--;
            if (random.chance(0.1)) reader.letGo();
            lease.release();
          });
        };
        let total = 0;
        for (let n = 0; n < 200; n++) {
          const most = random.chance(0.2) ? 300_000 : 3_000;
          const bytes = random.bytes(random.between(1, most));
          sent.update(bytes);
          total += bytes.length;
          if (!pair.a.write(bytes)) await once(pair.a, "drain");
        }
        await eventually("all of it", () => arrived() === total);
        await queue;
        expect(received.digest("hex")).to.equal(sent.digest("hex"));
      });

    for (const [when, held] of [
      ["nothing of it is held", 0],
      ["one of its buffers is held", 1],
      ["all of its buffers are held", 2],
    ] as const)
      it(`gives each large buffer back once when it is destroyed while ${when}`, async () => {
        const { socket } = resumed(start());
        pair.a.on("error", () => undefined);
        pair.a.write(Buffer.alloc(4 * THROUGH_TLS.bytes));
        await eventually(
          "all of it",
          () => arrived() === 4 * THROUGH_TLS.bytes,
        );
        pieces = [];
        take = ({ lease }) => {
          if (pieces.length <= held) lease.hold();
        };
        // A long piece first, so that what is held is large.
        const long = 2 * THROUGH_TLS.bytes;
        pair.a.write(Buffer.alloc(long));
        // With enough of it held, no more comes.
        await eventually("them", () => pieces.length > 0);
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);

        const leases = pieces.slice(0, held).map(({ lease }) => lease);
        const closed = once(socket, "close");
        socket.destroy();
        // The newest before the close, the other one after it.
        leases.pop()?.release();
        await closed;
        for (const lease of leases) lease.release();
        const lent = Array.from({ length: 100 }, () =>
          lendBuffer(THROUGH_TLS.bytes),
        );
        expect(new Set(lent)).to.have.property("size", lent.length);
        lent.forEach(giveBufferBack);
      });
  });

describe("readers of raw sockets", () => {
  let pair: SocketPair;

  beforeEach(async () => {
    pair = await createSocketPair();
  });

  afterEach(destroySocketPairs);

  it("hears of an end that came before it did", async () => {
    pair.a.end("last");
    await once(pair.b, "readable");
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    const texts: string[] = [];
    const reader = RawReader.takeOver(pair.b, {
      headroom: 0,
      bulk: STRAIGHT,
      onBytes: (view) => texts.push(String(view)),
      onOver: () => undefined,
    });
    const { socket } = resumed(reader!);
    await within("the end", once(socket, "end"));
    expect(texts.join("")).to.equal("last");
    socket.end("bye");
    const [bye] = (await once(pair.a, "data")) as [Buffer];
    expect(String(bye)).to.equal("bye");
  });

  it("takes no reset behind waiting bytes for an end", async () => {
    for (const bytes of [1, 10_000]) {
      const { a, b } = await createSocketPair();
      let came = 0;
      const reader = RawReader.takeOver(b, {
        headroom: 0,
        bulk: STRAIGHT,
        onBytes: (view) => (came += view.length),
        onOver: () => undefined,
      });
      a.write(Buffer.alloc(bytes));
      a.resetAndDestroy();
      for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
      const { socket } = resumed(reader!);
      const ends: string[] = [];
      socket.on("end", () => ends.push("end"));
      socket.on("error", ({ message }) => ends.push(message));
      await eventually("the close", () => socket.closed);
      expect(ends).to.deep.equal(["read ECONNRESET"]);
      expect(came).to.be.at.most(bytes);
    }
  });

  for (const [what, makeBelow] of [
    ["a socket", createSocketPair],
    ["memory", async () => createDuplexPair()],
  ] as const)
    it(`close when the one that was taken over hears of an error, TLS over ${what}`, async () => {
      const below = await makeBelow();
      const { a, b } = await createSecurePair(below);
      a.on("error", () => undefined);
      const onBytes = () => undefined;
      const onOver = () => undefined;
      const options = { headroom: 0, bulk: STRAIGHT, onBytes, onOver };
      const { socket } = resumed(RawReader.takeOver(b, options)!);
      socket.on("error", () => undefined);
      b.destroy(new Error("broken"));
      await eventually("the close", () => socket.closed);
    });

  for (const [what, make] of [
    ["a duplex in memory", () => createDuplexPair().a],
    [
      "TLS that has heard the other side's end",
      async () => {
        const { a, b } = await createSecurePair(pair);
        a.end("last");
        await once(b, "readable");
        for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
        return b;
      },
    ],
    [
      "one that has something to write",
      () => {
        pair.b.cork();
        pair.b.write("still here");
        return pair.b;
      },
    ],
    ["one that is gone", () => pair.b.destroy()],
  ] as const)
    it(`does not take over ${what}, and leaves it as it was`, async () => {
      const duplex = await make();
      duplex.on("error", () => undefined);
      const { destroyed } = duplex;
      const onBytes = () => undefined;
      const onOver = () => undefined;
      const options = { headroom: 0, bulk: STRAIGHT, onBytes, onOver };
      expect(RawReader.takeOver(duplex, options)).to.equal(null);
      expect(duplex.destroyed).to.equal(destroyed);
    });
});

function resumed(reader: RawReader): RawReader {
  reader.resume();
  return reader;
}
