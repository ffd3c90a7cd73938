// The commands that only look: own serves and uses, the group's serves and nodes, this node.

import { formatVnetid } from "../../config/config.js";
import { count } from "../../count.js";
import type {
  ListedServe,
  NodeControl,
  NodeView,
  RemoteNode,
  ServeView,
  Trust,
  UseView,
} from "../../node/control.js";
import { latestFirst } from "../../node/directory.js";
import {
  defineCommand,
  type Argument,
  type Command,
  type CommandContext,
} from "../command.js";
import { Pattern } from "../pattern.js";
import { collect, mapped, sorted } from "../portions.js";
import {
  listedServeJson,
  REMOTE_NODE_COLUMNS,
  REMOTE_SERVE_COLUMNS,
  remoteNodeJson,
  remoteNodeRow,
  remoteServeRow,
  SERVE_COLUMNS,
  serveJson,
  serveRow,
  type Shown,
  USE_COLUMNS,
  useJson,
  useRow,
} from "./rows.js";

interface List<T> {
  columns: readonly string[];
  entries: Iterable<T>;
  /** absent: they are in order */
  compare?: (a: T, b: T) => number;
  row: (entry: T) => string[];
  json: (entry: T) => unknown;
  /** said instead of an empty table */
  empty: string;
}

interface Selected<T> {
  /** all that fit; the first of them are shown */
  fitting: readonly T[];
  shown: readonly T[];
  /** how many there are altogether */
  total: number;
}

const pattern: Argument<Pattern> = {
  name: "pattern",
  ask: "pattern",
  doc: "only rows that have this word in a column; of several words, all of them; where it has a *, the whole cell must fit: ssh*",
  rest: true,
  parse: (text) => new Pattern(text),
  fallback: () => ({ text: "", value: new Pattern("") }),
};

/** What all lists take. */
const listed = {
  args: { pattern },
  json: true,
  limited: true,
  looks: true,
  paged: true,
} as const;

/** The list, or what is said instead; then the summary of what a person sees, where there is one. */
async function showList<T>(
  context: CommandContext,
  pattern: Pattern,
  list: List<T>,
  summary: (selected: Selected<T>) => string | null,
): Promise<void> {
  const selected = await select(context, pattern, list);
  const { fitting, shown, total } = selected;
  if (context.json) return context.emitList(mapped(shown, list.json));
  if (total === 0) context.say(list.empty);
  else if (fitting.length === 0)
    context.say(
      `none of ${total} fits "${pattern.text}"; it is looked for in each column, and * stands for anything`,
    );
  else {
    const rows = mapped(shown, list.row);
    await context.table({ columns: list.columns, rows });
    const text = summary(selected);
    if (text !== null) context.say(text);
  }
}

async function select<T>(
  { limit, signal }: CommandContext,
  pattern: Pattern,
  { entries, compare, row }: List<T>,
): Promise<Selected<T>> {
  let total = 0;
  const judged = mapped(entries, (entry) => {
    total++;
    return pattern.isEmpty || pattern.fits(row(entry)) ? entry : null;
  });
  const found = await collect(judged, signal);
  const fitting = compare ? await sorted(found, compare, signal) : found;
  const shown = limit < fitting.length ? fitting.slice(0, limit) : fitting;
  return { fitting, shown, total };
}

/** `- 3 nodes, the first 2 are shown -`; null where all that there is was shown. */
function summaryOf<T>(
  noun: string,
  { fitting, shown, total }: Selected<T>,
): string | null {
  const all = fitting.length === total;
  if (all && shown.length === fitting.length) return null;
  return `- ${countOf(noun, { fitting, shown, total })} -`;
}

function countOf<T>(
  noun: string,
  { fitting, shown, total }: Selected<T>,
): string {
  const what =
    fitting.length === total
      ? count(total, noun)
      : `${fitting.length} of ${count(total, noun)}`;
  return shown.length === fitting.length
    ? what
    : `${what}, the first ${shown.length} shown`;
}

/** What a guest cannot know of the entries of its file: another node may run with that file, and have them open. */
function shownEntries<T extends ServeView | UseView>(
  { control }: CommandContext,
  entries: readonly T[],
  settings: readonly { label: string; active: boolean }[],
): Shown<T>[] {
  const { guest } = control.view();
  const meant = new Set(
    settings.filter(({ active }) => active).map(({ label }) => label),
  );
  return entries.map((entry) => ({
    ...entry,
    active: guest ? meant.has(entry.label) : entry.active,
    state: guest ? "unknown" : entry.state,
    guest,
  }));
}

function sayGuest(context: CommandContext, what: string): void {
  if (!context.json && context.control.view().guest)
    context.say(
      `- a guest of -e, which opens no ${what}: these are the file's; how they are at a running node is seen in its terminal -`,
    );
}

const showServe = defineCommand({
  name: "show serve",
  doc: "this node's serves",
  ...listed,
  async run(context, { pattern }) {
    const { control } = context;
    const list = {
      columns: SERVE_COLUMNS,
      entries: shownEntries(context, control.serves(), control.config.serves),
      row: serveRow,
      json: serveJson,
      empty: control.view().guest
        ? "the file has no serve"
        : "this node has no serve: `serve run PORT` offers one",
    };
    await showList(context, pattern, list, (selected) =>
      summaryOf("serve", selected),
    );
    sayGuest(context, "serve");
  },
});

const showUse = defineCommand({
  name: "show use",
  doc: "this node's uses, and whom they reach",
  ...listed,
  async run(context, { pattern }) {
    const { control } = context;
    const list = {
      columns: USE_COLUMNS,
      entries: shownEntries(context, control.uses(), control.config.uses),
      row: useRow,
      json: useJson,
      empty: control.view().guest
        ? "the file has no use"
        : "this node has no use: `use run SERVEID` maps one that `show serves` lists",
    };
    await showList(context, pattern, list, (selected) =>
      summaryOf("use", selected),
    );
    sayGuest(context, "use");
  },
});

