// `init`: asks a person a few questions and writes a configuration file with the answers.
// Owns nothing but the screen while it asks; starts neither a node nor a hub.

import { Chalk } from "chalk";
import { parseHubConfig } from "../../config/hub-config.js";
import { parseNodeConfig } from "../../config/node-config.js";
import { fitLabel } from "../../config/value.js";
import { Cancelled } from "../command.js";
import { wrap } from "../paragraph.js";
import { printable } from "../../printable.js";
import { askQuestion, type PromptStreams } from "../prompts.js";
import { hubFileText, nodeFileText } from "./file-text.js";
import {
  askForHub,
  askForNode,
  OVERWRITE,
  type Interviewer,
} from "./interview.js";
import { isTaken, replaceFile } from "./target.js";

export interface InitOptions extends PromptStreams {
  program: "vnet" | "route";
  file: string;
  /** offered as the node's name */
  hostName: string;
}

/** Wider lines are hard to read. */
const MAX_COLUMNS = 80;
const INDENT = "    ";

/** False: the person gave up, and nothing was written. Throws VnetError `config` when the file cannot be written. */
export async function init(options: InitOptions): Promise<boolean> {
  const { program, file, output } = options;
  const shown = printable(file);
  const say = (text: string, indent = "") => {
    const columns = Math.min(output.columns ?? MAX_COLUMNS, MAX_COLUMNS) - 1;
    output.write(`${wrap(text, columns, indent)}\n`);
  };
  try {
    if (await isTaken(file)) {
      say(`${shown} is there already. Its old text would be kept beside it.`);
      if (!(await askQuestion(OVERWRITE, options))) {
        say(`nothing was written; another file: ./${program} init FILE`);
        return false;
      }
      say("");
    }
    const text = await textFor(options, say);
    const old = await replaceFile(file, text);
    say("");
    say(`${shown} is written, for your eyes only (mode 600).`);
    if (old !== null) say(`The former one is ${printable(old)}`);
    say(`Start it:  ./${program} ${quoted(shown)}`);
    return true;
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    output.write("\n");
    say("nothing was written");
    return false;
  }
}

/** The file's text; the program's own reader has accepted it. */
async function textFor(
  options: InitOptions,
  say: (text: string, indent?: string) => void,
): Promise<string> {
  const { program, file, hostName, color } = options;
  const chalk = new Chalk({ level: color ? 1 : 0 });
  const count = program === "vnet" ? 5 : 1;
  let number = 0;
  const interviewer: Interviewer = {
    ask(about, question) {
      number += 1;
      say("");
      say(chalk.bold(`${number}/${count} ${about.title}`));
      say(about.explanation, INDENT);
      return askQuestion(question, options);
    },
  };
  say(
    `${count === 1 ? "One question" : "Five questions"}, and ${printable(file)} is written. Enter takes what stands in brackets; Ctrl-C stops, and nothing is written.`,
  );
  if (program === "route") {
    const text = hubFileText(await askForHub(interviewer), file);
    parseHubConfig(text, file);
    return text;
  }
  const name = fitLabel(hostName, "vnet");
  const text = nodeFileText(await askForNode(interviewer, name), file);
  parseNodeConfig(text, file);
  return text;
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
