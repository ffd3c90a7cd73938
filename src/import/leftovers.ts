// Comments for what an importer did not take: nothing of a file is dropped
// without a word. Pure.

import type { Leftover } from "./mapping.js";
import type { Comment } from "./outline.js";

export interface Loss {
  readonly loses: string;
}

/** Why a key has no counterpart. */
export type Reason = string | Loss;

/** By key, whose capital letters do not count; a key counts for those below it too (`log` for `log.level`). */
export type Reasons = Readonly<Record<string, Reason>>;

/** For a key that decided who reaches what. */
export function loses(reason: string): Loss {
  return { loses: reason };
}

export function leftoverComments(
  leftovers: readonly Leftover[],
  reasons: Reasons = {},
): Comment[] {
  const table = new Map(
    Object.entries(reasons).map(([key, reason]) => [key.toLowerCase(), reason]),
  );
  return leftovers.map(({ key, shown, meant }) => {
    const reason =
      meant === undefined
        ? reasonFor(key.toLowerCase(), table)
        : loses(
            `here capital letters count, so that program did not read it either; did you mean ${meant}?`,
          );
    return typeof reason === "string"
      ? { comment: `not imported: ${shown} (${reason})` }
      : { comment: `not imported: ${shown} (${reason.loses})`, isLost: true };
  });
}

function reasonFor(key: string, table: ReadonlyMap<string, Reason>): Reason {
  for (let part = key; part !== ""; part = shorter(part)) {
    const reason = table.get(part);
    if (reason !== undefined) return reason;
  }
  return "no counterpart";
}

function shorter(key: string): string {
  const dot = Math.max(key.lastIndexOf("."), key.lastIndexOf("["));
  return dot < 0 ? "" : key.slice(0, dot);
}
