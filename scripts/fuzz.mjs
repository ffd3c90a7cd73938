// `npm run fuzz`: builds the tests, to which the fuzzer belongs, and runs it in
// this process. Options: `npm run fuzz -- --help`.

import { ensureBuilt, orExit } from "./built.mjs";

const say = (text) => process.stderr.write(`fuzz: ${text}\n`);
await orExit(ensureBuilt({ tests: true, say }), say);
const { main } = await import(
  new URL("../dist/test/fuzz/main.js", import.meta.url).href
);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.once(signal, () => process.exit(130));
try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  say(error.message);
  process.exit(2);
}
