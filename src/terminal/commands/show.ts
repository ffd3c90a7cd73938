// The commands that only look: own serves and uses, the group's serves and nodes, this node.

import { formatVnetid } from "../../config/config.js";
import { count } from "../../count.js";
import type { NodeView, ServeView, UseView } from "../../node/control.js";
import {
  defineCommand,
  type Command,
  type CommandContext,
} from "../command.js";
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
  entries: readonly T[];
  row: (entry: T) => string[];
  json: (entry: T) => unknown;
  /** said instead of an empty table */
  empty: string;
}

/** true when there was something to show to a person */
function showList<T>(context: CommandContext, list: List<T>): boolean {
  const { columns, entries } = list;
  if (context.json) context.emit(entries.map(list.json));
  else if (entries.length === 0) context.say(list.empty);
  else context.table({ columns, rows: entries.map(list.row) });
  return !context.json && entries.length > 0;
}

/** What a guest cannot know of the entries of its file: another node may run with that file, and have them open. */
function shownEntries<T extends ServeView | UseView>(
  { control }: CommandContext,
  entries: readonly T[],
  settings: readonly { label: string; active: boolean }[],
): Shown<T>[] {
  const { guest } = control.view();
  const isMeant = (label: string) =>
    settings.some((each) => each.label === label && each.active);
  return entries.map((entry) => ({
    ...entry,
    active: guest ? isMeant(entry.label) : entry.active,
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
  args: {},
  json: true,
  run(context) {
    const { control } = context;
    showList(context, {
      columns: SERVE_COLUMNS,
      entries: shownEntries(context, control.serves(), control.config.serves),
      row: serveRow,
      json: serveJson,
      empty: control.view().guest
        ? "the file has no serve"
        : "this node has no serve: `serve run PORT` offers one",
    });
    sayGuest(context, "serve");
  },
});

const showUse = defineCommand({
  name: "show use",
  doc: "this node's uses, and whom they reach",
  args: {},
  json: true,
  run(context) {
    const { control } = context;
    showList(context, {
      columns: USE_COLUMNS,
      entries: shownEntries(context, control.uses(), control.config.uses),
      row: useRow,
      json: useJson,
      empty: control.view().guest
        ? "the file has no use"
        : "this node has no use: `use run SERVEID` maps one that `show serves` lists",
    });
    sayGuest(context, "use");
  },
});

const showServes = defineCommand({
  name: "show serves",
  doc: "the group's serves",
  args: {},
  json: true,
  run(context) {
    const entries = context.control.remoteServes();
    const { group } = context.control.view();
    const shown = showList(context, {
      columns: REMOTE_SERVE_COLUMNS,
      entries,
      row: remoteServeRow,
      json: listedServeJson,
      empty: `nobody in group ${group} offers a serve: \`serve run PORT\` offers one`,
    });
    if (!shown) return;
    const nodes = new Set(entries.map(({ vnetid }) => vnetid)).size;
    context.say(
      `- ${count(nodes, "node")}, ${count(entries.length, "serve")} -`,
    );
  },
});

const showVnet = defineCommand({
  name: "show vnet",
  doc: "this node: name, group, hub, settings, traffic",
  args: {},
  json: true,
  run(context) {
    const view = context.control.view();
    if (context.json) context.emit(nodeJson(view));
    else context.card(nodeCard(view));
  },
});

const showVnets = defineCommand({
  name: "show vnets",
  doc: "the group's nodes",
  args: {},
  json: true,
  run(context) {
    showList(context, {
      columns: REMOTE_NODE_COLUMNS,
      entries: context.control.remoteNodes(),
      row: remoteNodeRow,
      json: remoteNodeJson,
      empty: `no node of group ${context.control.view().group} is at the hub`,
    });
  },
});

export const showCommands: readonly Command[] = [
  showServe,
  showUse,
  showServes,
  showVnet,
  showVnets,
];

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
