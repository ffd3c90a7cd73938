import { expect } from "chai";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { VnetError } from "../../src/errors.js";
import { ControlLink } from "../../src/net/control-link.js";
import type { Heartbeat } from "../../src/net/heartbeat.js";
import { encodeFrame, FrameDecoder } from "../../src/wire/frame.js";
import { decodeToHub, type ToHub } from "../../src/wire/to-hub.js";
import type { ToNode } from "../../src/wire/to-node.js";
import { cutsOf } from "../support/cuts.js";
import { eventually, within } from "../support/deadline.js";
import { createDuplexPair, type PairEnd } from "../support/duplex-pair.js";
import { failureOf } from "../support/failure.js";
import { hurried } from "../support/hurried-timers.js";

type Said = { type: string; [field: string]: unknown };

const NEVER: Heartbeat = { intervalMs: 3_600_000, timeoutMs: 3_600_000 };
const GOODBYE = { type: "goodbye", code: "shutdown", reason: "bye" } as const;
const LEAVE = new VnetError("closed", "we are leaving");

/** The other end, by hand: keeps what it is told and answers only what it is asked to. */
class Peer {
  readonly heard: Said[] = [];
  hasEnded = false;
  onMessage: (message: Said) => void = () => undefined;
  private readonly decoder = new FrameDecoder();

  constructor(readonly end: PairEnd) {
    end.on("data", (chunk: Buffer) => {
      for (const message of this.decoder.push(chunk) as Said[]) {
        this.heard.push(message);
        this.onMessage(message);
      }
    });
    end.on("end", () => (this.hasEnded = true));
    end.on("error", () => undefined);
  }

  say(...messages: object[]): void {
    this.end.write(Buffer.concat(messages.map(encodeFrame)));
  }

  hearing(type: string, times = 1): Promise<Said> {
    return eventually(`${times} × ${type}`, () => {
      const all = this.heard.filter((message) => message.type === type);
      return all.length >= times && all.at(-1);
    });
  }

  answerPings(): void {
    this.onMessage = (message) => {
      if (message.type === "ping") this.say({ ...message, type: "pong" });
    };
  }
}

