import { expect } from "chai";
import fc from "fast-check";
import { isPrintable } from "../../src/printable.js";
import { Cancelled } from "../../src/terminal/command.js";
import { askArgument, askQuestion } from "../../src/terminal/prompts.js";
import { wantedServe } from "../../src/terminal/wanted-argument.js";
import { FakeNode, SSH } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";
import { always, anyText } from "../support/property.js";

/** What our drawing is made of; `m` for colours. */
const OURS = /\x1b\[(?:\d*[ACm]|H|2?J|\?2004[hl])/g;

const anyRead = fc.oneof(
  fc.constantFrom(
    ...["\r", "\n", "\r\n", "\t", "\x7f", "\b", "\x1b", "\x1b[A", "\x1b[B"],
    ...["\x1b[C", "\x1b[D", "\x1bOH", "\x1b[3~", "\x1b[200~", "\x1b[201~"],
    ...["\x1b[Z", "\x1b[5~", "\x1b[1;5D", "\x1bb", "\x1bd", "\x1b[", "\x9b1m"],
    ...["\x01", "\x05", "\x0b", "\x0c", "\x15", "\x17", "\x19", "\x1f"],
    ...[
      "日本",
      "e\u0301",
      "👩‍💻",
      "\u202e",
      "\u2028",
      "\ufeff",
      "x".repeat(5000),
    ],
  ),
  anyText(20),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
);

const anyStep = fc.oneof(
  { weight: 5, arbitrary: anyRead },
  { weight: 1, arbitrary: fc.nat(500) },
);

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What was written, without our drawing, and the answer; null: given up. */
async function play<T>(
  steps: readonly (string | Buffer | number)[],
  put: (streams: Parameters<typeof askQuestion>[1]) => Promise<T>,
): Promise<{ written: string; answer: T | null }> {
  const screen = new FakeTerminal();
  const stop = new AbortController();
  const { input, output } = screen;
  const asked = put({
    ...{ input, output, screen: screen.screen, signal: stop.signal },
  }).catch((error: unknown) => {
    if (error instanceof Cancelled) return null;
    throw error;
  });
  for (const step of steps) {
    if (typeof step === "number") {
      output.columns = step;
      output.emit("resize");
    } else input.write(step);
    await turn();
    await turn();
  }
  await new Promise((resolve) => setTimeout(resolve, 25));
  await turn();
  stop.abort();
  const answer = await asked;
  expect(input.listenerCount("keypress")).to.equal(0);
  expect(output.listenerCount("resize")).to.equal(0);
  return { written: screen.raw.replace(OURS, ""), answer };
}

describe("a question, whatever is typed and however the window changes,", () => {
  const anySteps = fc.array(anyStep, { maxLength: 12 });

  always(
    "writes nothing but its drawing, takes what can be shown only, and shows nothing of what is hidden",
    anySteps,
    fc.boolean(),
    async (steps, hidden) => {
      const { written, answer } = await play(steps, (streams) =>
        askQuestion(
          { ask: "name", fallback: undefined, hidden, read: (text) => text },
          streams,
        ),
      );
      expect(isPrintable(written.replace(/[\r\n]/g, ""))).to.equal(true);
      if (hidden) expect(written).not.to.match(/日|xxx|e\u0301/);
      if (answer === null) return;
      expect(isPrintable(answer)).to.equal(true);
      expect(answer.length).to.be.at.most(4096);
    },
  );

  always(
    "writes nothing but the drawing of its list",
    anySteps,
    async (steps) => {
      const control = new FakeNode();
      control.remoteList = Array.from({ length: 30 }, (_, at) => ({
        ...SSH,
        ...{ serveid: at + 1, name: `日本-${at}\x1b[2J` },
      }));
      const { written } = await play(steps, (streams) =>
        askArgument(wantedServe(), { control, earlier: {} }, streams),
      );
      expect(isPrintable(written.replace(/[\r\n]/g, ""))).to.equal(true);
    },
  );
});
