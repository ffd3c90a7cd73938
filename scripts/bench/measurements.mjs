// The table of everything that is measured. A measurement gives one or more
// rows, of one competitor, in one go:
//   name, group (the heading of its table), note (what a reader should know)
//   place       "near", "far" (a delay between nodes and hub), or "fresh": processes started for it alone
//   programs    what it needs on the PATH
//   proxied     true: looks at the proxy's own processes, so "direct" has no figure
//   streams     how many at once, where that matters
//   rows        name, column, unit, better ("more" or "less")
//   run(at)     {row name: number or null}; at: {ports, roles, competitor, targets, seconds, signal, children}

import { bulk } from "./measurements/bulk.mjs";
import { connections } from "./measurements/connections.mjs";
import { growth } from "./measurements/growth.mjs";
import { memory } from "./measurements/memory.mjs";
import { requests } from "./measurements/requests.mjs";
import { besideStalled } from "./measurements/stalled.mjs";

/** @param streams how many "many streams at once" are */
export function measurementsFor({ streams }) {
  return [
    ...[...bulk, ...requests, ...connections, ...growth],
    ...[besideStalled, ...memory(streams)],
  ];
}
