// Refuses a Node that is too old, before anything else is read. Loaded first
// by ./route and ./vnet, with early-signals.cjs after it; written so that any old Node can still parse it.
"use strict";

var found = process.versions.node.split(".").map(Number);
if (found[0] < 20 || (found[0] === 20 && found[1] < 19)) {
  console.error(
    "vnet: Node.js 20.19 or newer is needed and this is " +
      process.version +
      "; install a newer one from nodejs.org",
  );
  process.exit(2);
}

require("./early-signals.cjs");
