import { EventEmitter } from "node:events";
import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Channels } from "../../src/node/channels.js";
import type { Provider } from "../../src/node/search.js";
import { StreamOpener } from "../../src/node/stream-opener.js";
import { withCaughtTimers } from "../support/caught-timers.js";
import { failureOf } from "../support/failure.js";
import { provider } from "../support/remote-serve.js";

const share = "balance" as const;
const ALL = [1, 2, 3].map((vnetid) => provider(vnetid, { share }));

/** A stream by hand. */
class FakeStream extends EventEmitter {
  wasReset: string | null = null;

  constructor(readonly vnetid: number) {
    super();
  }

  reset(reason: string): void {
    this.wasReset = reason;
    this.emit("end", new VnetError("closed", reason));
  }
}

/** What a node does with a stream that is opened to it. */
type Answer = (stream: FakeStream) => void;

const accepts: Answer = (stream) => stream.emit("accept");
const isSilent: Answer = () => undefined;
class FakeChannels {
  readonly opened: FakeStream[] = [];
  /** whose channels were asked for */
  readonly asked: number[] = [];
  /** and for which serves */
  readonly turns: number[] = [];
  readonly answers = new Map<number, Answer>();
  readonly released: number[] = [];
  /** of these no channel is to be had, until it is said */
  readonly unreachable = new Map<number, Promise<void>>();
  /** how many channels of these break before they are used */
  readonly breaking = new Map<number, number>();

  readonly options = { directory: { node: () => undefined } };
  acquire = Channels.prototype.acquire.bind(this.asChannels);

  get asChannels(): Channels {
    return this as unknown as Channels;
  }

  poolOf({ vnetid }: { vnetid: number }) {
    const open = () => {
      const stream = new FakeStream(vnetid);
      this.opened.push(stream);
      queueMicrotask(() => (this.answers.get(vnetid) ?? accepts)(stream));
      return stream;
    };
    return {
      acquire: async (turn: number) => {
        this.asked.push(vnetid);
        this.turns.push(turn);
        await this.unreachable.get(vnetid);
        const left = this.breaking.get(vnetid) ?? 0;
        this.breaking.set(vnetid, left - 1);
        return { open, isIdle: left <= 0 };
      },
      release: () => this.released.push(vnetid),
    };
  }

  refuse(vnetid: number): void {
    this.answers.set(vnetid, (stream) =>
      stream.emit("end", new VnetError("refused", `no service at ${vnetid}`)),
    );
  }

  get tried(): number[] {
    return this.opened.map(({ vnetid }) => vnetid);
  }
}

const FROM = "192.0.2.1:5000";

