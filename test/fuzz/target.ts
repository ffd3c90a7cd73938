// What a target is, as data: on which stage, what may be said to it, and how one gets there. The list is in targets.ts.

import type { Duplex } from "node:stream";
import { reset } from "../../src/net/reset.js";
import type { Random } from "../support/random.js";
import type { Meaning } from "./magic.js";
import type { Script } from "./script.js";
import type { Stage } from "./stage.js";

export interface Contact {
  duplex: Duplex;
  meaning: Meaning;
  /** Resolves when the next step may be said, where the other side has to ask for it. */
  turn?: () => Promise<void>;
  /** Lets go of what belongs to it; the duplex too. */
  close: () => void;
}

export interface StageKind<S extends Stage = Stage> {
  name: string;
  start: () => Promise<S>;
}

interface Attacked<S extends Stage> {
  name: string;
  /** one line for people */
  about: string;
  stage: StageKind<S>;
  /** how many connections at once */
  width: number;
  /** Pure: the same Random gives the same script. */
  script: (random: Random) => Script;
}

/** A script is what one connection says. */
export interface ConnectedTarget<S extends Stage> extends Attacked<S> {
  /** how long to listen at the end of a script that waits, in ms */
  lingerMs: number;
  /** A place to say it. `index`: the script's number. Rejects when there is none just now. */
  connect: (stage: S, script: Script, index: number) => Promise<Contact>;
}

/** The stage plays a script by itself, and tells which one did harm. */
export interface PlayedTarget<S extends Stage> extends Attacked<S> {
  /** Resolves with the number of inputs. */
  play: (stage: S, script: Script, index: number) => Promise<number>;
}

export type Target<S extends Stage = Stage> =
  ConnectedTarget<S> | PlayedTarget<S>;

/** With the types of its stage forgotten, for a list of different ones. */
export function target<S extends Stage>(made: Target<S>): Target {
  return made as unknown as Target;
}

/** Cuts it off without a word: RST where it is TCP, so that nothing waits in TIME_WAIT. */
export function cutOff(duplex: Duplex): void {
  duplex.on("error", () => undefined);
  reset(duplex);
}
