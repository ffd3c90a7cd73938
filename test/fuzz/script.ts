// What the fuzzer says on one connection: pieces of bytes, how they are cut into writes, and how it ends. A script is
// plain data, so that one that did harm can be kept in a file and played again.

import type { Duplex } from "node:stream";
import type { Random } from "../support/random.js";
import { fill } from "./magic.js";
import { pick } from "./mutator.js";
import type { Contact } from "./target.js";

/** fin: our half, and we hear the rest; reset: at once; wait: nothing, for a moment; leave: both halves in good order */
export type Ending = "fin" | "reset" | "wait" | "leave";
export type Cutting = "whole" | "pieces" | "bytes";

export interface Script {
  /** Each is one input: a message, a frame, a request, or all that a connection says. */
  steps: readonly Buffer[];
  cutting: Cutting;
  ending: Ending;
  /** for a target that has several ways to a contact */
  way: string;
}

const DEADLINE_MS = 3_000;
/** More than that is never sent byte by byte. */
const MAX_BYTEWISE = 300;

/** Mostly in a hurry; who is patient hears what the other side has to say, and so is never far ahead of it. */
const HURRIED: readonly Ending[] = [
  ...(["reset", "reset", "reset", "wait", "fin", "leave"] as const),
];
const PATIENT: readonly Ending[] = [
  ...(["fin", "fin", "fin", "fin", "fin", "leave", "wait", "reset"] as const),
];

export function createScript(
  random: Random,
  steps: readonly Buffer[],
  { way = "", isPatient = false } = {},
): Script {
  const cutting = random.chance(0.85)
    ? "whole"
    : pick<Cutting>(random, ["pieces", "bytes"]);
  const ending = pick(random, isPatient ? PATIENT : HURRIED);
  return { steps, cutting, ending, way };
}

/**
 * Plays it on a connection, whose other side may end it at any time. Resolves with the number of steps that went out,
 * the connection being over on our side.
 */
export async function play(
  script: Script,
  { duplex, meaning, turn }: Contact,
  lingerMs: number,
): Promise<number> {
  let played = 0;
  const deadline = performance.now() + DEADLINE_MS;
  const isOver = () =>
    duplex.destroyed || !duplex.writable || performance.now() > deadline;
  duplex.on("error", () => undefined);
  duplex.resume();
  for (const step of script.steps) {
    if (played > 0) await turn?.();
    if (isOver()) break;
    played++;
    const bytes = fill(step, meaning);
    for (const piece of piecesOf(bytes, script.cutting)) {
      if (isOver()) break;
      if (!duplex.write(piece)) await settled(duplex, "drain", 1_000);
      else if (script.cutting !== "whole") await nextTurn();
    }
    // The other side may have something to say against it.
    if (played % 16 === 0) await nextTurn();
  }
  if (script.ending === "wait") await settled(duplex, "close", lingerMs);
  else if (script.ending !== "reset") {
    duplex.end();
    if (script.ending === "fin") await settled(duplex, "close", 4 * lingerMs);
    else await settled(duplex, "end", lingerMs);
  }
  return played;
}

function piecesOf(bytes: Buffer, cutting: Cutting): Buffer[] {
  if (bytes.length === 0) return [];
  if (cutting === "whole") return [bytes];
  const size =
    cutting === "bytes" && bytes.length <= MAX_BYTEWISE
      ? 1
      : Math.max(7, Math.ceil(bytes.length / 40));
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size)
    pieces.push(bytes.subarray(at, at + size));
  return pieces;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Resolves with the event, the connection's end, or after that time. */
function settled(
  duplex: Duplex,
  event: "drain" | "close" | "end",
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      duplex.off(event, done).off("close", done);
      resolve();
    };
    const timer = setTimeout(done, timeoutMs);
    if (duplex.destroyed) done();
    else duplex.once(event, done).once("close", done);
  });
}
