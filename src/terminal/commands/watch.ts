// Draws again and again what another command shows.

import { defineCommand, type Argument } from "../command.js";

const line: Argument<string> = {
  name: "command",
  ask: "what to watch",
  doc: "a `show` command with all that it takes, or `ping`",
  parse: (text) => text,
};

export const watch = defineCommand({
  name: "watch",
  wraps: true,
  doc: "draw a list again at each change, and every 2 seconds; q ends it",
  details: [
    "A list is cut to the height of the screen: the first rows, and how many there are. q, Enter, Esc, Ctrl-C or Ctrl-D ends it. News that come meanwhile are printed afterwards.",
  ],
  examples: ["watch show use", "watch show serves ssh", "watch ping home"],
  args: { line },
  run: (context, values) => context.watch(values.line),
});
