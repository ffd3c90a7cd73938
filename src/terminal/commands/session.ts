// The commands about the terminal itself: help and exit.

import { matchCommand, unknownCommand } from "../command-line.js";
import { defineCommand, type Argument } from "../command.js";
import { renderCommandHelp, renderHelp } from "../help.js";
import { splitLine } from "../words.js";

const topic: Argument<string> = {
  name: "command",
  ask: "command",
  doc: "one of the commands, or one of its words",
  rest: true,
  parse: (text) => text,
  fallback: () => ({ text: "", value: "" }),
};

export const help = defineCommand({
  name: "help",
  looks: true,
  doc: "list the commands, or explain one; `?` is the same",
  aliases: ["\\?", "\\h", "-h", "man"],
  args: { topic },
  paged: true,
  examples: ["help", "help use run", "help show"],
  run(context, values) {
    const { commands, columns } = context;
    const { words } = splitLine(values.topic);
    const typed = words.map((word) => word.text.toLowerCase()).join(" ");
    const exact = commands.find(({ name }) => name === typed);
    const group = commands.filter(
      ({ name }) => name.startsWith(`${typed} `) || name.endsWith(` ${typed}`),
    );
    const found = exact ?? matchCommand(commands, words);
    if (words.length === 0) context.say(renderHelp(commands, columns));
    else if (found) context.say(renderCommandHelp(found, columns));
    else if (group.length > 0) context.say(renderHelp(group, columns));
    else throw unknownCommand(commands, words);
  },
});

export const exit = defineCommand({
  name: "exit",
  doc: "leave: close what this node opened and end the program",
  aliases: ["quit", "logout", "bye", "\\q", ":q", ".exit"],
  args: {},
  run: (context) => context.leave(),
});
