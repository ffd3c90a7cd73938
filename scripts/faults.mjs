// `npm run faults`: builds, then runs the fault tests on real processes (test/faults/run.ts) with its options.

import { ensureBuilt, orExit } from "./build.mjs";

const say = (text) => process.stderr.write(`vnet: ${text}\n`);
await orExit(ensureBuilt({ tests: true, say }), say);
const { main } = await import("../dist/test/faults/run.js");
process.exitCode = await main(process.argv.slice(2));
