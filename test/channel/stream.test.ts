import { createHash } from "node:crypto";
import { expect } from "chai";
import type { Duplex } from "node:stream";
import { Channel } from "../../src/channel/channel.js";
import type { Stream } from "../../src/channel/stream.js";
import { createTraffic } from "../../src/channel/traffic.js";
import type { VnetError } from "../../src/errors.js";
import { HangUp } from "../../src/net/hang-up.js";
import { eventually, within } from "../support/deadline.js";
import { createDuplexPair } from "../support/duplex-pair.js";
import { Observed } from "../support/echo.js";
import { hurried } from "../support/hurried-timers.js";
import { Random } from "../support/random.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";
import { Writer } from "../support/writer.js";

const MAKERS = {
  "loopback sockets": createSocketPair as () => Promise<Pair>,
  "duplexes in memory": async (): Promise<Pair> => createDuplexPair(),
  "duplexes in memory that cut everything": async (): Promise<Pair> => {
    const pair = createDuplexPair();
    const random = new Random(1);
    for (const end of [pair.a, pair.b])
      end.cut = (bytes) => random.cut(bytes, 700);
    return pair;
  },
} as const;

interface Pair {
  readonly a: Duplex;
  readonly b: Duplex;
}

/** How a stream's end of one side ended: null in good order, undefined not yet. */
type End = VnetError | null | undefined;

/** user ⟷ opener ══ channel ══ acceptor ⟷ service: what is between the user and the service is under test. */
class Line {
  readonly traffic = { opener: createTraffic(), acceptor: createTraffic() };
  readonly opener: Channel;
  readonly acceptor: Channel;
  readonly closes: VnetError[] = [];
  private readonly incoming: Stream[] = [];
  private readonly ends: Duplex[] = [];

  private constructor(
    private readonly make: () => Promise<Pair>,
    readonly wire: Pair,
  ) {
    this.ends.push(wire.a, wire.b);
    this.opener = new Channel({
      duplex: wire.a,
      role: "opener",
      traffic: this.traffic.opener,
    });
    this.acceptor = new Channel({
      duplex: wire.b,
      role: "acceptor",
      traffic: this.traffic.acceptor,
    });
    this.acceptor.on("stream", (stream) => this.incoming.push(stream));
    for (const channel of [this.opener, this.acceptor])
      channel.on("close", (reason) => this.closes.push(reason));
  }

  static async start(make: () => Promise<Pair>): Promise<Line> {
    return new Line(make, await make());
  }

  /** A user's stream that nobody has answered yet. @param before what happens to his connection before it is attached */
  async open(
    serveid = 7,
    before?: (user: Observed<Duplex>, near: Duplex) => Promise<void>,
  ) {
    const { far: user, near } = await this.connection();
    await before?.(user, near);
    const stream = this.opener.open({ serveid });
    const ends: { user: End; service: End } = {
      user: undefined,
      service: undefined,
    };
    stream.on("end", (reason) => (ends.user = reason));
    stream.attach(near);
    const incoming = await eventually("a stream", () => this.incoming.shift());
    incoming.on("end", (reason) => (ends.service = reason));
    return { stream, incoming, user, ends };
  }

  /** A user's stream, connected to its service. */
  async connect(serveid = 7) {
    const opened = await this.open(serveid);
    const { far: service, near } = await this.connection();
    opened.incoming.accept(near);
    return { ...opened, service };
  }

  /** A connection with one end in the test's hands. */
  async connection(): Promise<{ far: Observed<Duplex>; near: Duplex }> {
    const { a, b } = await this.make();
    this.ends.push(a, b);
    return { far: new Observed(a), near: b };
  }

  async untilIdle(): Promise<void> {
    await eventually(
      "both channels idle",
      () => this.opener.isIdle && this.acceptor.isIdle,
    );
  }

  async untilClosed(): Promise<void> {
    await eventually("both channels closed", () => this.closes.length >= 2);
    expect(this.closes).to.have.length(2);
    for (const end of [this.wire.a, this.wire.b])
      await eventually("the duplex destroyed", () => end.destroyed);
  }

