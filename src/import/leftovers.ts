// Comments for what an importer did not take: nothing of a file is dropped
// without a word. Pure.

import type { Leftover } from "./mapping.js";
import type { Comment } from "./outline.js";

/** Why a key has no counterpart; a key counts for those below it too (`log` for `log.level`). */
export type Reasons = Readonly<Record<string, string>>;

export function leftoverComments(
  leftovers: readonly Leftover[],
  reasons: Reasons = {},
): Comment[] {
  return leftovers.map(({ key, shown }) => ({
    comment: `not imported: ${shown} (${reasonFor(key, reasons)})`,
  }));
}

function reasonFor(key: string, reasons: Reasons): string {
  for (let part = key; part !== ""; part = shorter(part))
    if (Object.hasOwn(reasons, part)) return reasons[part] ?? "";
  return "no counterpart";
}

function shorter(key: string): string {
  const dot = key.lastIndexOf(".");
  return dot < 0 ? "" : key.slice(0, dot);
}
