// `init`: asks a person a few questions and writes a configuration file with the answers.
// Owns nothing but the screen while it asks; starts neither a node nor a hub.

import { Chalk } from "chalk";
import { parseHubConfig } from "../../config/hub-config.js";
import { parseNodeConfig } from "../../config/node-config.js";
import { fitLabel } from "../../config/value.js";
import { Cancelled } from "../command.js";
import { wrap } from "../paragraph.js";
import { printable } from "../../printable.js";
import type { PromptStreams } from "../asking.js";
import { askQuestion } from "../prompts.js";
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
  /** how the program was called: `./vnet` */
  called: string;
  file: string;
  /** Windows has no file modes: what protects a file there is its folder */
  isWindows: boolean;
  /** offered as the node's name */
  hostName: string;
}

/** Wider lines are hard to read. */
const MAX_COLUMNS = 80;
const INDENT = "    ";

/** False: the person gave up, and nothing was written. Throws VnetError `config` when the file cannot be written. */
export async function init(options: InitOptions): Promise<boolean> {
  const { called, file, output, screen } = options;
  const shown = printable(file);
  const say = (text: string, indent = "") => {
    const columns = Math.min(screen.columns, MAX_COLUMNS) - 1;
    output.write(`${wrap(text, columns, indent)}\n`);
  };
  try {
    if (await isTaken(file)) {
      say(`${shown} is there already. Its old text would be kept beside it.`);
      if (!(await askQuestion(OVERWRITE, options))) {
        say(`nothing was written; another file: ${called} init FILE`);
        return false;
      }
      say("");
    }
    const { text, last } = await textFor(options, say);
    const old = await replaceFile(file, text);
    say("");
    say(
      options.isWindows
        ? `${shown} is written. On Windows whoever may read its folder may read it, and the keys in it.`
        : `${shown} is written, for your eyes only (mode 600).`,
    );
    if (old !== null) say(`The former one is ${printable(old)}`);
    if (last !== "") say(last);
    say(`Start it:  ${startOf(options)}`);
    return true;
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    output.write("\n");
    say("nothing was written");
    return false;
  }
}

/** The file's text, which the program's own reader has accepted, and what is to be said at last. */
async function textFor(
  options: InitOptions,
  say: (text: string, indent?: string) => void,
): Promise<{ text: string; last: string }> {
  const { program, called, file, hostName, screen } = options;
  const chalk = new Chalk({ level: screen.color ? 1 : 0 });
  const count = program === "vnet" ? 7 : 1;
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
    `${count === 1 ? "One question" : "Seven questions"}, and ${printable(file)} is written. Enter takes what stands in brackets; Ctrl-C stops, and nothing is written.`,
  );
  const start = startOf(options);
  if (program === "route") {
    const text = hubFileText(await askForHub(interviewer), { start });
    parseHubConfig(text, file);
    return { text, last: "" };
  }
  const name = fitLabel(hostName, "vnet");
  const answers = await askForNode(interviewer, name);
  const text = nodeFileText(answers, { start, keygen: `${called} keygen` });
  parseNodeConfig(text, file);
  const last =
    answers.secret === ""
      ? ""
      : "The secret in it is the group's: write the same line into the file of each other node of the group, and never on the hub.";
  return { text, last };
}

function startOf({ called, file, isWindows }: InitOptions): string {
  const shown = printable(file);
  return `${called} ${isWindows ? quotedForCmd(shown) : quoted(shown)}`;
}

/** As a shell takes it. */
function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}

/** As cmd and PowerShell take it; a quote cannot be in a path there. */
function quotedForCmd(path: string): string {
  return /^[\w.:/\\-]+$/.test(path) ? path : `"${path}"`;
}