  /** The channel is as good as new: it brings another stream. */
  async expectReusable(): Promise<void> {
    await this.untilIdle();
    const { user, service, ends } = await this.connect();
    user.socket.end("again");
    expect(await within("the FIN", service.ended)).to.equal("fin");
    service.socket.end(service.text.toUpperCase());
    expect(await within("the answer", user.ended)).to.equal("fin");
    expect(user.text).to.equal("AGAIN");
    await this.untilIdle();
    expect(ends).to.deep.equal({ user: null, service: null });
    expect(this.closes).to.deep.equal([]);
    expect(this.traffic.opener.streamsNow).to.equal(0);
    expect(this.traffic.acceptor.streamsNow).to.equal(0);
  }

  close(): void {
    for (const channel of [this.opener, this.acceptor]) channel.destroy();
    for (const end of this.ends) end.on("error", () => undefined).destroy();
  }
}

for (const [kind, make] of Object.entries(MAKERS))
  describe(`A stream over ${kind}`, () => {
    let line: Line;

    beforeEach(async () => {
      line = await Line.start(make);
    });

    afterEach(() => {
      line.close();
      destroySocketPairs();
    });

    it("brings the user's bytes and the answer", async () => {
      const { user, service, stream, incoming } = await line.connect(700);
      expect(stream.wanted).to.deep.equal({ serveid: 700 });
      expect(incoming.wanted).to.deep.equal({ serveid: 700 });
      user.socket.write("question");
      await within("the question", service.untilBytes(8));
      expect(service.text).to.equal("question");
      service.socket.write("answer");
      await within("the answer", user.untilBytes(6));
      expect(user.text).to.equal("answer");
      expect(line.opener.isIdle || line.acceptor.isIdle).to.equal(false);
    });

    it("tells the user's side when the service is connected", async () => {
      const { stream, incoming } = await line.open();
      let accepts = 0;
      stream.on("accept", () => accepts++);
      const { near } = await line.connection();
      expect(accepts).to.equal(0);
      incoming.accept(near);
      await eventually("accepted", () => accepts > 0);
      expect(accepts).to.equal(1);
    });

    it("lets the service speak first", async () => {
      const { user, service } = await line.connect();
      service.socket.write("220 ready\r\n");
      await within("the greeting", user.untilBytes(11));
      expect(user.text).to.equal("220 ready\r\n");
      user.socket.end();
      service.socket.end();
      await line.expectReusable();
    });

    it("keeps what the user sends before the service is connected, and his FIN", async () => {
      const { user, incoming } = await line.open();
      user.socket.end("early");
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      const { far: service, near } = await line.connection();
      incoming.accept(near);
      expect(await within("the FIN", service.ended)).to.equal("fin");
      expect(service.text).to.equal("early");
      service.socket.end("late");
      expect(await within("the FIN", user.ended)).to.equal("fin");
      expect(user.text).to.equal("late");
      await line.expectReusable();
    });

    for (const early of ["early", ""])
      it(`keeps what came while the user waited for a channel: ${early ? "bytes and his FIN" : "his FIN alone"}`, async () => {
        const { user, incoming } = await line.open(7, async (user, near) => {
          const hangUp = new HangUp(near);
          user.socket.end(early);
          await eventually("it", () => near.readableLength === early.length);
          // The FIN makes no sound where nobody reads.
          for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
          expect(hangUp.signal.aborted).to.equal(false);
          hangUp.ignore();
        });
        const { far: service, near } = await line.connection();
        incoming.accept(near);
        expect(await within("the FIN", service.ended)).to.equal("fin");
        expect(service.text).to.equal(early);
        service.socket.end("late");
        expect(await within("the FIN", user.ended)).to.equal("fin");
        expect(user.text).to.equal("late");
        await line.expectReusable();
      });

    it("tells the service of a user who is gone before he had a channel, behind what he said", async () => {
      const { user, incoming, ends } = await line.open(
        7,
        async (user, near) => {
          near.on("error", () => undefined);
          new HangUp(near);
          user.socket.write("early");
          await eventually("early", () => near.readableLength === 5);
          user.socket.destroy();
          near.destroy();
        },
      );
      expect(user.bytes).to.equal(0);
      const { far: service, near } = await line.connection();
      incoming.accept(near);
      await within("the reset", service.ended);
      expect(service.text).to.equal("early");
      expect(ends.user?.message).to.equal("the connection was closed");
      await line.untilClosed();
    });

    for (const [first, second] of [
      ["user", "service"],
      ["service", "user"],
    ] as const)
      it(`goes on from the ${second} after the FIN of the ${first}`, async () => {
        const connected = await line.connect();
        const [a, b] = [connected[first], connected[second]];
        a.socket.end("one half");
        expect(await within("the FIN", b.ended)).to.equal("fin");
        expect(b.text).to.equal("one half");
        expect(connected.ends).to.deep.equal({
          user: undefined,
          service: undefined,
        });
        b.socket.write("the other half, ");
        await within("the bytes", a.untilBytes(16));
        expect(a.state).to.equal("open");
        const rest = Buffer.alloc(300_000, "x");
        b.socket.end(rest);
        expect(await within("the other FIN", a.ended)).to.equal("fin");
        expect(a.bytes).to.equal(16 + rest.length);
        await line.expectReusable();
        expect(connected.ends).to.deep.equal({ user: null, service: null });
      });

    it("ends when both sides end at once", async () => {
      const { user, service, ends } = await line.connect();
      user.socket.end("a");
      service.socket.end("b");
      expect(await within("the FIN", user.ended)).to.equal("fin");
      expect(await within("the FIN", service.ended)).to.equal("fin");
      expect([user.text, service.text]).to.deep.equal(["b", "a"]);
      await line.expectReusable();
      expect(ends).to.deep.equal({ user: null, service: null });
    });

    it("ends without a single byte", async () => {
      const { user, service } = await line.connect();
      user.socket.end();
      service.socket.end();
      await within("the FINs", Promise.all([user.ended, service.ended]));
      expect(user.bytes + service.bytes).to.equal(0);
      await line.expectReusable();
    });

    it("closes both connections entirely when it ended", async () => {
      const { user, service } = await line.connect();
      user.socket.end();
      service.socket.end();
      await within("closed", Promise.all([user.closed, service.closed]));
      expect([user.state, service.state]).to.deep.equal(["fin", "fin"]);
    });

    const beforeRefusal: Record<string, (user: Duplex) => void> = {
      "who said nothing": () => undefined,
      "who had sent something": (user) => user.write("unheard"),
      "who had ended": (user) => user.end(),
      "who had sent something and ended": (user) => user.end("unheard"),
      "who had sent much": (user) => user.write(Buffer.alloc(300_000)),
    };
    for (const [name, act] of Object.entries(beforeRefusal))
      it(`resets a user ${name} when it is refused, and the channel is used again`, async () => {
        const { user, incoming, ends } = await line.open();
        act(user.socket);
        for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
        incoming.refuse("nothing listens");
        await eventually("the reset", () => user.state === "reset");
        await line.expectReusable();
        expect(ends.user).to.include({
          code: "refused",
          message: "nothing listens",
        });
        expect(ends.service).to.include({ code: "refused" });
      });

    it("may be refused while the user's FIN is on its way", async () => {
      const { user, incoming } = await line.open();
      user.socket.end("unheard");
      incoming.refuse("no");
      await eventually("the reset", () => user.state === "reset");
      await line.expectReusable();
    });

    it("is answered once: what comes behind that does nothing", async () => {
      const { user, service, incoming, ends } = await line.connect();
      const { far: extra, near } = await line.connection();
      incoming.accept(near);
      expect(await within("the reset", extra.ended)).to.equal("reset");
      incoming.refuse("too late");
      user.socket.end("still here");
      expect(await within("the FIN", service.ended)).to.equal("fin");
      expect(service.text).to.equal("still here");
      expect(ends).to.deep.equal({ user: undefined, service: undefined });
    });

    for (const [first, second] of [
      ["user", "service"],
      ["service", "user"],
    ] as const)
      for (const when of ["mid-stream", "behind its own FIN"])
        it(`resets the ${second} when the ${first} is reset ${when}, and ends the channel`, async () => {
          const connected = await line.connect();
          const [a, b] = [connected[first], connected[second]];
          let idles = 0;
          line.opener.on("idle", () => idles++);
          line.acceptor.on("idle", () => idles++);
          a.socket.write("some");
          await within("the bytes", b.untilBytes(4));
          if (when !== "mid-stream") {
            a.socket.end();
            await within("the FIN", b.ended);
          }
          resetHard(a.socket);
          await eventually("the reset", () => {
            // Only a write tells of the reset of a connection whose FIN came.
            if (when !== "mid-stream" && !b.socket.destroyed)
              b.socket.write("x");
            return b.state === "reset";
          });
          await line.untilClosed();
          expect(idles).to.equal(0);
          expect(connected.ends.user).to.be.instanceOf(Error);
          expect(connected.ends.service).to.be.instanceOf(Error);
          expect(line.traffic.opener.streamsNow).to.equal(0);
          expect(line.traffic.acceptor.streamsNow).to.equal(0);
        });

    it("is reset on both sides with our own words", async () => {
      const { stream, user, service, ends } = await line.connect();
      stream.reset("the use was closed");
      stream.reset("twice");
      expect(await within("the reset", user.ended)).to.equal("reset");
      expect(await within("the reset", service.ended)).to.equal("reset");
      await line.untilClosed();
      expect(ends.user).to.include({ message: "the use was closed" });
      expect(ends.service).to.include({ message: "the use was closed" });
    });

    it("may be reset before it is answered", async () => {
      const { incoming, stream, user, ends } = await line.open();
      stream.reset("gone");
      expect(await within("the reset", user.ended)).to.equal("reset");
      // The provider reads nothing before its service is there: it hears of it then.
      const { far: service, near } = await line.connection();
      incoming.accept(near);
      expect(await within("the reset", service.ended)).to.equal("reset");
      await line.untilClosed();
      expect(ends.service).to.include({ message: "gone" });
    });

    for (const side of ["opener", "acceptor"] as const)
      it(`is reset on both sides when the channel dies at its ${side} mid-stream`, async () => {
        const { user, service, ends } = await line.connect();
        user.socket.write("some");
        await within("the bytes", service.untilBytes(4));
        line[side].destroy();
        expect(await within("the reset", user.ended)).to.equal("reset");
        expect(await within("the reset", service.ended)).to.equal("reset");
        await line.untilClosed();
        expect(ends.user).to.include({ code: "closed" });
        expect(ends.service).to.include({ code: "closed" });
      });

    it("is reset when its provider dies before it answered", async () => {
      const { user, ends } = await line.open();
      line.acceptor.destroy();
      expect(await within("the reset", user.ended)).to.equal("reset");
      expect(ends.user).to.include({ code: "closed" });
    });

    it("is given up when its provider does not answer in time", async () => {
      const { far: user, near } = await line.connection();
      const stream = hurried(15_000, 30, () =>
        line.opener.open({ serveid: 7 }),
      );
      let end: End;
      stream.on("end", (reason) => (end = reason));
      stream.attach(near);
      expect(await within("the reset", user.ended)).to.equal("reset");
      expect(end!.message).to.equal("the provider did not answer in time");
      expect(line.opener.isClosed).to.equal(true);
    });

    it("does not take the provider's time to answer for the stream's", async () => {
      const { far: user, near } = await line.connection();
      const stream = hurried(15_000, 40, () =>
        line.opener.open({ serveid: 7 }),
      );
      line.acceptor.on("stream", (incoming) => {
        void line.connection().then((service) => {
          incoming.accept(service.near);
          service.far.socket.pipe(service.far.socket);
        });
      });
      stream.attach(near);
      await new Promise((resolve) => stream.once("accept", () => resolve(0)));
      await new Promise((resolve) => setTimeout(resolve, 60));
      user.socket.write("alive");
      await within("the echo", user.untilBytes(5));
      expect(user.text).to.equal("alive");
    });

    it("resets a connection that is attached too late", async () => {
      const stream = line.opener.open({ serveid: 7 });
      line.opener.destroy();
      const { far: user, near } = await line.connection();
      stream.attach(near);
      expect(await within("the reset", user.ended)).to.equal("reset");
      const { incoming } = await (await Line.start(make)).open();
      incoming.reset("gone");
      const late = await line.connection();
      incoming.accept(late.near);
      expect(await within("the reset", late.far.ended)).to.equal("reset");
    });

    it("ends at once when its connection was gone before it was attached", async () => {
      const { near } = await line.connection();
      near.destroy();
      await eventually("closed", () => near.closed);
      const stream = line.opener.open({ serveid: 7 });
      let end: End;
      stream.on("end", (reason) => (end = reason));
      stream.attach(near);
      expect(end).to.include({ message: "the connection was closed" });
      await line.untilClosed();
    });

    it("counts its traffic", async () => {
      const { user, service } = await line.connect();
      const { opener, acceptor } = line.traffic;
      expect([opener.streamsNow, acceptor.streamsNow]).to.deep.equal([1, 1]);
      user.socket.end(Buffer.alloc(100_000));
      service.socket.end(Buffer.alloc(30_000));
      await within("the FINs", Promise.all([user.ended, service.ended]));
      await line.untilIdle();
      const counted = { streamsNow: 0, streamsTotal: 1 };
      expect(opener).to.deep.equal({
        ...counted,
        bytesIn: 30_000,
        bytesOut: 100_000,
      });
      expect(acceptor).to.deep.equal({
        ...counted,
        bytesIn: 100_000,
        bytesOut: 30_000,
      });
    });

    it("brings a lot both ways at once without mixing anything", async () => {
      const { user, service } = await line.connect();
      const random = new Random(2);
      const there = random.bytes(3_000_000);
      const back = random.bytes(2_000_000);
      for (const piece of random.cut(there, 150_000)) user.socket.write(piece);
      for (const piece of random.cut(back, 150_000))
        service.socket.write(piece);
      user.socket.end();
      service.socket.end();
      await within("the FINs", Promise.all([user.ended, service.ended]));
      expect(service.received.equals(there)).to.equal(true);
      expect(user.received.equals(back)).to.equal(true);
      await line.expectReusable();
    });

    for (const seed of [1, 2])
      it(`brings 200 streams of random shapes on one channel, seed ${seed}`, async function () {
        this.timeout(180_000);
        const random = new Random(seed);
        for (let n = 1; n <= 200; n++)
          await playRandomStream(line, random, n).catch((cause: unknown) => {
            throw new Error(`stream ${n} of seed ${seed}`, { cause });
          });
        await line.expectReusable();
        expect(line.traffic.opener.streamsTotal).to.equal(201);
        expect(line.traffic.acceptor.streamsTotal).to.equal(201);
      });
  });

