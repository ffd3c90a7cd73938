// Empty folders for a test's files. They go when the test says so, and at the
// latest with the test process.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folders = new Set<string>();

process.on("exit", () => {
  for (const folder of folders) removeFolder(folder);
});

/** An empty folder that goes with the test process, or by removeFolder. */
export function makeFolder(prefix = "vnet-test-"): string {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  folders.add(folder);
  return folder;
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  folders.delete(folder);
}
