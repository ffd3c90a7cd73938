// `npm run faults`: builds, then runs the fault tests on real processes (test/faults/run.ts) with its options.

import { ensureBuilt, orExit } from "./built.mjs";

const say = (text) => process.stderr.write(`vnet: ${text}\n`);
await orExit(ensureBuilt({ tests: true, say }), say);
// By process.exit everything that was started ends, too.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(signal, () => process.exit(130));
const { main } = await import("../dist/test/faults/run.js");
process.exitCode = await main(process.argv.slice(2));
