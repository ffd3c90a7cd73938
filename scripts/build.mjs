// `npm run build`: makes dist/ where it is missing or out of date.

import { ensureBuilt, orExit } from "./built.mjs";

const say = (text) => process.stderr.write(`vnet: ${text}\n`);
await orExit(ensureBuilt({ tests: false, say }), say);