describe("ControlLink", () => {
  const opened: PairEnd[] = [];
  const links: ControlLink<ToHub, ToNode>[] = [];

  /** A hub's end of a link, and a node played by hand. */
  function create(heartbeat = NEVER) {
    const { a, b } = createDuplexPair();
    const link = new ControlLink<ToHub, ToNode>({
      duplex: a,
      decode: decodeToHub,
      heartbeat,
      farewell: (error) => ({
        type: "goodbye",
        code: "protocol",
        reason: error.message,
      }),
    });
    const messages: Said[] = [];
    const closes: VnetError[] = [];
    link.on("message", (message) => messages.push(message));
    link.on("close", (reason) => closes.push(reason));
    opened.push(a, b);
    links.push(link);
    const closing = async (): Promise<VnetError> => {
      await eventually("the link's close", () => closes.length > 0);
      return closes[0]!;
    };
    return { link, peer: new Peer(b), duplex: a, messages, closes, closing };
  }

  /** Whatever is still on its way in memory has come after that. */
  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  afterEach(async () => {
    for (const link of links.splice(0)) link.close(LEAVE);
    for (const end of opened.splice(0)) end.destroy();
    await settle();
  });

  describe("messages", () => {
    const said: ToHub[] = [
      { type: "unregister", serveid: 1 },
      { type: "channel", request: 7, vnetid: 3 },
      { type: "unregister", serveid: 3 },
    ];
    const bytes = Buffer.concat(said.map(encodeFrame));

    it("come once and in order, however the bytes are cut", async () => {
      for (const { name, chunks } of cutsOf(bytes, 5)) {
        const { link, peer, duplex, messages } = create();
        duplex.cut = () => chunks;
        link.open();
        peer.end.write(bytes);
        await eventually(name, () => messages.length >= said.length);
        expect(messages, name).to.deep.equal(said);
        link.close(LEAVE);
      }
    });

    it("wait until the link is opened", async () => {
      const { link, peer, messages } = create();
      peer.say(...said);
      await settle();
      expect(messages).to.deep.equal([]);
      expect(link.isOpen).to.equal(false);
      link.open();
      link.open();
      await eventually("the messages", () => messages.length > 0);
      await settle();
      expect(messages).to.deep.equal(said);
    });

    it("go out in order, also those framed already", async () => {
      const { link, peer } = create();
      link.open();
      link.send({ type: "registered", request: 1, serveid: 2 });
      link.sendFrame(encodeFrame({ type: "shared" }));
      link.send({ type: "refused", request: 3, reason: "no" });
      await peer.hearing("refused");
      expect(peer.heard.map(({ type }) => type)).to.deep.equal([
        "registered",
        "shared",
        "refused",
      ]);
    });

    it("sent before the opening or after the close go nowhere and harm nobody", async () => {
      const { link, peer, duplex } = create();
      link.send(GOODBYE);
      link.open();
      link.close(LEAVE);
      link.send(GOODBYE);
      await eventually("the end", () => peer.hasEnded);
      expect(peer.heard).to.deep.equal([]);
      expect(duplex.writableEnded).to.equal(true);
    });

    it("behind the one whose handler closes the link are not given", async () => {
      const { link, peer, messages } = create();
      link.open();
      link.once("message", () => {
        link.close(LEAVE);
      });
      peer.say(...said);
      await eventually("a message", () => messages.length > 0);
      await settle();
      expect(messages).to.deep.equal(said.slice(0, 1));
    });

    it("are not what a ping is: that is answered by the link itself", async () => {
      const { link, peer, messages } = create();
      link.open();
      peer.say({ type: "ping", request: 41 }, { type: "ping", request: 42 });
      await peer.hearing("pong", 2);
      expect(peer.heard).to.deep.equal([
        { type: "pong", request: 41 },
        { type: "pong", request: 42 },
      ]);
      peer.say({ type: "pong", request: 4_711 });
      await settle();
      expect(messages).to.deep.equal([]);
      expect(link.isOpen).to.equal(true);
    });

    it("that throw in their handler for a reason of ours are not taken for the peer's fault", async () => {
      const { link, peer, duplex, closes } = create();
      const [read] = ((): ((chunk: Buffer) => void)[] => {
        link.open();
        return duplex.listeners("data") as ((chunk: Buffer) => void)[];
      })();
      link.on("message", () => {
        throw new TypeError("a bug");
      });
      expect(() => read!(encodeFrame(said[0]!))).to.throw(TypeError, "a bug");
      expect(closes).to.deep.equal([]);
      expect(peer.heard).to.deep.equal([]);
    });
  });

  describe("a peer that breaks the protocol", () => {
    const hostile: Record<string, Buffer> = {
      "with an unknown type": encodeFrame({ type: "conquer" }),
      "with a wrong field": encodeFrame({ type: "unregister", serveid: "x" }),
      "with a type that cannot become text": encodeFrame({
        type: { toString: 1, valueOf: 1 },
      }),
      "with a message of the other direction": encodeFrame(GOODBYE),
      "with a frame over the cap": Buffer.from([0, 1, 0, 1]),
      "with an HTTP request": Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      "with no JSON": Buffer.from("\0\0\0\x02{]", "latin1"),
    };
    for (const [name, bytes] of Object.entries(hostile))
      it(`${name} is told so, and then the link is closed, once`, async () => {
        const { link, peer, messages, closes, closing } = create();
        link.open();
        peer.end.write(bytes);
        expect((await closing()).code).to.equal("protocol");
        await eventually("the end", () => peer.hasEnded);
        expect(peer.heard).to.have.length(1);
        expect(peer.heard[0]).to.include({ type: "goodbye", code: "protocol" });
        expect(peer.heard[0]!.reason).to.equal(closes[0]!.message);
        peer.say({ type: "unregister", serveid: 1 });
        peer.end.write(bytes);
        await settle();
        expect(messages).to.deep.equal([]);
        expect(closes).to.have.length(1);
      });

    it("in the middle of a read is heard up to there and not beyond", async () => {
      const { link, peer, messages, closing } = create();
      link.open();
      const good = { type: "unregister", serveid: 1 };
      peer.say(good, { type: "conquer" }, good);
      await closing();
      await settle();
      expect(messages).to.deep.equal([good]);
    });
  });

  describe("heartbeats", () => {
    it("go out, are answered, and tell the round trip", async () => {
      const { link, peer, closes } = create({
        intervalMs: 5,
        timeoutMs: 2_000,
      });
      peer.answerPings();
      expect(link.rttMs).to.equal(null);
      link.open();
      for (let n = 0; n < 3; n++) {
        const [rttMs] = (await within("a beat", once(link, "rtt"))) as [number];
        expect(rttMs).to.be.within(0, 2_000);
        expect(link.rttMs).to.equal(rttMs);
      }
      expect(closes).to.deep.equal([]);
    });

    it("leave no listener behind", async () => {
      const { link, peer } = create({ intervalMs: 1, timeoutMs: 2_000 });
      peer.answerPings();
      const before = link.listenerCount("close");
      link.open();
      await peer.hearing("ping", 50);
      // At most the one that is on its way, or two.
      expect(link.listenerCount("close")).to.be.at.most(before + 3);
      expect(link.eventNames()).to.have.members(["message", "close"]);
    });

    it("that nobody answers end the link", async () => {
      const { link, peer, closes, closing, duplex } = create({
        intervalMs: 10,
        timeoutMs: 60,
      });
      link.open();
      const openedAt = performance.now();
      const reason = await closing();
      expect(reason.code).to.equal("timeout");
      // As it was set, not rounded.
      expect(reason.message).to.equal("nothing heard for 0.06 s");
      expect(performance.now() - openedAt).to.be.above(55);
      expect(duplex.destroyed).to.equal(true);
      expect(peer.heard.length).to.be.above(1);
      await settle();
      expect(closes).to.have.length(1);
    });

    it("need not wait for the next one: the link ends when the silence is long enough", async () => {
      const { link, peer, closing } = create({
        intervalMs: 600,
        timeoutMs: 1_250,
      });
      link.open();
      await peer.hearing("ping");
      peer.say({ type: "unregister", serveid: 1 });
      const saidAt = performance.now();
      expect((await closing()).code).to.equal("timeout");
      expect(performance.now() - saidAt).to.be.at.least(1_245);
      // They come 600, 1200, 1800 and 2400 ms after the opening; the silence is long enough at 1850.
      const beats = peer.heard.filter(({ type }) => type === "ping");
      expect(beats).to.have.lengthOf(3);
    });

    it("take anything that is said for a sign of life", async () => {
      const { link, peer, closes } = create({ intervalMs: 10, timeoutMs: 60 });
      peer.onMessage = () => {
        peer.say({ type: "unregister", serveid: 1 });
      };
      link.open();
      await peer.hearing("ping", 20);
      expect(closes).to.deep.equal([]);
    });

    it("stop with the link", async () => {
      const { link, peer } = create({ intervalMs: 2, timeoutMs: 1_000 });
      link.open();
      await peer.hearing("ping");
      link.close(LEAVE);
      await eventually("the end", () => peer.hasEnded);
      const { length } = peer.heard;
      await new Promise((resolve) => setTimeout(resolve, 10));
      expect(peer.heard).to.have.length(length);
    });
  });

  describe("after a sleep", () => {
    const heartbeat = { intervalMs: 20, timeoutMs: 100 };

    /** As a stopped process: no timer fires and nothing is read meanwhile. */
    function sleep(ms: number): void {
      const until = performance.now() + ms;
      while (performance.now() < until);
    }

    it("the late beat asks the other side instead of giving it up", async () => {
      const { link, peer, closes } = create(heartbeat);
      peer.answerPings();
      link.open();
      await peer.hearing("ping");
      const before = peer.heard.length;
      sleep(250);
      await peer.hearing("ping", before + 3);
      expect(closes).to.deep.equal([]);
      expect(link.isOpen).to.equal(true);
    });

    it("a jump of the wall clock alone is noticed, too", async () => {
      const { link, peer, closes } = create({
        intervalMs: 20,
        timeoutMs: 3_600_000,
      });
      const real = Date.now;
      try {
        link.open();
        await peer.hearing("ping");
        Date.now = () => real() + 600_000;
        // The probe's deadline of three seconds is the only one that can pass here.
        const beat = hurryNextTimer(3_000);
        await within("the probe", beat);
        await eventually("the close", () => closes.length > 0);
        expect(closes[0]!.code).to.equal("timeout");
        expect(closes[0]!.message).to.include("went silent");
      } finally {
        Date.now = real;
      }
    });

    it("a peer that stays silent is given up all the same", async () => {
      const { link, peer, closing } = create(heartbeat);
      link.open();
      await peer.hearing("ping");
      sleep(250);
      expect((await closing()).code).to.equal("timeout");
      expect(link.isOpen).to.equal(false);
    });
  });

  describe("ping", () => {
    it("resolves with the round trip in ms", async () => {
      const { link, peer } = create();
      peer.answerPings();
      link.open();
      expect(await within("a pong", link.ping(2_000))).to.be.within(0, 2_000);
    });

    it("tells many at once apart, whatever the order of the answers", async () => {
      const { link, peer } = create();
      link.open();
      const done: number[] = [];
      const all = [0, 1, 2].map((n) =>
        link.ping(2_000).then(() => done.push(n)),
      );
      await peer.hearing("ping", 3);
      for (const message of peer.heard.slice().reverse()) {
        peer.say({ ...message, type: "pong" });
        await settle();
      }
      await within("all three", Promise.all(all));
      expect(done).to.deep.equal([2, 1, 0]);
    });

    it("rejects after its deadline, and the link goes on", async () => {
      const { link, peer } = create();
      link.open();
      const error = await failureOf(link.ping(20));
      expect(error.code).to.equal("timeout");
      expect(error.message).to.include("0.02 s");
      expect(link.isOpen).to.equal(true);
      // The answer that comes too late is no one's.
      peer.say({ ...(await peer.hearing("ping")), type: "pong" });
      await settle();
      expect(link.isOpen).to.equal(true);
    });

    it("rejects at once before the opening and after the close", async () => {
      const { link } = create();
      expect((await failureOf(link.ping(5_000))).code).to.equal("closed");
      link.open();
      link.close(LEAVE);
      expect((await failureOf(link.ping(5_000))).code).to.equal("closed");
    });

    it("rejects with the link's own reason when that is closed meanwhile", async () => {
      const { link, peer } = create();
      link.open();
      const pings = [failureOf(link.ping(5_000)), failureOf(link.ping(5_000))];
      await peer.hearing("ping", 2);
      link.close(LEAVE);
      expect(await Promise.all(pings)).to.deep.equal([LEAVE, LEAVE]);
    });

    it("leaves no listener behind, however it ends", async () => {
      const { link, peer } = create();
      link.open();
      const before = link.listenerCount("close");
      for (let n = 0; n < 20; n++) await failureOf(link.ping(1));
      expect(link.listenerCount("close")).to.equal(before);
      peer.answerPings();
      for (let n = 0; n < 20; n++) await link.ping(2_000);
      expect(link.listenerCount("close")).to.equal(before);
    });
  });

  describe("probe", () => {
    it("ends a link whose other side is silent", async () => {
      const { link, closing } = create();
      link.open();
      link.probe(20);
      const reason = await closing();
      expect(reason.code).to.equal("timeout");
      expect(reason.message).to.equal("the other side went silent");
    });

    it("leaves one that answers alone", async () => {
      const { link, peer, closes } = create();
      peer.answerPings();
      link.open();
      link.probe(30);
      await peer.hearing("ping");
      await link.ping(2_000);
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(closes).to.deep.equal([]);
    });
  });

  describe("the close", () => {
    it("says the last words behind everything that was sent before", async () => {
      const { link, peer, closes } = create();
      link.open();
      const many = 300;
      for (let request = 0; request < many; request++)
        link.send({ type: "refused", request, reason: "r".repeat(900) });
      link.close(LEAVE, GOODBYE);
      expect(closes).to.deep.equal([LEAVE]);
      expect(link.isOpen).to.equal(false);
      await eventually("the end", () => peer.hasEnded);
      expect(peer.heard).to.have.length(many + 1);
      expect(peer.heard.at(-1)).to.deep.equal(GOODBYE);
    });

    it("is told once, whoever closes and however often", async () => {
      const { link, peer, duplex, closes } = create();
      link.open();
      link.close(LEAVE);
      link.close(new VnetError("closed", "again"), GOODBYE);
      peer.end.end();
      await eventually("closed", () => duplex.closed);
      link.close(LEAVE);
      expect(closes).to.deep.equal([LEAVE]);
      expect(peer.heard).to.deep.equal([]);
    });

    it("does not wait for ever for a peer that never ends its half", async () => {
      const { link, duplex } = create();
      link.open();
      hurried(1_000, 20, () => {
        link.close(LEAVE);
      });
      expect(duplex.destroyed).to.equal(false);
      await eventually("cut off", () => duplex.destroyed);
    });

    it("of a link that was never opened is silent", async () => {
      const { link, duplex, closes } = create();
      link.close(LEAVE, GOODBYE);
      link.open();
      expect(duplex.destroyed).to.equal(true);
      expect(link.isOpen).to.equal(false);
      expect(closes).to.deep.equal([]);
    });

    const losses: Record<string, [(end: Duplex) => void, string]> = {
      "the other side's FIN": [
        (end) => end.end(),
        "the other side closed the link",
      ],
      "a reset": [(end) => end.destroy(), "the link broke: connection reset"],
    };
    for (const [name, [act, text]] of Object.entries(losses))
      it(`comes with ${name}, and says so`, async () => {
        const { link, peer, duplex, closes, closing } = create();
        link.open();
        act(peer.end);
        const reason = await closing();
        expect(reason.code).to.equal("closed");
        expect(reason.message).to.equal(text);
        await eventually("closed", () => duplex.closed);
        expect(closes).to.have.length(1);
      });

    it("comes behind the messages that came before the FIN", async () => {
      const { link, peer, messages, closing } = create();
      link.open();
      peer.say({ type: "unregister", serveid: 1 });
      peer.end.end(encodeFrame({ type: "unregister", serveid: 2 }));
      await closing();
      expect(messages.map(({ serveid }) => serveid)).to.deep.equal([1, 2]);
    });
  });

  describe("a peer that does not read", () => {
    const MAX_QUEUED_BYTES = 8 * 1024 * 1024;

    it("is given up when too much waits for it, and not before", async () => {
      const { link, peer, duplex, closes } = create();
      peer.end.pause();
      link.open();
      const frame = Buffer.alloc(60_000);
      let sentBytes = 0;
      while (closes.length === 0 && sentBytes < 2 * MAX_QUEUED_BYTES) {
        link.sendFrame(frame);
        sentBytes += frame.length;
      }
      expect(sentBytes).to.be.within(
        MAX_QUEUED_BYTES,
        MAX_QUEUED_BYTES + 2 * frame.length,
      );
      expect(closes).to.have.length(1);
      expect(closes[0]!.code).to.equal("timeout");
      expect(duplex.destroyed).to.equal(true);
      link.sendFrame(frame);
      await settle();
      expect(closes).to.have.length(1);
    });

    it("is given up once, even by the last words that would be too much", async () => {
      const { link, peer, duplex, closes } = create();
      peer.end.pause();
      link.open();
      link.sendFrame(Buffer.alloc(MAX_QUEUED_BYTES - 10));
      expect(closes).to.deep.equal([]);
      link.close(LEAVE, GOODBYE);
      await settle();
      expect(closes).to.have.length(1);
      expect(link.isOpen).to.equal(false);
      expect(duplex.destroyed).to.equal(true);
    });

    it("is not read either, so that its pings cost no more than 64 KiB of answers", async () => {
      const { link, peer, duplex, closes } = create();
      peer.end.pause();
      link.open();
      const pings = Buffer.concat(
        Array.from({ length: 2_000 }, (_, request) =>
          encodeFrame({ type: "ping", request }),
        ),
      );
      let written = 0;
      const flood = () => {
        while (peer.end.write(pings)) written++;
      };
      peer.end.on("drain", flood);
      flood();
      await eventually("it is not read", () => duplex.isPaused());
      const before = written;
      await settle();
      expect(written).to.equal(before);
      expect(closes).to.deep.equal([]);
      // What one read brought is answered.
      expect(duplex.writableLength).to.be.below(256 * 1024);
      peer.end.resume();
      await eventually("all is answered", () =>
        peer.heard.some(({ request }) => request === 1_999),
      );
    });

    it("is given up when it took nothing for as long as it may be silent, whatever it says", async () => {
      const { link, peer, closing } = create({
        intervalMs: 50,
        timeoutMs: 200,
      });
      peer.end.pause();
      link.open();
      link.sendFrame(Buffer.alloc(60_000));
      const talking = setInterval(() => {
        peer.say({ type: "pong", request: 1 });
      }, 20);
      try {
        const reason = await closing();
        expect(reason.code).to.equal("timeout");
        expect(reason.message).to.include("does not read");
      } finally {
        clearInterval(talking);
      }
    });

    it("is not given up while it reads slowly, and hears all in order", async () => {
      const { link, peer, closes } = create({
        intervalMs: 100,
        timeoutMs: 400,
      });
      peer.answerPings();
      peer.end.pause();
      link.open();
      for (let serveid = 1; serveid <= 999; serveid++)
        link.send({
          type: "refused",
          request: serveid,
          reason: "x".repeat(1_000),
        });
      while (peer.heard.filter(({ type }) => type === "refused").length < 999) {
        peer.end.resume();
        await new Promise(setImmediate);
        peer.end.pause();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      peer.end.resume();
      expect(closes).to.deep.equal([]);
      const numbers = peer.heard
        .filter(({ type }) => type === "refused")
        .map(({ request }) => request);
      expect(numbers).to.deep.equal(
        Array.from({ length: 999 }, (_, n) => n + 1),
      );
    });

    it("still hears what waits for it when the link is closed in good order", async () => {
      const { link, peer } = create();
      peer.end.pause();
      link.open();
      for (let count = 0; count < 200; count++)
        link.send({ type: "refused", request: count, reason: "x".repeat(900) });
      link.close(LEAVE, GOODBYE);
      peer.end.resume();
      await peer.hearing("goodbye");
      expect(peer.heard).to.have.length(201);
    });
  });
});

/** Resolves when somebody sets a timer of that delay, which then fires at once. */
function hurryNextTimer(delayMs: number): Promise<void> {
  const real = globalThis.setTimeout;
  return new Promise((resolve) => {
    const hasty = (callback: () => void, ms?: number) => {
      if (ms !== delayMs) return real(callback, ms);
      globalThis.setTimeout = real;
      resolve();
      return real(callback, 0);
    };
    globalThis.setTimeout = Object.assign(hasty, { ...real });
  });
}