/** One stream of a random shape: who speaks, how much, who ends first, refused or not; every byte is compared. */
async function playRandomStream(
  line: Line,
  random: Random,
  n: number,
): Promise<void> {
  const someBytes = () =>
    random.bytes(random.chance(0.2) ? 0 : random.between(1, 40_000));
  const up = someBytes();
  const down = someBytes();
  const order = random.between(0, 2);
  const isRefused = random.chance(0.2);
  const turns = random.between(0, 4);

  const { user, incoming, ends } = await line.open(random.between(1, 999));
  const sendUp = () => {
    for (const piece of random.cut(up, 20_000)) user.socket.write(piece);
    user.socket.end();
  };
  if (isRefused) {
    if (order === 0) sendUp();
    else if (order === 1) user.socket.write(up);
    for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
    incoming.refuse(`refusal ${n}`);
    await eventually("the reset", () => user.state === "reset");
    await line.untilIdle();
    expect(ends.user).to.include({ message: `refusal ${n}` });
    return;
  }
  if (order !== 1) sendUp();
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
  const { far: service, near } = await line.connection();
  incoming.accept(near);
  if (order === 2)
    expect(await within("the user's FIN", service.ended)).to.equal("fin");
  for (const piece of random.cut(down, 20_000)) service.socket.write(piece);
  service.socket.end();
  expect(await within("the service's FIN", user.ended)).to.equal("fin");
  if (order === 1) sendUp();
  expect(await within("the user's FIN", service.ended)).to.equal("fin");
  expect(service.received.equals(up), "up").to.equal(true);
  expect(user.received.equals(down), "down").to.equal(true);
  await line.untilIdle();
  expect(ends).to.deep.equal({ user: null, service: null });
}

