import { expect } from "chai";
import type { Duplex } from "node:stream";
import { createDuplexPair } from "../../src/net/duplex-pair.js";
import { LeaseTalk } from "../../src/node/lease-talk.js";
import type { LeaseWord } from "../../src/wire/lease.js";
import { cutsOf } from "../support/cuts.js";
import { eventually } from "../support/deadline.js";

const LONG = { beatMs: 60_000, silenceMs: 60_000 };

interface Line {
  talk: LeaseTalk;
  /** the other end, by hand */
  far: Duplex;
  heard: LeaseWord[];
  ends: string[];
  /** what the other end has heard, and how its stream ended */
  said: () => string;
}

function create(pace = LONG): Line {
  const { a: far, b } = createDuplexPair();
  const talk = new LeaseTalk(b, pace);
  const heard: LeaseWord[] = [];
  const ends: string[] = [];
  let said = "";
  talk.on("word", (word) => heard.push(word));
  talk.on("end", () => ends.push("end"));
  talk.on("lost", () => ends.push("lost"));
  far.on("data", (chunk: Buffer) => (said += chunk.toString()));
  far.on("end", () => (said += "FIN"));
  far.on("error", () => (said += "BROKEN"));
  return { talk, far, heard, ends, said: () => said };
}

async function withLine(
  body: (line: Line) => Promise<void>,
  pace = LONG,
): Promise<void> {
  const line = create(pace);
  try {
    await body(line);
  } finally {
    line.talk.destroy();
    line.far.destroy();
  }
}

const untilOver = ({ ends }: Line) =>
  eventually("its end", () => ends.length > 0);

describe("the talk of a lease", () => {
  it("hears each line once, however the bytes are cut, and what it does not know not at all", async () => {
    const bytes = Buffer.from(
      '{"unserve":3,"more":[1]}\n{}\n{"gone":"it was not used for 180 s"}\n',
    );
    for (const { name, chunks } of cutsOf(bytes, 3))
      await withLine(async (line) => {
        for (const chunk of chunks) line.far.write(chunk);
        await eventually(name, () => line.heard.length === 3);
        expect(line.heard).to.deep.equal([
          { unserve: 3 },
          {},
          { gone: "it was not used for 180 s" },
        ]);
      });
  });

  for (const [what, text] of [
    ["is no JSON", "hello\n"],
    ["is no object", "[]\n"],
    ["says a number that is none", '{"unserve":0}\n'],
    ["says an id that is none", '{"serveid":1000}\n'],
    ["says a reason that nobody should read", '{"gone":"\\u001b[2J"}\n'],
    ["is too long", `{"gone":"${"x".repeat(9_000)}"}\n`],
    ["is too long and has no end", "x".repeat(9_000)],
    ["is one of too many at once", "{}\n".repeat(101)],
  ] as const)
    it(`breaks at a line that ${what}`, () =>
      withLine(async (line) => {
        line.far.write(text);
        await untilOver(line);
        expect(line.ends).to.deep.equal(["lost"]);
        await eventually("the break", () => line.said() === "BROKEN");
      }));

  it("breaks when the other side is silent, and when it never finishes a line", () =>
    withLine(
      async (line) => {
        const drip = setInterval(() => line.far.write(" "), 5);
        await untilOver(line);
        clearInterval(drip);
        expect(line.ends).to.deep.equal(["lost"]);
      },
      { beatMs: 10_000, silenceMs: 60 },
    ));

  it("lives as long as both give signs of life", () =>
    withLine(
      async (line) => {
        const other = new LeaseTalk(line.far, { beatMs: 10, silenceMs: 400 });
        await eventually("many beats", () => line.heard.length > 60);
        expect(line.ends).to.deep.equal([]);
        other.destroy();
        await untilOver(line);
      },
      { beatMs: 10, silenceMs: 400 },
    ));

  it("ends in good order, with its last word", () =>
    withLine(async (line) => {
      line.talk.say({ gone: "enough" });
      line.talk.end();
      line.talk.say({ unserve: 9 });
      await eventually("all", () => line.said().endsWith("FIN"));
      expect(line.said()).to.equal('{"gone":"enough"}\nFIN');
      line.far.end();
      await line.talk.closed;
      expect(line.ends, "what it did itself is no news").to.deep.equal([]);
    }));

  it("tells a good end from a break, once", async () => {
    for (const [how, told] of [
      ["end", "end"],
      ["destroy", "lost"],
    ] as const)
      await withLine(async (line) => {
        line.far[how]();
        await untilOver(line);
        await line.talk.closed;
        expect(line.ends).to.deep.equal([told]);
      });
  });

  it("keeps a bounded number of words for one that does not read", () =>
    withLine(async (line) => {
      line.far.pause();
      for (let n = 0; n < 100_000; n++) line.talk.say({});
      line.far.resume();
      await eventually("some", () => line.said() !== "");
      line.talk.end();
      await eventually("the end", () => line.said().endsWith("FIN"));
      expect(line.said().length).to.be.below(200_000);
    }));
});
