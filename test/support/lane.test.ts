import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { expect } from "chai";
import type { AddressInfo } from "node:net";
import {
  conversationOf,
  fin,
  isLoose,
  reset,
  send,
  untilFin,
  untilReset,
} from "./conversation.js";
import { choose } from "./conversation-run.js";
import { CONVERSATIONS } from "./conversations.js";
import { Lane } from "./lane.js";
import { reservePort } from "./ports.js";
import { Random } from "./random.js";

const whole = conversationOf({
  name: "whole",
  client: [send(5000), fin, untilFin],
  service: [untilFin, fin],
});

const broken = conversationOf({
  name: "broken",
  client: [send(5000), reset],
  service: [untilReset],
  clientSees: { bytes: 0, ends: ["open"] },
  serviceSees: { bytes: [0, 5000], ends: ["reset"] },
  why: "what is not sent yet is lost",
});

describe("A lane of conversations", () => {
  let lane: Lane;
  let relay: Server | undefined;

  afterEach(async () => {
    await lane.close();
    relay?.close();
    relay = undefined;
  });

  /** Something between client and service that does as `pass` says with the client's bytes. */
  async function openVia(
    pass: (from: Socket, to: Socket) => void,
  ): Promise<void> {
    const port = await reservePort();
    lane = await Lane.open(port);
    relay = createServer({ allowHalfOpen: true }, (from) => {
      const { servicePort } = lane;
      const options = { host: "127.0.0.1", port: servicePort };
      const to = connect({ ...options, allowHalfOpen: true });
      for (const [one, other] of [
        [from, to],
        [to, from],
      ] as const) {
        one.on("error", () => undefined);
        one.on("close", () => other.destroy());
      }
      to.pipe(from);
      pass(from, to);
    });
    relay.listen(port, "127.0.0.1");
    await once(relay, "listening");
    expect((relay.address() as AddressInfo).port).to.equal(port);
  }

  const hold = async (conversation = whole) =>
    (await lane.hold(conversation, new Random(1))).faults;

  it("finds no fault where there is none, again and again", async () => {
    lane = await Lane.open();
    for (let round = 0; round < 3; round++) {
      expect(await hold()).to.deep.equal([]);
      expect(await hold(broken)).to.deep.equal([]);
    }
  });

  it("finds a byte that is wrong", async () => {
    await openVia((from, to) => {
      from.on("data", (chunk: Buffer) => {
        chunk[chunk.length - 1]! ^= 1;
        to.write(chunk);
      });
      from.on("end", () => to.end());
    });
    expect((await hold()).join()).to.match(
      /^the service got a wrong byte at \d+$/,
    );
  });

  it("finds bytes that are missing in front of a FIN", async () => {
    await openVia((from, to) => {
      from.once("data", (chunk: Buffer) => {
        to.write(chunk.subarray(1));
        from.on("data", (chunk) => to.write(chunk));
      });
      from.on("end", () => to.end());
    });
    expect((await hold()).join()).to.include(
      "the service got 4999 bytes, not 5000",
    );
  });

  it("finds a FIN that does not come", async () => {
    await openVia((from, to) => {
      from.pipe(to, { end: false });
    });
    const faults = (await hold({ ...whole, withinMs: 500 })).join();
    expect(faults).to.include('the service hung at {"do":"untilFin"}');
    expect(faults).to.include('the client hung at {"do":"untilFin"}');
    expect(faults).to.include("the service saw open, not fin");
  });

  it("finds a reset that becomes a FIN", async () => {
    await openVia((from, to) => {
      from.on("data", (chunk) => to.write(chunk));
      from.on("end", () => to.end());
      from.on("error", () => to.end());
    });
    const faults = await hold({ ...broken, withinMs: 500 });
    expect(faults.join()).to.include("the service saw fin, not reset");
  });

  it("finds a connection that does not reach the service", async () => {
    await openVia((from, to) => {
      to.destroy();
      from.resetAndDestroy();
    });
    lane.close().catch(() => undefined);
    const faults = await hold({ ...whole, withinMs: 500 });
    expect(faults.join()).to.include("the client saw reset, not fin");
  });
});

describe("The table of conversations", () => {
  it("has a name for each", () => {
    const names = CONVERSATIONS.map(({ name }) => name);
    expect(new Set(names).size).to.equal(names.length);
  });

  it("leaves something open in few of them", () => {
    const loose = CONVERSATIONS.filter(isLoose);
    expect(loose.length).to.be.below(CONVERSATIONS.length / 5);
  });

  it("gives the same conversation for the same seed and number", () => {
    const names = (seed: number) =>
      Array.from(
        { length: 200 },
        (_, number) => choose(CONVERSATIONS, seed, number).conversation.name,
      );
    expect(names(7)).to.deep.equal(names(7)).and.not.deep.equal(names(8));
    expect(new Set(names(7)).size).to.be.above(CONVERSATIONS.length / 2);
  });
});