describe("A stream with a reader that pauses", () => {
  const FULL = 16 * 1024;
  let line: Line;

  beforeEach(async () => {
    line = await Line.start(async () => createDuplexPair(FULL));
  });

  afterEach(() => {
    line.close();
  });

  for (const [from, to] of [
    ["user", "service"],
    ["service", "user"],
  ] as const)
    it(`stops the ${from}, holds little, and goes on when the ${to} reads again`, async () => {
      const connected = await line.connect();
      const [source, sink] = [connected[from], connected[to]];
      sink.socket.pause();
      const writer = new Writer(source.socket, 1_000);
      await writer.untilStalled();
      // Three connections of two ends each, and one write in flight in each.
      expect(writer.bytes - sink.bytes).to.be.within(FULL, 9 * FULL);
      const stalledAt = writer.bytes;

      sink.socket.resume();
      await within("much more", sink.untilBytes(10 * stalledAt));
      sink.socket.pause();
      await writer.untilStalled();
      expect(writer.bytes - sink.bytes).to.be.within(FULL, 9 * FULL);

      // The other direction has nothing to do with it.
      sink.socket.write("back");
      await within("the other direction", source.untilBytes(4));

      sink.socket.resume();
      writer.stop();
      await within("the rest", sink.ended);
      expect(sink.bytes).to.equal(writer.bytes);
      sink.socket.end();
      await line.expectReusable();
    });

  it("is reset all the same when the one that writes goes", async () => {
    const { user, service } = await line.connect();
    service.socket.pause();
    const writer = new Writer(user.socket, 1_000);
    await writer.untilStalled();
    resetHard(user.socket);
    await eventually("the user's channel closed", () => line.opener.isClosed);
    service.socket.resume();
    expect(await within("the reset", service.ended)).to.equal("reset");
    await line.untilClosed();
  });

  it("is reset all the same when the one that paused goes", async () => {
    const { user, service } = await line.connect();
    service.socket.pause();
    const writer = new Writer(user.socket, 1_000);
    await writer.untilStalled();
    resetHard(service.socket);
    expect(await within("the reset", user.ended)).to.equal("reset");
    await line.untilClosed();
  });
});