describe("a stream opener", () => {
  let channels: FakeChannels;
  let opener: StreamOpener;
  let accepted: number[];

  const open = async (serves: readonly Provider[] = ALL) =>
    (await opener.open(() => serves, { from: FROM })) as unknown as FakeStream;

  beforeEach(() => {
    channels = new FakeChannels();
    accepted = [];
    opener = new StreamOpener(channels.asChannels, ({ vnetid }) => {
      accepted.push(vnetid);
    });
  });

  it("passes over those that fail, each tried once, and brings what is left", async () => {
    channels.refuse(1);
    channels.refuse(3);
    const streams = [await open(), await open(), await open()];
    expect(streams.map(({ vnetid }) => vnetid)).to.deep.equal([2, 2, 2]);
    expect(accepted, "whom it names").to.deep.equal([2, 2, 2]);
    expect(channels.tried.filter((vnetid) => vnetid !== 2)).to.have.members([
      1, 3,
    ]);
  });

  it("goes to the latest that takes over, past one that fails", async () => {
    const taking = [3, 1, 2].map((vnetid) =>
      provider(vnetid, { share: "takeover" }),
    );
    for (let n = 0; n < 3; n++) expect((await open(taking)).vnetid).to.equal(3);
    channels.refuse(3);
    for (let n = 0; n < 3; n++) expect((await open(taking)).vnetid).to.equal(1);
    expect(channels.tried.filter((vnetid) => vnetid === 3)).to.have.length(4);
  });

  it("does not wait for the answer of one that takes over and has nobody behind it", async () => {
    channels.answers.set(7, isSilent);
    const alone = provider(7, { share: "takeover" });
    expect((await open([alone])).vnetid).to.equal(7);
  });

  it("waits for a channel in the line of the serve that it means", async () => {
    await open([provider(7, { serveid: 701 })]);
    await open([provider(7, { serveid: 702, share })]);
    expect(channels.turns).to.deep.equal([701, 702]);
  });

  it("passes over one to which there is no channel", async () => {
    const gone = Promise.reject(new VnetError("closed", "the node is gone"));
    gone.catch(() => undefined);
    channels.unreachable.set(1, gone);
    for (let n = 0; n < 3; n++) expect((await open()).vnetid).not.to.equal(1);
  });

  it("takes another channel when one broke as it was given, and gives up a node whose channels all do", async () => {
    const alone = provider(7, {});
    channels.breaking.set(7, 2);
    expect((await open([alone])).vnetid).to.equal(7);
    channels.breaking.set(7, 3);
    const { message } = await failureOf(open([alone]));
    expect(message).to.match(/^the channels to vnet .* break at once$/);
    channels.breaking.set(1, 3);
    for (let n = 0; n < 3; n++) expect((await open()).vnetid).not.to.equal(1);
  });

  it("rejects with the last one's reason when all fail, and tries none twice", async () => {
    for (const { vnetid } of ALL) channels.refuse(vnetid);
    const error = await failureOf(open());
    expect(channels.tried).to.have.members([1, 2, 3]);
    expect(error.message).to.equal(`no service at ${channels.tried.at(-1)}`);
  });

  it("rejects when there is nobody (any more)", async () => {
    expect((await failureOf(open([]))).message).to.match(/^nobody offers/);
    channels.refuse(1);
    const [first] = ALL;
    let serves = [first!];
    const opening = opener.open(() => serves, { from: FROM });
    serves = [];
    expect((await failureOf(opening)).message).to.equal("no service at 1");
  });

  it("takes those into account that came while it tried", async () => {
    channels.refuse(1);
    let serves = ALL.slice(0, 1);
    const opening = opener.open(() => serves, { from: FROM });
    serves = ALL.slice(0, 2);
    expect(await opening).to.include({ vnetid: 2 });
  });

  it("waits 3 s for a slow one, lets it go and takes the next", () =>
    withCaughtTimers(async (timers) => {
      for (const { vnetid } of ALL) channels.answers.set(vnetid, isSilent);
      const opening = opener.open(() => ALL.slice(0, 2), { from: FROM });
      while (channels.opened.length === 0) await Promise.resolve();
      expect(timers.delays).to.deep.equal([3_000]);
      const [slow] = channels.opened;
      channels.answers.clear();
      timers.fire();
      expect(await opening).not.to.equal(slow);
      expect(slow?.wasReset).to.match(/^vnet \w+ did not answer within 3 s$/);
      expect(timers.delays).to.deep.equal([]);
    }));

  it("is patient with the last one, as there is no other", () =>
    withCaughtTimers(async (timers) => {
      channels.answers.set(1, isSilent);
      const opening = opener
        .open(() => ALL.slice(0, 1), { from: FROM })
        .catch((e: unknown) => e);
      while (channels.opened.length === 0) await Promise.resolve();
      expect(timers.delays).to.deep.equal([15_000]);
      timers.fire();
      expect(await opening).to.include({ code: "timeout" });
    }));

  it("holds nothing against a serve for a user who is gone, and asks no other one for him", async () => {
    const user = new AbortController();
    const failing = new Promise<void>((_, reject) => {
      user.signal.addEventListener("abort", () => {
        reject(new VnetError("closed", "nobody waits for it any more"));
      });
    });
    for (const { vnetid } of ALL) channels.unreachable.set(vnetid, failing);
    const opening = opener.open(() => ALL, { from: FROM, gone: user.signal });
    user.abort();
    await failureOf(opening);
    expect(channels.asked).to.have.length(1);
    channels.unreachable.clear();
    const next = [await open(), await open(), await open()];
    expect(new Set(next.map(({ vnetid }) => vnetid))).to.have.property(
      "size",
      3,
    );
  });

  it("gives back a channel that comes too late to be used", () =>
    withCaughtTimers(async (timers) => {
      let come: () => void = () => undefined;
      const channel = new Promise<void>((resolve) => (come = resolve));
      for (const { vnetid } of ALL) channels.unreachable.set(vnetid, channel);
      const outcome = opener
        .open(() => ALL.slice(0, 1), { from: FROM })
        .catch((e: unknown) => e);
      for (let n = 0; n < 10; n++) await Promise.resolve();
      timers.fire();
      expect(await outcome).to.include({ code: "timeout" });
      come();
      for (let n = 0; n < 10; n++) await Promise.resolve();
      expect(channels.released).to.deep.equal([1]);
      expect(channels.opened).to.deep.equal([]);
      expect(timers.delays).to.deep.equal([]);
    }));

  it("counts the streams that run: the next goes where there are fewest", async () => {
    const streams = await Promise.all(Array.from({ length: 6 }, () => open()));
    for (const { vnetid } of ALL)
      expect(streams.filter((one) => one.vnetid === vnetid)).to.have.length(2);
    for (const stream of streams)
      if (stream.vnetid === 2) stream.emit("end", null);
    expect([(await open()).vnetid, (await open()).vnetid]).to.deep.equal([
      2, 2,
    ]);
  });

  it("counts no stream that ended at the very moment of its accept", async () => {
    channels.answers.set(2, (stream) => {
      stream.emit("accept");
      stream.emit("end", new VnetError("closed", "reset by the service"));
    });
    for (let n = 0; n < 30; n++) {
      const stream = await open();
      if (stream.vnetid !== 2) stream.emit("end", null);
    }
    expect(channels.tried.filter((vnetid) => vnetid === 2)).to.have.length(10);
    // Nobody has a stream: each must come in turn.
    const turn = [await open(), await open(), await open()];
    expect(turn.map(({ vnetid }) => vnetid)).to.have.members([1, 2, 3]);
  });

  it("leaves the listeners that others have put on a stream", async () => {
    let heard = 0;
    channels.answers.set(1, (stream) => {
      stream.on("end", () => heard++);
      stream.emit("accept");
    });
    const stream = await open(ALL.slice(0, 1));
    stream.emit("end", null);
    expect(heard).to.equal(1);
  });

  it("opens an exclusive one at once, without waiting for its accept", async () => {
    channels.answers.set(1, isSilent);
    const stream = await open([provider(1)]);
    expect(stream.vnetid).to.equal(1);
    expect(accepted, "nobody took it yet").to.deep.equal([]);
    stream.emit("accept");
    expect(accepted).to.deep.equal([1]);
  });
});
