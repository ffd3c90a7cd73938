// The process of a terminal under fuzz: plays the sessions that its stage sends, one after the other, and answers what
// came of each. A program; whatever ends it or stops it is a find.

import type { Script } from "../script.js";
import { playSession } from "./session.js";

export interface Asked {
  script: Script | null;
}

let last: Promise<unknown> = Promise.resolve();

process.on("message", ({ script }: Asked) => {
  // Without a script: whether we are there at all.
  if (script === null) process.send?.({ isWell: true });
  else last = last.then(async () => process.send?.(await playSession(script)));
});
process.once("disconnect", () => process.exit());
