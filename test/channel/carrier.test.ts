import { expect } from "chai";
import type { Duplex } from "node:stream";
import { VnetError } from "../../src/errors.js";
import { Carrier } from "../../src/channel/carrier.js";
import { FrameType } from "../../src/wire/channel-frame.js";
import { ChannelPeer, frame } from "../support/channel-peer.js";
import { NO_LEASE } from "../../src/net/lent-buffer.js";
import { eventually } from "../support/deadline.js";
import { createDuplexPair, type PairEnd } from "../support/duplex-pair.js";
import { hurried } from "../support/hurried-timers.js";

describe("Carrier", () => {
  const ends: PairEnd[] = [];

  function create(
    onFrame: (type: number, payload: string) => void = () => undefined,
    bufferBytes?: number,
  ) {
    const { a, b } = createDuplexPair(bufferBytes);
    ends.push(a, b);
    const seen: string[] = [];
    const losses: VnetError[] = [];
    let drains = 0;
    const carrier = new Carrier({
      duplex: a,
      onData: (bytes) => seen.push(`data ${bytes.toString()}`),
      onFrame: (type, payload) => {
        seen.push(`${type} ${payload.toString()}`);
        onFrame(type, payload.toString());
      },
      onReadOver: () => undefined,
      onDrain: () => drains++,
      onLost: (reason) => losses.push(reason),
    });
    const peer = new ChannelPeer(b);
    return { carrier, duplex: a, peer, seen, losses, drains: () => drains };
  }

  async function settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
  }

  afterEach(async () => {
    for (const end of ends.splice(0))
      end.on("error", () => undefined).destroy();
    await settle();
  });

  it("sends a frame and data in one write each", async () => {
    const { carrier, duplex, peer } = create();
    carrier.send(FrameType.open, "{}");
    await peer.hearing("open {}");
    expect(duplex.writes).to.equal(1);
    expect(carrier.sendData(Buffer.from("abc"))).to.equal(true);
    await peer.hearing("open {}", "data abc");
    expect(duplex.writes).to.equal(2);
    expect(duplex.bytesWritten).to.equal(4 + 2 + 4 + 3);
  });

  it("holds what may be held until it is released", async () => {
    const { carrier, duplex, peer } = create();
    carrier.sendHeld(FrameType.open, "{}");
    await settle();
    expect(duplex.writes).to.equal(0);
    carrier.release();
    await peer.hearing("open {}");
    carrier.release();
    carrier.send(FrameType.accept);
    await eventually("a write", () => duplex.writes === 2);
  });

  const VIEW = Buffer.from("room: bytes").subarray(6);
  for (const [what, send, heard] of [
    ["a frame", (to: Carrier) => to.send(FrameType.fin), "fin"],
    [
      "a small piece",
      (to: Carrier) => to.sendData(Buffer.from("abc")),
      "data abc",
    ],
    [
      "a large piece",
      (to: Carrier) => to.sendData(Buffer.alloc(9_000, "x")),
      `data ${"x".repeat(9_000)}`,
    ],
    [
      "a lent piece",
      (to: Carrier) => {
        to.sendLent(VIEW, NO_LEASE);
        to.flush();
      },
      "data bytes",
    ],
  ] as const)
    it(`sends what it holds in one write with ${what} that comes next`, async () => {
      const { carrier, duplex, peer } = create();
      carrier.sendHeld(FrameType.open, "{}");
      send(carrier);
      await peer.hearing("open {}", heard);
      expect(duplex.writes).to.equal(1);
    });

  it("tells when it is full, and when more may be sent", async () => {
    const { carrier, peer, drains } = create(undefined, 1_000);
    peer.duplex.pause();
    let sent = 0;
    while (sent < 100 && carrier.sendData(Buffer.alloc(300))) sent++;
    expect(sent).to.be.below(5);
    await settle();
    expect(drains()).to.equal(0);
    peer.duplex.resume();
    await eventually("drained", () => drains() === 1);
    expect(carrier.sendData(Buffer.from("x"))).to.equal(true);
  });

  it("reads nothing while it is paused", async () => {
    const { carrier, peer, seen } = create();
    carrier.pauseReading();
    peer.say(frame("data", "abc"));
    await settle();
    expect(seen).to.deep.equal([]);
    carrier.resumeReading();
    await eventually("read", () => seen.length > 0);
    expect(seen).to.deep.equal(["data abc"]);
  });

  it("lets what was sent leave before it ends, even what is held", async () => {
    const { carrier, peer, losses } = create();
    carrier.sendData(Buffer.from("x"));
    carrier.sendHeld(FrameType.accept);
    carrier.end();
    carrier.end();
    carrier.send(FrameType.fin);
    carrier.sendData(Buffer.from("no more"));
    await eventually("the end", () => peer.state !== "open");
    expect(peer.heard).to.deep.equal(["data x", "accept"]);
    expect(peer.state).to.equal("fin");
    expect(losses).to.deep.equal([]);
  });

  it("gives nothing any more once it ends, and sees the other side's end", async () => {
    const { carrier, duplex, peer, seen, losses } = create();
    carrier.pauseReading();
    carrier.end();
    peer.say(frame("data", "abc"), Buffer.from([0, 0, 0, 0]));
    peer.duplex.end();
    await eventually("closed", () => duplex.closed);
    expect(seen).to.deep.equal([]);
    expect(losses).to.deep.equal([]);
  });

  it("does not wait for ever for a peer that does not read its last words", async () => {
    const { carrier, duplex, peer, losses } = create(undefined, 1_000);
    peer.duplex.pause();
    carrier.sendData(Buffer.alloc(100_000));
    hurried(2_000, 20, () => {
      carrier.end();
    });
    await settle();
    expect(duplex.destroyed).to.equal(false);
    await eventually("cut off", () => duplex.closed);
    expect(losses).to.deep.equal([]);
  });

  it("is silent when it is destroyed, and nothing is sent or read afterwards", async () => {
    const { carrier, duplex, peer, seen, losses } = create();
    peer.say(frame("fin"));
    carrier.destroy();
    carrier.destroy();
    carrier.send(FrameType.fin);
    expect(carrier.sendData(Buffer.from("x"))).to.equal(true);
    carrier.end();
    await eventually("closed", () => duplex.closed);
    expect(losses).to.deep.equal([]);
    expect(seen).to.deep.equal([]);
    expect(peer.heard).to.deep.equal([]);
  });

  const losing: Record<string, [(end: Duplex) => void, string, string]> = {
    "a FIN": [(end) => end.end(), "closed", "the channel was closed"],
    "a reset": [(end) => end.destroy(), "closed", "the channel broke"],
    "a broken frame": [
      (end) => end.write(Buffer.from([99, 0, 0, 0])),
      "protocol",
      "unknown channel frame 99",
    ],
  };
  for (const [name, [act, code, text]] of Object.entries(losing))
    it(`is lost once with ${name}, behind the frames before it`, async () => {
      const { duplex, peer, seen, losses } = create();
      peer.say(frame("accept"));
      await eventually("a frame", () => seen.length > 0);
      act(peer.duplex);
      await eventually("lost", () => losses.length > 0);
      await eventually("closed", () => duplex.closed);
      expect(losses).to.have.length(1);
      expect(losses[0]!.code).to.equal(code);
      expect(losses[0]!.message).to.include(text);
      expect(seen).to.deep.equal(["2 "]);
    });

  it("is lost when its owner finds a frame out of turn", async () => {
    const out = new VnetError("protocol", "out of turn");
    const { duplex, peer, seen, losses } = create(() => {
      throw out;
    });
    peer.say(frame("accept"), frame("fin"));
    await eventually("lost", () => losses.length > 0);
    expect(losses).to.deep.equal([out]);
    expect(seen).to.have.length(1);
    expect(duplex.destroyed).to.equal(true);
  });

  it("does not take a bug of its owner for the peer's fault", () => {
    const { duplex, losses } = create(() => {
      throw new TypeError("a bug");
    });
    const [read] = duplex.listeners("data") as ((chunk: Buffer) => void)[];
    expect(() => read!(frame("fin"))).to.throw(TypeError, "a bug");
    expect(losses).to.deep.equal([]);
  });
});
