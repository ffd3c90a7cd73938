// What of a node's serves and uses its file does not say: what was made, deleted, opened and closed in the terminal. What an
// unserve brought is not among it, as it ends by itself.

import type { NodeConfig } from "../config/config.js";
import { diffNodeConfig } from "../config/diff.js";
import { planEdits, sectionOf, type EntryChange } from "../config/unsaved.js";
import type { Serves } from "./serves.js";
import type { Uses } from "./uses.js";

interface Parts {
  serves: Serves;
  uses: Uses;
}

/** @param file as it was read last */
export function unsavedChanges(
  { serves, uses }: Parts,
  file: NodeConfig,
): EntryChange[] {
  const isLasting = ({ origin }: { origin: string }) => origin !== "unserve";
  const changes = diffNodeConfig(file, {
    ...file,
    serves: serves
      .all()
      .filter(isLasting)
      .map(({ kept }) => kept),
    uses: uses
      .all()
      .filter(isLasting)
      .map(({ kept }) => kept),
  });
  return changes.filter(isOfEntry);
}

/** These are in the file from now on: the result is what it says. */
export function settleChanges(
  parts: Parts,
  file: NodeConfig,
  changes: readonly EntryChange[],
): NodeConfig {
  for (const change of changes) {
    const { kind, label } = sectionOf(change);
    const entries = kind === "serve" ? parts.serves.all() : parts.uses.all();
    entries.find((entry) => entry.label === label)?.saved();
  }
  return planEdits(changes, file).after;
}

function isOfEntry(change: { kind: string }): change is EntryChange {
  return /^(?:serve|use)-/.test(change.kind);
}