const showServes = defineCommand({
  name: "show serves",
  doc: "the group's serves",
  examples: ["show serves", "show serves ssh home", "show serves --limit 20"],
  ...listed,
  async run(context, { pattern }) {
    const { group } = context.control.view();
    const provable = isProvable(context.control);
    const list = {
      columns: REMOTE_SERVE_COLUMNS,
      entries: context.control.remoteServes(),
      compare: byServeid,
      row: (serve: ListedServe) => remoteServeRow(serve, provable),
      json: listedServeJson,
      empty: `nobody in group ${group} offers a serve: \`serve run PORT\` offers one`,
    };
    await showList(context, pattern, list, (selected) => {
      const nodes = new Set(selected.fitting.map(({ vnetid }) => vnetid)).size;
      return `- ${count(nodes, "node")}, ${countOf("serve", selected)} -`;
    });
  },
});

const showVnet = defineCommand({
  name: "show vnet",
  doc: "this node: name, group, hub, settings, traffic",
  args: {},
  json: true,
  looks: true,
  paged: true,
  async run(context) {
    const view = context.control.view();
    if (context.json) context.emit(nodeJson(view));
    else await context.card(nodeCard(view));
  },
});

const showVnets = defineCommand({
  name: "show vnets",
  doc: "the group's nodes",
  ...listed,
  async run(context, { pattern }) {
    const list = {
      columns: REMOTE_NODE_COLUMNS,
      entries: context.control.remoteNodes(),
      compare: byVnetid,
      row: (node: RemoteNode) =>
        remoteNodeRow(node, isProvable(context.control)),
      json: remoteNodeJson,
      empty: `no node of group ${context.control.view().group} is at the hub`,
    };
    await showList(context, pattern, list, (selected) =>
      summaryOf("node", selected),
    );
  },
});

export const showCommands: readonly Command[] = [
  showServe,
  showUse,
  showServes,
  showVnet,
  showVnets,
];

/** Whether nodes can show that they belong to the group. */
function isProvable({ config }: NodeControl): boolean {
  return config.vnet.secret !== "";
}

/** What is not trusted comes last. */
function byServeid(a: ListedServe, b: ListedServe): number {
  return (
    lastness(a) - lastness(b) ||
    a.serveid - b.serveid ||
    latestFirst(a, b) ||
    a.vnetid - b.vnetid
  );
}

function byVnetid(a: RemoteNode, b: RemoteNode): number {
  return lastness(a) - lastness(b) || a.vnetid - b.vnetid;
}

function lastness({ trusted }: { trusted: Trust }): number {
  return trusted === "no" ? 1 : 0;
}

/** The settings as the file names them. */
function settingsOf({ settings }: NodeView) {
  return {
    terminal: settings.terminal,
    startserve: settings.startserve,
    startuse: settings.startuse,
    allow_unserve: settings.allowUnserve,
    unserve_remote: settings.unserveRemote,
    unserve_num: settings.unserveNum,
    unserve_ttl: settings.unserveTtlSeconds,
    unserve_linger: settings.unserveLingerSeconds,
    encrypt: settings.encrypt,
    // Whether there is one; never what it is.
    secret: settings.secret === "" ? "none" : "set",
  };
}

function nodeJson(view: NodeView) {
  const { now, total, bytesIn, bytesOut } = view.streams;
  return {
    name: view.name,
    guest: view.guest,
    group: view.group,
    vnetid: view.vnetid === 0 ? null : formatVnetid(view.vnetid),
    fingerprint: view.fingerprint,
    hub: view.hub,
    hub_fingerprint: view.hubFingerprint === "" ? null : view.hubFingerprint,
    link_state: view.link,
    link_error: view.linkError,
    rtt_ms: view.rttMs,
    settings: settingsOf(view),
    streams: { now, total },
    bytes: { in: bytesIn, out: bytesOut },
    channels: view.channels,
  };
}

function nodeCard(view: NodeView) {
  const { now, total, bytesIn, bytesOut } = view.streams;
  const why = view.waitsFor ?? view.linkError;
  const link =
    (why === null || why === view.link ? view.link : `${view.link}: ${why}`) +
    (view.rttMs === null ? "" : ` (${view.rttMs.toFixed(1)} ms)`);
  const pairs: [string, string][] = [
    ["name", view.name],
    ...guestPair(view),
    ["group", view.group],
    ["vnetid", view.vnetid === 0 ? "-" : formatVnetid(view.vnetid)],
    ["fingerprint", view.fingerprint],
    ["hub", view.hub],
    ["hub's key", view.hubFingerprint === "" ? "-" : view.hubFingerprint],
    ["link state", link],
    ...Object.entries(settingsOf(view)).map(
      ([key, value]): [string, string] => [key, String(value)],
    ),
    ["streams", `${now} now, ${total} since the start`],
    ["bytes", `${formatBytes(bytesIn)} in, ${formatBytes(bytesOut)} out`],
    ["channels", `${view.channels.busy} busy, ${view.channels.idle} idle`],
  ];
  return {
    columns: pairs.map(([key]) => key),
    rows: [pairs.map(([, value]) => value)],
  };
}

function guestPair({ guest }: NodeView): [string, string][] {
  if (!guest) return [];
  return [
    [
      "guest",
      "yes, a node of its own for -e: nobody sees it, and all below is of it",
    ],
  ];
}

function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let at = 0;
  for (; value >= 1024 && at < units.length - 1; at++) value /= 1024;
  return `${at === 0 ? value : value.toFixed(1)} ${units[at]}`;
}
