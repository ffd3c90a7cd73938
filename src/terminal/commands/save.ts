// What was changed in the terminal, and `save`, which writes it into the configuration: the difference first, then the file.

import { formatChange } from "../../config/diff.js";
import {
  planEdits,
  sectionOf,
  type EntryChange,
} from "../../config/unsaved.js";
import { count } from "../../count.js";
import type { NodeControl } from "../../node/control.js";
import { defineCommand, type Argument, type Unsaved } from "../command.js";

const file: Argument<string | null> = {
  name: "file",
  ask: "file",
  doc: "a new file, for a node that was started without one",
  isFile: true,
  parse: (text) => text,
  fallback: () => ({ text: "", value: null }),
};

export const showChanges = defineCommand({
  name: "show changes",
  doc: "what was changed here and is not saved",
  args: {},
  json: true,
  looks: true,
  async run(context) {
    const { control } = context;
    const { changes, notes, file } = context.saves.unsaved(control);
    if (context.json) {
      context.emit({
        file,
        changes: changes.map((change) => changeJson(change, control)),
        notes,
      });
      return;
    }
    await context.lines(changes.map(formatChange));
    await context.lines(notes.map((note) => `- ${note} -`));
    const where = file ?? "a new file";
    context.say(
      changes.length === 0
        ? "nothing is to be saved"
        : `${notSaved(changes)}: ${whatSaves({ changes, file })} into ${where}`,
    );
  },
});

export const save = defineCommand({
  name: "save",
  lasting: true,
  doc: "write what was changed here into the configuration",
  details: [
    "It shows the lines first, and asks, where a person is there to answer. All else in the file stays as it is.",
    "What was borrowed by `unserve` is not saved, nor what comes from the command line.",
  ],
  examples: ["save", "save --yes", "save config.ini"],
  args: { file },
  asks: true,
  async run(context, values) {
    const { control, saves } = context;
    const { changes } = saves.unsaved(control);
    const plan = await saves.prepare(control, values.file);
    await context.diff(plan.diff);
    await context.lines(plan.notes.map((note) => `- ${note} -`));
    if (plan.diff.length === 0) {
      context.say(
        changes.length === 0
          ? "nothing is to be saved"
          : `nothing is to be written: ${plan.file} says all of it already`,
      );
      return;
    }
    await context.confirm(`write this into ${plan.file}`, "yes");
    await plan.write();
    context.say(`the configuration is saved: ${plan.file}`);
  },
});

/** Said to who is about to leave; null: nothing would be lost. */
export function tellUnsaved(unsaved: Unsaved): string | null {
  const { changes } = unsaved;
  if (changes.length === 0) return null;
  return `${notSaved(changes)}: \`show changes\` lists ${itOf(changes)}, ${whatSaves(unsaved)}`;
}

/** `2 changes are not saved` */
function notSaved(changes: readonly EntryChange[]): string {
  const verb = changes.length === 1 ? "is" : "are";
  return `${count(changes.length, "change")} ${verb} not saved`;
}

function whatSaves({
  changes,
  file,
}: Pick<Unsaved, "changes" | "file">): string {
  return `\`${file === null ? "save FILE" : "save"}\` writes ${itOf(changes)}`;
}

function itOf(changes: readonly EntryChange[]): string {
  return changes.length === 1 ? "it" : "them";
}

function changeJson(change: EntryChange, { config }: NodeControl) {
  const { kind, label: name } = sectionOf(change);
  const keys: Record<string, string | null> = {};
  for (const edit of planEdits([change], config).edits) {
    if (edit.kind === "set") keys[edit.key] = edit.value;
    if (edit.kind === "add")
      for (const [key, value] of edit.pairs) keys[key] = value;
  }
  return {
    change: change.kind.slice(kind.length + 1),
    ...{ kind, name },
    // As the file is to say them; null: the key goes.
    keys,
  };
}
