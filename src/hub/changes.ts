// Changes of a group's directory as frames: cut so that each fits under the cap, however large the whole is.

import { encodeFrame } from "../wire/frame.js";
import type { DirectoryChange } from "../wire/to-node.js";

/** Room for the longest entry is left below the cap of a frame. */
const MAX_BATCH_BYTES = 48 * 1024;

/** As few frames as hold it all; what is gone comes first, and only the last frame says `complete`. */
export function encodeChanges(
  change: Omit<DirectoryChange, "type" | "complete">,
): Buffer[] {
  const batches: DirectoryChange[] = [];
  let bytes = Infinity;
  const batchFor = (entry: unknown): DirectoryChange => {
    const entryBytes = Buffer.byteLength(JSON.stringify(entry)) + 1;
    bytes += entryBytes;
    let batch = batches.at(-1);
    if (batch === undefined || bytes > MAX_BATCH_BYTES) {
      batch = emptyChange();
      batches.push(batch);
      bytes = entryBytes;
    }
    return batch;
  };
  for (const id of change.goneNodes) batchFor(id).goneNodes.push(id);
  for (const id of change.goneServes) batchFor(id).goneServes.push(id);
  for (const node of change.nodes) batchFor(node).nodes.push(node);
  for (const serve of change.serves) batchFor(serve).serves.push(serve);
  if (batches.length === 0) batches.push(emptyChange());
  const last = batches.at(-1);
  if (last !== undefined) last.complete = true;
  return batches.map(encodeFrame);
}

function emptyChange(): DirectoryChange {
  return {
    type: "directory",
    nodes: [],
    goneNodes: [],
    serves: [],
    goneServes: [],
    complete: false,
  };
}
