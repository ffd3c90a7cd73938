// The table of commands: parsing, questions, help and completion all come from it.
// Order is the order of `help`.

import type { Command } from "../command.js";
import { ping } from "./ping.js";
import { reload } from "./reload.js";
import { save, showChanges } from "./save.js";
import { serveCommands } from "./serve.js";
import { exit, help } from "./session.js";
import { showCommands } from "./show.js";
import { unserve } from "./unserve.js";
import { useCommands } from "./use.js";
import { watch } from "./watch.js";

export const commands: readonly Command[] = [
  ...showCommands,
  showChanges,
  watch,
  ...serveCommands,
  ...useCommands,
  unserve,
  ping,
  reload,
  save,
  help,
  exit,
];
