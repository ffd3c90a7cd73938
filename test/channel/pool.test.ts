import { expect } from "chai";
import { Channel } from "../../src/channel/channel.js";
import { ChannelPool, type PoolLimits } from "../../src/channel/pool.js";
import { createTraffic } from "../../src/channel/traffic.js";
import { VnetError } from "../../src/errors.js";
import { eventually, within } from "../support/deadline.js";
import { createDuplexPair, type PairEnd } from "../support/duplex-pair.js";
import { failureOf } from "../support/failure.js";

/** Nothing happens by itself: a test shortens what it is about. */
const NEVER = 3_600_000;
const CALM: PoolLimits = {
  maxTarget: 16,
  maxIdle: 64,
  startsAtOnce: 1_000,
  startPauseMs: 5,
  maxConnecting: 1_000,
  idleMs: NEVER,
  tickMs: NEVER,
  probeAfterMs: NEVER,
  probeTimeoutMs: NEVER,
  maxAgeMs: NEVER,
  maxBytes: Infinity,
  retryMs: NEVER,
  maxRetryMs: NEVER,
};

/** A connection that the pool made, and its far end. */
interface Made {
  channel: Channel;
  acceptor: Channel;
  near: PairEnd;
  far: PairEnd;
}

describe("ChannelPool", () => {
  const pools: ChannelPool[] = [];
  let made: Made[];
  /** how often the pool tried to connect */
  let attempts: number;
  /** what becomes of the next attempts */
  let onConnect: () => Promise<void>;

  beforeEach(() => {
    made = [];
    attempts = 0;
    onConnect = async () => undefined;
  });

  afterEach(async () => {
    for (const pool of pools.splice(0))
      pool.destroy(new VnetError("closed", "the test is over"));
    for (const { acceptor, near, far } of made) {
      acceptor.destroy();
      near.destroy();
      far.destroy();
    }
    await settle();
  });

  function create(limits: Partial<PoolLimits> = {}): ChannelPool {
    const pool = new ChannelPool({
      connect: async () => {
        attempts++;
        await onConnect();
        return connect();
      },
      limits: { ...CALM, ...limits },
    });
    pools.push(pool);
    return pool;
  }

  function connect(): Channel {
    const { a: near, b: far } = createDuplexPair();
    const [channel, acceptor] = [
      new Channel({ duplex: near, role: "opener", traffic: createTraffic() }),
      new Channel({ duplex: far, role: "acceptor", traffic: createTraffic() }),
    ];
    acceptor.on("stream", (stream) => {
      stream.refuse("no service in this test");
    });
    made.push({ channel, acceptor, near, far });
    return channel;
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  const untilIdle = (pool: ChannelPool, idle: number) =>
    eventually(`${idle} idle`, () => pool.counts.idle === idle);

  /** Uses the channel for one stream, up to its end. */
  async function use(channel: Channel): Promise<void> {
    const stream = channel.open({ serveid: 1 });
    await within("its end", new Promise((done) => stream.once("end", done)));
  }

  describe("renewing channels", () => {
    it("puts no further stream on one that has carried enough, and makes another", async () => {
      const pool = create({ maxBytes: 10 });
      pool.setWanted(true);
      await untilIdle(pool, 1);
      const channel = await pool.acquire(1);
      await untilIdle(pool, 1);
      // The refusal of its stream is more than ten bytes.
      await use(channel);
      expect(channel.isClosed).to.equal(true);
      const next = await pool.acquire(1);
      expect(next).not.to.equal(channel);
      expect(next.isIdle).to.equal(true);
    });

    it("lets the stream that runs on one go on", async () => {
      const pool = create({ maxAgeMs: 10, tickMs: 2 });
      const channel = await pool.acquire(1);
      made[0]!.acceptor.removeAllListeners("stream");
      const stream = channel.open({ serveid: 1 });
      const ageMs = () => performance.now() - channel.madeAt;
      await eventually("it is old", () => ageMs() > 30);
      expect(channel.isClosed).to.equal(false);
      stream.reset("the test is over");
    });

    it("replaces idle ones that are old, the warm one too", async () => {
      const pool = create({ maxAgeMs: 1, tickMs: 2 });
      pool.setWanted(true);
      await eventually("a third one", () => attempts >= 3);
      await eventually("the first is closed", () => made[0]!.channel.isClosed);
    });

    it("serves those who wait with a new one, not with the old one that came back", async () => {
      const pool = create({ maxBytes: 10 });
      const channel = await pool.acquire(1);
      onConnect = () => new Promise((resolve) => setTimeout(resolve, 5));
      const waiting = pool.acquire(2);
      await use(channel);
      expect(await within("a channel", waiting)).not.to.equal(channel);
    });
  });

  describe("keeping channels warm", () => {
    it("makes none while it is not wanted", async () => {
      const pool = create({ tickMs: 2 });
      await new Promise((resolve) => setTimeout(resolve, 15));
      expect(attempts).to.equal(0);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 0 });
    });

    it("keeps one while it is wanted, and gives it at once", async () => {
      const pool = create();
      pool.setWanted(true);
      pool.setWanted(true);
      await untilIdle(pool, 1);
      expect(attempts).to.equal(1);
      const channel = await pool.acquire(1);
      expect(channel).to.equal(made[0]!.channel);
      // The next user shall find one, too.
      await untilIdle(pool, 1);
      expect(attempts).to.equal(2);
      expect(pool.counts).to.deep.equal({ idle: 1, busy: 1 });
    });

    it("makes one when there is none, and takes it back after its stream", async () => {
      const pool = create();
      const channel = await pool.acquire(1);
      expect(attempts).to.equal(1);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 1 });
      await use(channel);
      expect(pool.counts).to.deep.equal({ idle: 1, busy: 0 });
      expect(await pool.acquire(1)).to.equal(channel);
      expect(attempts).to.equal(1);
    });

    it("gives the one used last first", async () => {
      const pool = create();
      const [first, second] = [await pool.acquire(1), await pool.acquire(1)];
      await use(second);
      await use(first);
      expect(await pool.acquire(1)).to.equal(first);
      expect(await pool.acquire(1)).to.equal(second);
    });

    it("serves one who has gone behind all others, and lets go of more than 16 of them", async () => {
      const connected: (() => void)[] = [];
      onConnect = () => new Promise((resolve) => connected.push(resolve));
      const pool = create();
      const leaving = Array.from({ length: 18 }, () => new AbortController());
      const order: string[] = [];
      const ask = async (name: string, gone?: AbortSignal) => {
        try {
          await pool.acquire(1, gone);
          order.push(name);
        } catch {
          order.push("let go");
        }
      };
      const asked = leaving.map(({ signal }) => ask("gone", signal));
      asked.push(ask("there"), ask("came gone", AbortSignal.abort()));
      for (const each of leaving) each.abort();
      await settle();
      expect(order).to.deep.equal(["let go", "let go", "let go"]);
      for (const done of connected) done();
      await within("all", Promise.all(asked));
      expect(order.slice(3)).to.deep.equal([
        "there",
        "came gone",
        ...new Array<string>(15).fill("gone"),
      ]);
    });

    it("gives no channel to two at once", async () => {
      const pool = create();
      pool.setWanted(true);
      await untilIdle(pool, 1);
      const all = await Promise.all(
        Array.from({ length: 20 }, () => pool.acquire(1)),
      );
      expect(new Set(all).size).to.equal(20);
    });

    it("grows when connections come faster than it is warm", async () => {
      const pool = create();
      pool.setWanted(true);
      await untilIdle(pool, 1);
      for (let n = 0; n < 4; n++) await pool.acquire(1);
      await settle();
      const { idle } = pool.counts;
      expect(idle).to.be.within(2, 16);
      // A burst of that size finds all of them warm.
      const before = made.length;
      const burst = await Promise.all(
        Array.from({ length: idle }, () => pool.acquire(1)),
      );
      for (const channel of burst)
        expect(made.findIndex((one) => one.channel === channel)).to.be.below(
          before,
        );
    });

    it("begins a few attempts at a time in a burst, and the next ones after a pause", async () => {
      const pool = create({ startsAtOnce: 3, startPauseMs: 20 });
      const start = performance.now();
      const burst = Array.from({ length: 10 }, () => pool.acquire(1));
      expect(attempts).to.equal(3);
      expect(new Set(await Promise.all(burst)).size).to.equal(10);
      expect(attempts).to.equal(10);
      expect(performance.now() - start).to.be.above(3 * 18);
    });

    it("gives what comes back first to who waits longest", async () => {
      const pool = create();
      const busy = await pool.acquire(1);
      onConnect = () => new Promise(() => undefined);
      const [first, second] = [pool.acquire(1), pool.acquire(1)];
      expect(attempts).to.equal(3);
      await use(busy);
      expect(await within("a channel", first)).to.equal(busy);
      await use(busy);
      expect(await within("a channel", second)).to.equal(busy);
    });

    it("keeps what comes too late for the one it was made for", async () => {
      const pool = create();
      const busy = await pool.acquire(1);
      let connected: () => void = () => undefined;
      onConnect = () => new Promise((resolve) => (connected = resolve));
      const waiting = pool.acquire(1);
      await use(busy);
      await waiting;
      connected();
      await untilIdle(pool, 1);
      expect(pool.counts).to.deep.equal({ idle: 1, busy: 1 });
    });

    it("aims at no more than its limit", async () => {
      const pool = create({ maxTarget: 3 });
      pool.setWanted(true);
      for (let n = 0; n < 10; n++) void pool.acquire(1);
      await eventually("ten busy", () => pool.counts.busy >= 10);
      await settle();
      expect(pool.counts).to.deep.equal({ idle: 3, busy: 10 });
    });

    it("keeps no more idle ones than its limit, and closes the others in good order", async () => {
      const pool = create({ maxIdle: 2 });
      const all = [];
      for (let n = 0; n < 5; n++) all.push(await pool.acquire(1));
      for (const channel of all) await use(channel);
      expect(pool.counts).to.deep.equal({ idle: 2, busy: 0 });
      await eventually(
        "three closed at the other side",
        () => made.filter(({ acceptor }) => acceptor.isClosed).length === 3,
      );
    });
  });

  describe("letting channels go", () => {
    it("sinks to one after a burst, once they have idled long enough", async () => {
      const pool = create({ tickMs: 5, idleMs: 20 });
      pool.setWanted(true);
      const burst = [];
      for (let n = 0; n < 12; n++) burst.push(pool.acquire(1));
      for (const channel of await Promise.all(burst)) await use(channel);
      expect(pool.counts.idle).to.be.above(3);
      await untilIdle(pool, 1);
      const { length } = made;
      await new Promise((resolve) => setTimeout(resolve, 40));
      expect(pool.counts).to.deep.equal({ idle: 1, busy: 0 });
      expect(made, "no more are made to be let go").to.have.length(length);
      await eventually(
        "the others closed at the other side",
        () => made.filter(({ acceptor }) => !acceptor.isClosed).length === 1,
      );
    });

    it("keeps none when it is not wanted any more", async () => {
      const pool = create({ tickMs: 5, idleMs: 10 });
      pool.setWanted(true);
      await untilIdle(pool, 1);
      pool.setWanted(false);
      await untilIdle(pool, 0);
      expect(made[0]!.channel.isClosed).to.equal(true);
      expect(attempts).to.equal(1);
    });

    it("neither gives, closes nor asks one whose last stream has a slow reader", async () => {
      const pool = create({ tickMs: 2, idleMs: 5, probeAfterMs: 0 });
      pool.setWanted(true);
      await untilIdle(pool, 1);
      const [slow] = made;
      // Nobody takes what this end writes.
      slow!.far.pause();
      slow!.near.write(Buffer.alloc(1_000_000));
      slow!.near.write("more");
      await new Promise((resolve) => setTimeout(resolve, 60));
      const other = await pool.acquire(1);
      expect(other).not.to.equal(slow!.channel);
      pool.setWanted(false);
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(slow!.channel.isClosed).to.equal(false);
    });

    it("leaves a busy one alone", async () => {
      const pool = create({ tickMs: 2, idleMs: 5, probeAfterMs: 0 });
      const channel = await pool.acquire(1);
      channel.open({ serveid: 1 });
      channel.removeAllListeners("idle");
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(channel.isClosed).to.equal(false);
    });
  });

  describe("a channel that dies", () => {
    it("while idle is not given to anybody, and is replaced", async () => {
      const pool = create({ retryMs: 5 });
      pool.setWanted(true);
      await untilIdle(pool, 1);
      made[0]!.acceptor.destroy();
      await untilIdle(pool, 0);
      await untilIdle(pool, 1);
      expect(attempts).to.equal(2);
      expect(await pool.acquire(1)).to.equal(made[1]!.channel);
    });

    it("with its stream is forgotten", async () => {
      const pool = create();
      const channel = await pool.acquire(1);
      channel.open({ serveid: 1 }).reset("broken");
      await settle();
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 0 });
      expect(await pool.acquire(1)).to.not.equal(channel);
    });

    it("silently is found by a probe, and replaced", async () => {
      const pool = create({
        tickMs: 5,
        probeAfterMs: 5,
        probeTimeoutMs: 10,
        retryMs: 5,
        maxRetryMs: 5,
      });
      pool.setWanted(true);
      await untilIdle(pool, 1);
      const silent = made[0]!;
      // As behind a firewall that forgot the connection: what is sent goes nowhere.
      silent.far.pause();
      await eventually("cut off", () => silent.channel.isClosed);
      await eventually("another one", () => attempts === 2);
      await untilIdle(pool, 1);
      expect(made[1]!.channel.isClosed).to.equal(false);
    });

    it("again and again is not replaced in a hurry", async () => {
      const pool = create({ retryMs: 20 });
      const start = performance.now();
      pool.setWanted(true);
      for (let n = 0; n < 4; n++) {
        const one = await eventually("a channel", () => made[n]);
        await untilIdle(pool, 1);
        one.acceptor.destroy();
        await untilIdle(pool, 0);
      }
      expect(performance.now() - start).to.be.above(3 * 18);
      expect(attempts).to.equal(4);
    });
  });

  it("probes idle channels and keeps those that answer", async () => {
    const pool = create({ tickMs: 3, probeAfterMs: 3, probeTimeoutMs: 2_000 });
    pool.setWanted(true);
    await untilIdle(pool, 1);
    await eventually("five probes", () => made[0]!.near.writes >= 5);
    expect(made[0]!.far.writes).to.be.at.least(4);
    expect(pool.counts).to.deep.equal({ idle: 1, busy: 0 });
    expect(attempts).to.equal(1);
  });

  it("probes none before it has idled for a while", async () => {
    const pool = create({ tickMs: 2 });
    pool.setWanted(true);
    await untilIdle(pool, 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(made[0]!.near.writes).to.equal(0);
  });

  it("does not cut a stream that began while a probe was on its way", async () => {
    const pool = create({ tickMs: 3, probeAfterMs: 0, probeTimeoutMs: 20 });
    pool.setWanted(true);
    await untilIdle(pool, 1);
    const { far, near } = made[0]!;
    far.pause();
    await eventually("a probe", () => near.writes > 0);
    const channel = await pool.acquire(1);
    expect(channel).to.equal(made[0]!.channel);
    channel.open({ serveid: 1 });
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect(channel.isClosed).to.equal(false);
    // What was held up comes: the answer to the probe as well as to the stream.
    far.resume();
    await eventually("idle again", () => channel.isIdle);
  });

  describe("failing to connect", () => {
    const failure = new VnetError("refused", "no such node");

    it("is told to whoever asks", async () => {
      const pool = create();
      onConnect = async () => {
        throw failure;
      };
      expect(await failureOf(pool.acquire(1))).to.equal(failure);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 0 });
      onConnect = async () => undefined;
      await pool.acquire(1);
    });

    it("is told to nobody while the other attempts are enough", async () => {
      const pool = create();
      const ends: { come: () => void; fail: () => void }[] = [];
      onConnect = () =>
        new Promise((resolve, reject) => {
          const fail = () => {
            reject(failure);
          };
          ends.push({ come: resolve, fail });
        });
      pool.setWanted(true);
      // One for the user, two to be warm.
      const waiting = pool.acquire(1);
      expect(ends).to.have.length(3);
      ends[0]!.fail();
      ends[1]!.fail();
      await settle();
      ends[2]!.come();
      expect(await within("a channel", waiting)).to.equal(made[0]!.channel);
    });

    it("is told to nobody who is there while an attempt is left, whoever is gone", async () => {
      const pool = create();
      const ends: { come: () => void; fail: () => void }[] = [];
      onConnect = () =>
        new Promise((resolve, reject) => {
          ends.push({ come: resolve, fail: () => reject(failure) });
        });
      const leaving = new AbortController();
      const gone = failureOf(pool.acquire(1, leaving.signal));
      const there = pool.acquire(1);
      leaving.abort();
      expect(ends).to.have.length(2);
      ends[0]!.fail();
      await settle();
      ends[1]!.come();
      expect(await within("a channel", there)).to.equal(made[0]!.channel);
      pool.close();
      expect((await gone).message).to.equal("the node is gone");
    });

    it("is told to who is there when nothing comes of it, whoever is gone", async () => {
      const pool = create({ startsAtOnce: 16 });
      onConnect = async () => {
        await new Promise((resolve) => setTimeout(resolve, 2));
        throw failure;
      };
      const leaving = new AbortController();
      const gone = failureOf(pool.acquire(1, leaving.signal));
      const there = [1, 2, 3].map(() => failureOf(pool.acquire(1)));
      leaving.abort();
      for (const each of [...there, gone])
        expect(await within("the failure", each)).to.equal(failure);
      const made = attempts;
      await new Promise((resolve) => setTimeout(resolve, 20));
      expect(attempts).to.equal(made).and.to.be.below(16);
    });

    it("ends the waiting of those who are gone, without a further attempt", async () => {
      const pool = create();
      let fail: () => void = () => undefined;
      onConnect = () =>
        new Promise((_, reject) => (fail = () => reject(failure)));
      const leaving = new AbortController();
      const gone = [1, 2, 3].map(() =>
        failureOf(pool.acquire(1, leaving.signal)),
      );
      leaving.abort();
      expect(attempts).to.equal(3);
      fail();
      for (const each of gone) expect(await each).to.equal(failure);
      await settle();
      expect(attempts).to.equal(3);
    });

    it("is told to as many as are left without an attempt", async () => {
      const pool = create();
      onConnect = async () => {
        throw failure;
      };
      pool.setWanted(true);
      const all = Array.from({ length: 5 }, () => failureOf(pool.acquire(1)));
      expect(await within("their ends", Promise.all(all))).to.deep.equal(
        Array.from({ length: 5 }, () => failure),
      );
    });

    it("is tried again after a pause, and not before", async () => {
      const pool = create({ retryMs: 25, tickMs: 1 });
      onConnect = async () => {
        throw failure;
      };
      const start = performance.now();
      pool.setWanted(true);
      await eventually("three attempts", () => {
        pool.setWanted(true);
        return attempts >= 3;
      });
      expect(performance.now() - start).to.be.above(2 * 23);
      expect(attempts).to.equal(3);
      onConnect = async () => undefined;
      await untilIdle(pool, 1);
      expect(attempts).to.equal(4);
    });

    it("does not start a crowd of attempts in a burst either", async () => {
      const pool = create({ retryMs: 25 });
      onConnect = async () => {
        throw failure;
      };
      pool.setWanted(true);
      await settle();
      expect(attempts).to.equal(1);
      for (let n = 0; n < 10; n++) await failureOf(pool.acquire(1));
      expect(attempts).to.equal(11);
    });
  });

  describe("more at once than it makes at once", () => {
    it("wait in line, and are served in their order", async () => {
      const pool = create({ maxConnecting: 3 });
      const open: (() => void)[] = [];
      onConnect = () => new Promise((resolve) => open.push(resolve));
      const served: number[] = [];
      for (let n = 0; n < 8; n++)
        void pool.acquire(1).then(() => served.push(n));
      for (let done = 0; done < 8; done++) {
        await settle();
        expect(attempts).to.equal(Math.min(8, done + 3));
        open.shift()?.();
        await eventually("one more", () => served.length === done + 1);
      }
      expect(served).to.deep.equal([0, 1, 2, 3, 4, 5, 6, 7]);
    });

    it("of several services take turns, so that a crowd at one is in no other's way", async () => {
      const pool = create({ maxConnecting: 1 });
      const open: (() => void)[] = [];
      onConnect = () => new Promise((resolve) => open.push(resolve));
      const served: number[] = [];
      const ask = (serveid: number) =>
        void pool.acquire(serveid).then(() => served.push(serveid));
      for (let n = 0; n < 100; n++) ask(1);
      for (const serveid of [2, 3, 2]) ask(serveid);
      const next = async () => {
        const { length } = served;
        open.shift()?.();
        await eventually("one more", () => served.length > length);
      };
      for (let n = 0; n < 8; n++) await next();
      expect(served).to.deep.equal([1, 2, 3, 1, 2, 1, 1, 1]);
      // One who comes later waits for one of the crowd at the most.
      ask(4);
      for (let n = 0; n < 2; n++) await next();
      expect(served.slice(8)).to.deep.equal([1, 4]);
    });

    it("of several services: the longest line is the one that hears of a failure", async () => {
      const pool = create({ maxConnecting: 1 });
      const ends: { come: () => void; fail: () => void }[] = [];
      onConnect = () =>
        new Promise((resolve, reject) => {
          const fail = () => reject(new VnetError("refused", "no channel"));
          ends.push({ come: resolve, fail });
        });
      const lonely = pool.acquire(2);
      const crowd = [1, 2, 3].map(() => failureOf(pool.acquire(1)));
      for (const each of crowd.slice(0, 2)) {
        ends.shift()?.fail();
        await within("the failure", each);
      }
      ends.shift()?.come();
      expect(await within("a channel", lonely)).to.equal(made[0]!.channel);
      pool.close();
      await crowd[2];
    });

    it("hear of a silence together, as the next would last as long", async () => {
      const pool = create({ maxConnecting: 2 });
      onConnect = () =>
        Promise.reject(new VnetError("timeout", `silence ${attempts}`));
      const asked = Array.from({ length: 5 }, () => failureOf(pool.acquire(1)));
      await Promise.all(asked);
      expect(attempts).to.equal(2);
    });
  });

  describe("giving back", () => {
    it("takes a channel that was not used, once", async () => {
      const pool = create();
      const channel = await pool.acquire(1);
      pool.release(channel);
      pool.release(channel);
      expect(pool.counts).to.deep.equal({ idle: 1, busy: 0 });
      expect(await pool.acquire(1)).to.equal(channel);
      expect(await pool.acquire(1)).to.not.equal(channel);
    });

    it("takes no channel that is busy or closed", async () => {
      const pool = create();
      const [busy, closed] = [await pool.acquire(1), await pool.acquire(1)];
      busy.open({ serveid: 1 });
      pool.release(busy);
      closed.destroy();
      pool.release(closed);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 1 });
    });
  });

  describe("the close", () => {
    it("closes idle channels at once and busy ones at their end", async () => {
      const pool = create();
      const [idle, busy] = [await pool.acquire(1), await pool.acquire(1)];
      pool.release(idle);
      const stream = busy.open({ serveid: 1 });
      pool.close();
      pool.close();
      expect(idle.isClosed).to.equal(true);
      expect(busy.isClosed).to.equal(false);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 1 });
      const end = new Promise((done) => stream.once("end", done));
      expect(await within("its end", end)).to.include({ code: "refused" });
      expect(busy.isClosed).to.equal(true);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 0 });
    });

    it("ends the giving, warming and retrying", async () => {
      const pool = create({ retryMs: 2, tickMs: 2 });
      pool.setWanted(true);
      await untilIdle(pool, 1);
      pool.close();
      const error = await failureOf(pool.acquire(1));
      expect(error.code).to.equal("closed");
      pool.setWanted(true);
      await new Promise((resolve) => setTimeout(resolve, 15));
      expect(attempts).to.equal(1);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 0 });
    });

    it("tells those who wait, at once", async () => {
      const pool = create({ startsAtOnce: 1 });
      onConnect = () => new Promise(() => undefined);
      const waiting = [1, 2, 3].map(() => failureOf(pool.acquire(1)));
      pool.close();
      for (const error of await within("their ends", Promise.all(waiting)))
        expect(error.code).to.equal("closed");
    });

    it("closes what comes from an attempt that was on its way", async () => {
      const pool = create();
      let connected: () => void = () => undefined;
      onConnect = () => new Promise((resolve) => (connected = resolve));
      const waiting = failureOf(pool.acquire(1));
      pool.close();
      connected();
      expect((await waiting).code).to.equal("closed");
      expect(made[0]!.channel.isClosed).to.equal(true);
      await eventually("closed there", () => made[0]!.acceptor.isClosed);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 0 });
    });

    it("closes a channel that is given back afterwards", async () => {
      const pool = create();
      const channel = await pool.acquire(1);
      pool.close();
      pool.release(channel);
      expect(channel.isClosed).to.equal(true);
    });

    it("with destroy cuts off the busy ones, too", async () => {
      const pool = create();
      const [idle, busy] = [await pool.acquire(1), await pool.acquire(1)];
      pool.release(idle);
      const stream = busy.open({ serveid: 1 });
      const end = new Promise((done) => stream.once("end", done));
      const reason = new VnetError("closed", "the node is closing");
      pool.destroy(reason);
      expect(await within("its end", end)).to.equal(reason);
      expect(idle.isClosed && busy.isClosed).to.equal(true);
      expect(pool.counts).to.deep.equal({ idle: 0, busy: 0 });
    });
  });
});
