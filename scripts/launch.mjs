// Makes sure that the program is built and runs it in this same process, so
// that signals, stdin and the exit status are its own. Used by ./route and
// ./vnet only.

import { ensureBuilt, orExit } from "./built.mjs";

/** Runs `route` or `vnet` with the arguments of this process. */
export async function launch(program) {
  const say = (text) => process.stderr.write(`${program}: ${text}\n`);
  await orExit(ensureBuilt({ tests: false, say }), say);
  await import(new URL(`../dist/src/${program}.js`, import.meta.url).href);
}
