// The argument that means one of this node's own serves or uses: by its name in this node, by the name that the group
// sees, or by serveid. Two entries that fit are an error that lists them; `name=…`, of this node only, tells them apart.

import { VnetError } from "../errors.js";
import type { NodeControl, ServeView, UseView } from "../node/control.js";
import { formatAddress } from "./address.js";
import { someOf, wrong } from "./arguments.js";
import type { Argument, Choice } from "./command.js";
import { formatId } from "./commands/rows.js";
import { quoteWord } from "./words.js";

type Entry = (ServeView | UseView) & { name?: string };

interface EntryKind {
  /** the word for it: serve, use */
  what: string;
  list(control: NodeControl): Entry[];
}

const SERVES: EntryKind = { what: "serve", list: (node) => node.serves() };
const USES: EntryKind = { what: "use", list: (node) => node.uses() };

/** The name in this node (its label) of an own serve; TAB offers those that `wanted` accepts. */
export function ownServe(wanted: (entry: Entry) => boolean): Argument<string> {
  return ownEntry(SERVES, wanted);
}

/** The name of an own use. */
export function ownUse(wanted: (entry: Entry) => boolean): Argument<string> {
  return ownEntry(USES, wanted);
}

function ownEntry(
  kind: EntryKind,
  wanted: (entry: Entry) => boolean,
): Argument<string> {
  return {
    name: "id-or-name",
    ask: `which ${kind.what} (id or name)`,
    doc: `serveid or name of a ${kind.what} of this node, as \`show ${kind.what}\` lists them`,
    parse: (text, { control }) => resolve(kind, text, kind.list(control)),
    suggest: (control) => kind.list(control).filter(wanted).flatMap(handlesOf),
    choices: (control) => choicesOf(kind.list(control), wanted),
  };
}

/** The newest first. */
function choicesOf(
  entries: Entry[],
  wanted: (entry: Entry) => boolean,
): Choice[] {
  const textFor = ({ label }: Entry) => {
    const fitting = entries.filter((each) => handlesOf(each).includes(label));
    return fitting.length === 1 ? label : `name=${label}`;
  };
  return entries
    .filter(wanted)
    .reverse()
    .map((entry) => ({
      cells: [
        formatId(entry),
        entry.label,
        formatAddress(entry.ip, entry.port),
        entry.state,
      ],
      text: () => textFor(entry),
    }));
}

function resolve(kind: EntryKind, text: string, entries: Entry[]): string {
  const byLabel = /^name=(.*)$/is.exec(text)?.[1];
  const fitting = entries.filter((entry) =>
    byLabel === undefined
      ? handlesOf(entry).includes(text) || isIdOf(entry, text)
      : entry.label === byLabel,
  );
  const [only] = fitting;
  const command = `show ${kind.what}`;
  if (only && fitting.length === 1) return only.label;
  if (only)
    throw new VnetError(
      "usage",
      `"${text}" fits ${someOf(fitting, describe, command)}: give ${fitting
        .slice(0, 2)
        .map(({ label }) => `name=${quoteWord(label)}`)
        .join(" or ")}${fitting.length > 2 ? " …" : ""}`,
    );
  if (entries.length === 0)
    throw new VnetError(
      "usage",
      `this node has no ${kind.what}: \`${kind.what} run\` makes one`,
    );
  throw wrong(kind.what, text, `one of ${someOf(entries, describe, command)}`);
}

function handlesOf(entry: Entry): string[] {
  const hasId = entry.serveid > 0 || entry.unserve !== undefined;
  const id = hasId ? [formatId(entry)] : [];
  const name = entry.name === undefined ? [] : [entry.name];
  return [...new Set([entry.label, ...name, ...id])];
}

function isIdOf(entry: Entry, text: string): boolean {
  return (
    /^\d{1,3}$/.test(text) &&
    entry.serveid > 0 &&
    Number(text) === entry.serveid
  );
}

function describe(entry: Entry): string {
  const address = formatAddress(entry.ip, entry.port);
  return `${entry.label} (${formatId(entry)}, ${address})`;
}
