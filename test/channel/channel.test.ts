import { expect } from "chai";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { Channel, type ChannelRole } from "../../src/channel/channel.js";
import type { Stream } from "../../src/channel/stream.js";
import { createTraffic, type Traffic } from "../../src/channel/traffic.js";
import { VnetError } from "../../src/errors.js";
import { MAX_SMALL_BYTES } from "../../src/wire/channel-frame.js";
import { ChannelPeer, frame, openFrame } from "../support/channel-peer.js";
import { eventually, within } from "../support/deadline.js";
import { createDuplexPair, type PairEnd } from "../support/duplex-pair.js";
import { Observed } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";

/** A channel, and its other end by hand. */
interface Bench {
  channel: Channel;
  peer: ChannelPeer;
  duplex: PairEnd;
  /** what the other side opened, oldest first */
  streams: Stream[];
  closes: VnetError[];
  idles: () => number;
  traffic: Traffic;
}

/** More than the system takes of a socket that nobody reads. */
const MIB = 1024 * 1024;
const FILL_BYTES = 16 * MIB;

describe("Channel", () => {
  const ends: Duplex[] = [];
  const channels: Channel[] = [];

  function create(
    role: ChannelRole,
    idleTimeoutMs?: number,
    given?: Duplex,
  ): Bench {
    const { a, b } = pair();
    const traffic = createTraffic();
    const channel = new Channel({
      duplex: given ?? a,
      role,
      traffic,
      ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    });
    channels.push(channel);
    const streams: Stream[] = [];
    const closes: VnetError[] = [];
    let idles = 0;
    channel.on("stream", (stream) => streams.push(stream));
    channel.on("close", (reason) => closes.push(reason));
    channel.on("idle", () => idles++);
    const peer = new ChannelPeer(b);
    return {
      channel,
      peer,
      duplex: a,
      streams,
      closes,
      idles: () => idles,
      traffic,
    };
  }

  function pair() {
    const made = createDuplexPair();
    for (const end of [made.a, made.b]) {
      end.on("error", () => undefined);
      ends.push(end);
    }
    return made;
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  /** Opener: a stream whose user's far end is in the test's hands. */
  function openStream({ channel }: Bench) {
    const { a: user, b: local } = pair();
    const stream = channel.open({ serveid: 7 });
    stream.attach(local);
    return { stream, user: new Observed<Duplex>(user) };
  }

  /** Acceptor: accepts the newest stream; the service's far end is in the test's hands. */
  async function acceptStream(bench: Bench, count = 1) {
    const stream = await eventually(
      "a stream",
      () => bench.streams.length === count && bench.streams.at(-1),
    );
    const { a: service, b: local } = pair();
    stream.accept(local);
    return { stream, service: new Observed<Duplex>(service) };
  }

  afterEach(async () => {
    for (const channel of channels.splice(0)) channel.destroy();
    for (const end of ends.splice(0)) end.destroy();
    destroySocketPairs();
    await settle();
  });

  describe("opening a stream", () => {
    it("sends OPEN and the user's first bytes in one write", async () => {
      const bench = create("opener");
      const { a: user, b: local } = pair();
      user.write("first bytes");
      await eventually("there", () => local.readableLength > 0);
      bench.channel.open({ serveid: 700 }).attach(local);
      await bench.peer.hearing('open {"serveid":700}', "data first bytes");
      expect(bench.duplex.writes).to.equal(1);
    });

    it("tells the provider the user's address", async () => {
      const bench = create("opener");
      bench.channel.open({ serveid: 7 }, "192.0.2.1:50000");
      await bench.peer.hearing('open {"serveid":7,"from":"192.0.2.1:50000"}');
    });

    it("sends OPEN by itself when the user says nothing", async () => {
      const bench = create("opener");
      openStream(bench);
      await bench.peer.hearing('open {"serveid":7}');
      expect(bench.duplex.writes).to.equal(1);
    });

    it("sends each later piece with its header in one write", async () => {
      const bench = create("opener");
      const { user } = openStream(bench);
      await bench.peer.hearing('open {"serveid":7}');
      user.socket.write("abc");
      await bench.peer.hearing('open {"serveid":7}', "data abc");
      expect(bench.duplex.writes).to.equal(2);
    });

    it("throws on a channel that is busy or closed", () => {
      const { channel } = create("opener");
      channel.open({ serveid: 1 });
      expect(() => channel.open({ serveid: 2 })).to.throw("not idle");
      channel.destroy();
      expect(() => channel.open({ serveid: 3 })).to.throw("not idle");
    });

    it("makes the channel busy until both FINs, and then idle again", async () => {
      const bench = create("opener");
      const { channel, peer } = bench;
      expect(channel.isIdle).to.equal(true);
      for (let n = 1; n <= 3; n++) {
        const { user, stream } = openStream(bench);
        const ended = once(stream, "end");
        expect(channel.isIdle).to.equal(false);
        peer.say(frame("accept"), frame("data", `hi ${n}`), frame("fin"));
        expect(await within("the FIN", user.ended)).to.equal("fin");
        expect(user.text).to.equal(`hi ${n}`);
        expect(channel.isIdle).to.equal(false);
        user.socket.end();
        expect(await within("its end", ended)).to.deep.equal([null]);
        expect(channel.isIdle).to.equal(true);
        expect(bench.idles()).to.equal(n);
      }
      expect(bench.closes).to.deep.equal([]);
    });
  });

  describe("accepting streams", () => {
    it("tells which serve is asked for, and keeps early bytes until the service is there", async () => {
      const bench = create("acceptor");
      bench.peer.say(openFrame(700), frame("data", "early, "), frame("fin"));
      const { stream, service } = await acceptStream(bench);
      expect(stream.wanted).to.deep.equal({ serveid: 700 });
      expect(await within("the FIN", service.ended)).to.equal("fin");
      expect(service.text).to.equal("early, ");
      service.socket.end("reply");
      await bench.peer.hearing("accept", "data reply", "fin");
      expect(bench.channel.isIdle).to.equal(true);
    });

    it("tells where the user's connection comes from, as far as it is known", async () => {
      const bench = create("acceptor");
      bench.peer.say(
        frame("open", '{"serveid":7,"from":"[2001:db8::1]:50000"}'),
      );
      const { stream } = await acceptStream(bench);
      expect(stream.from).to.equal("[2001:db8::1]:50000");
    });

    it("reads nothing more of the channel until the service is there", async () => {
      const bench = create("acceptor");
      bench.peer.say(openFrame(1));
      await eventually("a stream", () => bench.streams.length === 1);
      const piece = frame("data", "x".repeat(1_000));
      let written = 0;
      while (written < 10_000_000 && bench.peer.duplex.write(piece))
        written += piece.length;
      await settle();
      expect(bench.peer.duplex.writableNeedDrain).to.equal(true);
      expect(bench.duplex.readableFlowing).to.equal(false);
      const { service } = await acceptStream(bench);
      bench.peer.say(frame("fin"));
      await within("the FIN", service.ended);
      expect(service.bytes).to.be.above(written * 0.9);
    });

    it("takes FIN and the next OPEN in one read, each for its own stream", async () => {
      const bench = create("acceptor");
      bench.peer.say(openFrame(1), frame("data", "one"));
      const first = await acceptStream(bench);
      first.service.socket.end("1");
      await bench.peer.hearing("accept", "data 1", "fin");
      bench.peer.say(
        frame("data", " more"),
        frame("fin"),
        openFrame(2),
        frame("data", "two"),
        frame("fin"),
      );
      const second = await acceptStream(bench, 2);
      expect(second.stream.wanted).to.deep.equal({ serveid: 2 });
      await within("the first's FIN", first.service.ended);
      await within("the second's FIN", second.service.ended);
      expect(first.service.text).to.equal("one more");
      expect(second.service.text).to.equal("two");
      second.service.socket.end("2");
      await bench.peer.hearing(
        ...["accept", "data 1", "fin"],
        ...["accept", "data 2", "fin"],
      );
      expect(bench.closes).to.deep.equal([]);
    });

    it("does not let one stream's slow reader hold up the next stream", async () => {
      const bench = create("acceptor");
      bench.peer.say(openFrame(1));
      const first = await acceptStream(bench);
      first.service.socket.pause();
      first.service.socket.end();
      await bench.peer.hearing("accept", "fin");
      const much = "x".repeat(60_000);
      bench.peer.say(frame("data", much), frame("fin"));
      await eventually("idle", () => bench.channel.isIdle);
      bench.peer.say(openFrame(2), frame("data", "next"), frame("fin"));
      const second = await acceptStream(bench, 2);
      expect(await within("the FIN", second.service.ended)).to.equal("fin");
      expect(second.service.text).to.equal("next");
      first.service.socket.resume();
      expect(await within("the FIN", first.service.ended)).to.equal("fin");
      expect(first.service.text).to.equal(much);
    });

    it("does not let one stream's slow reader hold up the next stream, also where it reads into buffers of its own", async () => {
      const legs = await createSocketPair();
      const bench = create("acceptor", undefined, legs.a);
      const peer = new ChannelPeer(legs.b);
      peer.say(openFrame(1));
      const slow = await createSocketPair();
      // Nobody reads it, so what comes next waits in our buffers.
      slow.a.write(Buffer.alloc(FILL_BYTES));
      const first = await eventually("a stream", () => bench.streams[0]);
      first.accept(slow.a);
      slow.b.end();
      await peer.hearing("accept", "fin");
      peer.say(frame("data", "for the slow one"), frame("fin"));
      await eventually("idle", () => bench.channel.isIdle);
      peer.say(openFrame(2), frame("data", "next"), frame("fin"));
      const second = await acceptStream(bench, 2);
      expect(await within("the FIN", second.service.ended)).to.equal("fin");
      expect(second.service.text).to.equal("next");
      const heard = new Observed<Duplex>(slow.b);
      expect(await within("the FIN", heard.ended)).to.equal("fin");
      expect(heard.text).to.have.lengthOf(FILL_BYTES + 16);
      expect(heard.text).to.match(/for the slow one$/);
    });

    it("gives up the other node when it asks without end and does not read", async () => {
      const bench = create("acceptor");
      bench.peer.duplex.pause();
      const ask = frame("ping", "x".repeat(MAX_SMALL_BYTES));
      for (let n = 0; n < 1_000 && bench.closes.length === 0; n++) {
        bench.peer.say(ask);
        await new Promise(setImmediate);
      }
      const [reason] = bench.closes;
      expect(reason?.message).to.equal(
        "the channel broke: the other node does not read",
      );
    });

    it("takes a refused stream's rest and the next OPEN in one read", async () => {
      const bench = create("acceptor");
      bench.peer.say(openFrame(1), frame("data", "unheard"));
      const refused = await eventually("a stream", () => bench.streams[0]);
      refused.refuse("nothing listens");
      await bench.peer.hearing("refuse nothing listens");
      expect(bench.channel.isIdle).to.equal(false);
      const { bytesIn } = bench.traffic;
      bench.peer.say(frame("data", "still unheard"));
      await settle();
      expect(bench.traffic.bytesIn).to.equal(bytesIn);
      bench.peer.say(
        frame("data", "and still"),
        frame("fin"),
        openFrame(2),
        frame("data", "heard"),
        frame("fin"),
      );
      const { service } = await acceptStream(bench, 2);
      await within("the FIN", service.ended);
      expect(service.text).to.equal("heard");
      expect(bench.closes).to.deep.equal([]);
    });

    it("is idle at once when the refused stream had ended already", async () => {
      const bench = create("acceptor");
      bench.peer.say(openFrame(1), frame("data", "unheard"), frame("fin"));
      const refused = await eventually("a stream", () => bench.streams[0]);
      refused.refuse("no");
      expect(bench.channel.isIdle).to.equal(true);
      expect(bench.idles()).to.equal(1);
      bench.peer.say(openFrame(2));
      await acceptStream(bench, 2);
      await bench.peer.hearing("refuse no", "accept");
    });
  });

  type Phase =
    | "acceptor idle"
    | "acceptor opening"
    | "acceptor busy"
    | "acceptor after the user's FIN"
    | "acceptor after a refusal"
    | "opener idle"
    | "opener opening"
    | "opener busy"
    | "opener after the service's FIN";

  /** Brings a channel into that phase; with the far end of its socket, where it has one. */
  async function createIn(
    phase: Phase,
  ): Promise<Bench & { far?: Observed<Duplex> }> {
    const [role] = phase.split(" ") as [ChannelRole];
    const bench = create(role);
    const { peer } = bench;
    const then = phase.slice(role.length + 1);
    if (then === "idle") return bench;
    if (role === "opener") {
      const { stream, user } = openStream(bench);
      await peer.hearing('open {"serveid":7}');
      if (then === "opening") return { ...bench, far: user };
      const accepted = once(stream, "accept");
      peer.say(frame("accept"));
      await within("accepted", accepted);
      if (then === "busy") return { ...bench, far: user };
      peer.say(frame("fin"));
      await within("the FIN", user.ended);
      return { ...bench, far: user };
    }
    peer.say(openFrame(1));
    const stream = await eventually("a stream", () => bench.streams[0]);
    if (then === "opening") return bench;
    if (then === "after a refusal") {
      stream.refuse("no");
      await peer.hearing("refuse no");
      return bench;
    }
    const { service } = await acceptStream(bench);
    await peer.hearing("accept");
    if (then === "busy") return { ...bench, far: service };
    peer.say(frame("fin"));
    await within("the FIN", service.ended);
    return { ...bench, far: service };
  }

  const oversized = Buffer.from([1, 0, 0x10, 1]);
  expect(oversized.readUIntBE(1, 3)).to.equal(MAX_SMALL_BYTES + 1);

  const anywhere: Record<string, Buffer> = {
    "the unknown frame 0": Buffer.alloc(4),
    "the unknown frame 9": Buffer.from([9, 0, 0, 0]),
    "the unknown frame 127": Buffer.from([127, 0, 0, 0]),
    "a small frame over the cap": oversized,
    "an HTTP request": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
    "a TLS hello": Buffer.from("16030100f7010000f303", "hex"),
  };
  const x = frame("data", "x");
  const hello = openFrame(1);
  const badOpen = (payload: string) => frame("open", payload);
  const hostile: Record<Phase, Record<string, Buffer>> = {
    "acceptor idle": {
      data: x,
      "a FIN": frame("fin"),
      ACCEPT: frame("accept"),
      REFUSE: frame("refuse", "no"),
      "an OPEN that is empty": badOpen(""),
      "an OPEN that is no JSON": badOpen("serveid=7"),
      "an OPEN that is null": badOpen("null"),
      "an OPEN that is a number": badOpen("7"),
      "an OPEN without a serveid": badOpen("{}"),
      "an OPEN with a serveid in quotes": badOpen('{"serveid":"7"}'),
      "an OPEN with half a serveid": badOpen('{"serveid":1.5}'),
      "an OPEN with a list": badOpen('{"serveid":[7]}'),
      "an OPEN that is deeply nested": badOpen("[".repeat(4_000)),
    },
    "acceptor opening": {},
    "acceptor busy": {
      OPEN: hello,
      PING: frame("ping", "12345678"),
      ACCEPT: frame("accept"),
      REFUSE: frame("refuse", "no"),
      "data behind the FIN": Buffer.concat([frame("fin"), x]),
      "FIN twice": Buffer.concat([frame("fin"), frame("fin")]),
    },
    "acceptor after the user's FIN": {
      data: x,
      "another FIN": frame("fin"),
      OPEN: hello,
      PING: frame("ping", "12345678"),
    },
    "acceptor after a refusal": {
      OPEN: hello,
      PING: frame("ping", "12345678"),
      ACCEPT: frame("accept"),
      REFUSE: frame("refuse", "no"),
      "two FINs": Buffer.concat([frame("fin"), frame("fin")]),
      "data behind the FIN": Buffer.concat([frame("fin"), x]),
    },
    "opener idle": {
      OPEN: hello,
      data: x,
      "a FIN": frame("fin"),
      ACCEPT: frame("accept"),
      REFUSE: frame("refuse", "no"),
    },
    "opener opening": {
      "data before ACCEPT": x,
      "a FIN before ACCEPT": frame("fin"),
      OPEN: hello,
      PING: frame("ping", "12345678"),
      "ACCEPT twice": Buffer.concat([frame("accept"), frame("accept")]),
    },
    "opener busy": {
      "ACCEPT again": frame("accept"),
      "REFUSE after ACCEPT": frame("refuse", "no"),
      OPEN: hello,
      PING: frame("ping", "12345678"),
      "data behind the FIN": Buffer.concat([frame("fin"), x]),
      "FIN twice": Buffer.concat([frame("fin"), frame("fin")]),
    },
    "opener after the service's FIN": {
      data: x,
      "another FIN": frame("fin"),
      ACCEPT: frame("accept"),
    },
  };
  /** Nothing is read before the service is there: these show themselves behind that. */
  const unread = new Set<Phase>(["acceptor opening"]);

  for (const [phase, rows] of Object.entries(hostile))
    describe(`as ${phase}`, () => {
      const all = unread.has(phase as Phase) ? {} : { ...rows, ...anywhere };
      for (const [name, bytes] of Object.entries(all))
        for (const bytewise of [false, true])
          it(`is closed by ${name}${bytewise ? ", byte by byte" : ""}, for a protocol error and once`, async () => {
            const bench = await createIn(phase as Phase);
            const streams = bench.streams.length;
            if (bytewise)
              bench.duplex.cut = (all) =>
                Array.from(all, (_, at) => all.subarray(at, at + 1));
            bench.peer.say(bytes);
            await eventually("closed", () => bench.closes.length > 0);
            expect(bench.closes[0]!.code).to.equal("protocol");
            expect(bench.channel.isClosed).to.equal(true);
            expect(bench.duplex.destroyed).to.equal(true);
            const { far } = bench;
            if (far !== undefined)
              await eventually("the reset", () => far.state === "reset");
            bench.peer.say(openFrame(2), x, frame("fin"));
            await settle();
            expect(bench.closes).to.have.length(1);
            expect(bench.streams).to.have.length(streams);
          });
    });

  it("is closed by OPEN or PING that waited behind an OPEN, as soon as it reads on", async () => {
    for (const bytes of [hello, frame("ping", "12345678"), frame("accept")]) {
      const bench = await createIn("acceptor opening");
      bench.peer.say(bytes);
      await settle();
      expect(bench.closes).to.deep.equal([]);
      const { service } = await acceptStream(bench);
      await eventually("closed", () => bench.closes.length > 0);
      expect(bench.closes[0]!.code).to.equal("protocol");
      expect(await within("the reset", service.ended)).to.equal("reset");
    }
  });

  describe("a sign of life", () => {
    for (const phase of Object.keys(hostile) as Phase[]) {
      it(`is said by a silent ${phase}`, async () => {
        const { channel, peer } = await createIn(phase);
        const before = peer.heard.length;
        for (let beat = 0; beat < 2; beat++) channel.beat();
        await settle();
        expect(peer.heard.slice(before)).to.deep.equal([]);
        for (let beat = 0; beat < 4; beat++) {
          channel.beat();
          await settle();
        }
        expect(peer.heard.slice(before)).to.deep.equal(["pong", "pong"]);
      });

      it(`means nothing to ${phase}`, async () => {
        const bench = await createIn(phase);
        const before = [...bench.peer.heard];
        bench.peer.say(frame("pong"), frame("pong"));
        await settle();
        expect(bench.closes).to.deep.equal([]);
        expect(bench.peer.heard).to.deep.equal(before);
      });
    }

    it("is not said where something was said meanwhile, whatever it was", async () => {
      const bench = await createIn("opener busy");
      const { channel, peer, far } = bench;
      const before = peer.heard.length;
      for (let round = 0; round < 3; round++) {
        for (let beat = 0; beat < 2; beat++) channel.beat();
        far?.socket.write("x");
        await settle();
      }
      expect(peer.heard.slice(before)).to.deep.equal(["data xxx"]);
    });

    it("is not put behind what waits for a slow reader", async () => {
      const { a, b } = await createSocketPair();
      const { channel } = create("opener", undefined, a);
      const { a: user, b: local } = pair();
      channel.open({ serveid: 7 }).attach(local);
      const peer = new ChannelPeer(b);
      await peer.hearing('open {"serveid":7}');
      b.pause();
      for (let sent = 0; sent < FILL_BYTES; sent += MIB)
        user.write(Buffer.alloc(MIB));
      await eventually("it is full", () => channel.hasUnsent);
      for (let beat = 0; beat < 9; beat++) channel.beat();
      b.resume();
      await eventually("all of it", () => !channel.hasUnsent);
      await settle();
      expect(peer.heard).not.to.include("pong");
    });
  });

  it("takes a PONG that nobody asked for without a word", async () => {
    const { channel, peer } = create("opener");
    peer.say(frame("pong", "12345678"), frame("pong"));
    await settle();
    expect(channel.isIdle).to.equal(true);
    expect(peer.heard).to.deep.equal([]);
  });

  it("is closed by a RESET while idle, with the reason", async () => {
    const bench = create("opener");
    bench.peer.say(frame("reset", "for a reason"));
    await eventually("closed", () => bench.closes.length > 0);
    expect(bench.closes[0]!.message).to.equal("for a reason");
    expect(bench.duplex.destroyed).to.equal(true);
  });

  describe("ping", () => {
    it("is answered by either side, and resolves with the round trip in ms", async () => {
      const { a, b } = pair();
      const [opener, acceptor] = (["opener", "acceptor"] as const).map(
        (role, n) =>
          new Channel({
            duplex: [a, b][n]!,
            role,
            traffic: createTraffic(),
          }),
      ) as [Channel, Channel];
      channels.push(opener, acceptor);
      expect(await within("a pong", opener.ping(2_000))).to.be.within(0, 2_000);
      expect(await within("a pong", acceptor.ping(2_000))).to.be.above(0);
      expect(opener.isIdle && acceptor.isIdle).to.equal(true);
    });

    it("gives the very bytes back", async () => {
      const { peer } = create("acceptor");
      peer.say(frame("ping", "12345678"), frame("ping", ""));
      await peer.hearing("pong 12345678", "pong");
    });

    it("rejects after its deadline, and takes no late or foreign answer", async () => {
      const { channel, peer, closes } = create("opener");
      const late = await failureOf(channel.ping(20));
      expect(late.code).to.equal("timeout");
      const again = failureOf(channel.ping(50));
      peer.say(frame("pong", "12345678"));
      await settle();
      expect((await again).code).to.equal("timeout");
      expect(closes).to.deep.equal([]);
      expect(channel.isIdle).to.equal(true);
    });

    it("rejects at once on a channel that is busy, closed or being pinged", async () => {
      const { channel } = create("opener");
      const first = failureOf(channel.ping(5_000));
      expect((await failureOf(channel.ping(5_000))).message).to.include(
        "in use",
      );
      channel.destroy(new VnetError("closed", "gone"));
      expect((await first).message).to.equal("gone");
      expect((await failureOf(channel.ping(5_000))).code).to.equal("closed");

      const busy = create("opener");
      openStream(busy);
      expect((await failureOf(busy.channel.ping(5_000))).code).to.equal(
        "closed",
      );
    });

    it("may still be on its way when a stream is opened", async () => {
      const bench = create("opener");
      const pong = bench.channel.ping(2_000);
      const { user } = openStream(bench);
      await eventually("OPEN", () => bench.peer.heard.length === 2);
      const { bytesWritten } = bench.duplex;
      expect(bytesWritten).to.equal(4 + 8 + 4 + '{"serveid":7}'.length);
      expect(bench.peer.heard[0]).to.match(/^ping /);
      user.socket.end();
      bench.peer.duplex.end();
      expect((await failureOf(pong)).code).to.equal("closed");
    });

    it("leaves no listener behind, however it ends", async () => {
      const { channel, peer } = create("opener");
      const before = channel.listenerCount("close");
      for (let n = 0; n < 20; n++) await failureOf(channel.ping(1));
      expect(channel.listenerCount("close")).to.equal(before);
      peer.duplex.removeAllListeners("data");
      peer.duplex.on("data", (chunk: Buffer) => {
        const pong = Buffer.from(chunk);
        pong[0] = 8;
        peer.duplex.write(pong);
      });
      for (let n = 0; n < 20; n++) await channel.ping(2_000);
      expect(channel.listenerCount("close")).to.equal(before);
    });
  });

  describe("while idle", () => {
    it("closes in good order, once, and says nothing more", async () => {
      const { channel, peer, closes } = create("opener");
      channel.close();
      channel.close();
      channel.destroy();
      expect(closes).to.have.length(1);
      expect(channel.isClosed).to.equal(true);
      await eventually("the end", () => peer.state !== "open");
      expect(peer.heard).to.deep.equal([]);
    });

    it("tells the other side of a close with a FIN, not a reset", async () => {
      const { channel, peer } = create("opener");
      channel.close();
      await eventually("the end", () => peer.state !== "open");
      expect(peer.state).to.equal("fin");
    });

    it("is closed when nothing came for its idle time", async () => {
      const { channel, peer, closes } = create("acceptor", 30);
      await eventually("closed", () => channel.isClosed);
      expect(closes[0]!.code).to.equal("closed");
      await eventually("the end", () => peer.state === "fin");
    });

    it("is kept by pings, and closed when they stop", async () => {
      const { channel, peer } = create("acceptor", 60);
      for (let n = 1; n <= 15; n++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
        peer.say(frame("ping", "12345678"));
        await eventually("a pong", () => peer.heard.length === n);
      }
      expect(channel.isIdle).to.equal(true);
      await eventually("closed", () => channel.isClosed);
    });

    it("counts its idle time from the end of a stream", async () => {
      const bench = create("acceptor", 40);
      bench.peer.say(openFrame(1));
      const { service } = await acceptStream(bench);
      await new Promise((resolve) => setTimeout(resolve, 90));
      expect(bench.channel.isClosed, "busy").to.equal(false);
      service.socket.end();
      bench.peer.say(frame("fin"));
      await eventually("idle", () => bench.idles() === 1);
      const idleAt = performance.now();
      await eventually("closed", () => bench.channel.isClosed);
      expect(performance.now() - idleAt).to.be.above(35);
    });

    it("tells since when", async () => {
      const bench = create("opener");
      const before = bench.channel.idleSince;
      expect(before).to.be.at.most(performance.now());
      const { user } = openStream(bench);
      bench.peer.say(frame("refuse", "no"));
      await within("the reset", user.ended);
      expect(bench.channel.idleSince).to.be.above(before);
    });
  });
});
