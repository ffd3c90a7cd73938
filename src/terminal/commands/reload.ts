// Reads the configuration again and applies what differs; a file with an error changes nothing.

import { count } from "../../count.js";
import { formatChange } from "../../config/diff.js";
import { defineCommand, type Argument } from "../command.js";
import { mapped } from "../portions.js";

const file: Argument<string | null> = {
  name: "file",
  ask: "file",
  doc: "a configuration file; without it the one this node was started with",
  isFile: true,
  parse: (text) => text,
  fallback: () => ({ text: "", value: null }),
};

export const reload = defineCommand({
  name: "reload",
  lasting: true,
  doc: "read the configuration again and apply what differs",
  details: [
    "What was made in the terminal stays. A file with an error changes nothing.",
  ],
  args: { file },
  async run(context, values) {
    const config = await context.loadConfig(values.file);
    await context.lines(config.warnings.map((warning) => `! ${warning}`));
    const changes = await context.control.reload(config);
    await context.lines(mapped(changes, formatChange));
    const what =
      changes.length === 0
        ? "nothing differs"
        : count(changes.length, "change");
    context.say(`the configuration is reloaded: ${what}`);
  },
});