describe("A stream over loopback sockets with a slow reader", () => {
  let line: Line;

  beforeEach(async () => {
    line = await Line.start(MAKERS["loopback sockets"]);
  });

  afterEach(() => {
    line.close();
    destroySocketPairs();
  });

  it("brings every byte as it was to a reader that stops again and again", async () => {
    const { user, service } = await line.connect();
    const random = new Random(11);
    const sent = random.bytes(24_000_000);
    const received = createHash("sha256");
    service.socket.on("data", (bytes: Buffer) => received.update(bytes));
    user.socket.end(sent);
    let next = 0;
    while (service.bytes < sent.length) {
      next = Math.min(service.bytes + 3_000_000, sent.length);
      await within("more", service.untilBytes(next));
      service.socket.pause();
      // So long that everything on the way is full.
      for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate);
      service.socket.resume();
    }
    expect(received.digest("hex")).to.equal(
      createHash("sha256").update(sent).digest("hex"),
    );
  });

  it("holds little in this process, however much the user has to say", async () => {
    const { user, service } = await line.connect();
    const total = 40_000_000;
    user.socket.end(Buffer.alloc(total));
    let most = 0;
    while (service.bytes < total) {
      await within("more", service.untilBytes(service.bytes + 1));
      service.socket.pause();
      for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
      const held = [line.wire.a, line.wire.b].map(
        (end) => end.writableLength + end.readableLength,
      );
      most = Math.max(most, ...held);
      service.socket.resume();
    }
    expect(most).to.be.below(500_000);
    expect(service.bytes).to.equal(total);
  });
});

function resetHard(duplex: Duplex): void {
  if ("resetAndDestroy" in duplex)
    (duplex.resetAndDestroy as () => void).call(duplex);
  else duplex.destroy();
}
