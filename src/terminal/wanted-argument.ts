// The arguments of a use: what it wants (a serve by id or name, or an address at a node), and where it listens.
// TAB offers what the directory has; nothing asks the hub.

import { formatServeid, SERVEID, type UseSettings } from "../config/config.js";
import { parseName } from "../config/target.js";
import { SERVE_NAME, TO, wholeNumber } from "../config/value.js";
import type { ListedServe, NodeControl, RemoteServe } from "../node/control.js";
import { VnetError } from "../errors.js";
import { isNumber, port, read } from "./arguments.js";
import type { Argument, Choice } from "./command.js";
import { quoteWord } from "./words.js";

const SERVEIDS = wholeNumber(SERVEID.min, SERVEID.max);

/** What a use wants, as the configuration's keys of the same names. */
export type Wanted = Pick<UseSettings, "serveid" | "serve" | "to">;

/** A serve of the group, there or not: by id, by name, or by an address at a node. */
export function wantedServe(): Argument<Wanted> {
  const nothing: Wanted = { serveid: SERVEID.none, serve: "", to: "" };
  return {
    name: "serve",
    // As the configuration's keys are called.
    aliases: ["serveid", "to"],
    ask: "serve (id, NAME, NAME@NODE or NODE:PORT)",
    doc: "serveid or name as `show serves` lists them, NAME@NODE, or NODE:PORT for what is not registered",
    parse(text, { control }) {
      refusePort(text, control);
      if (isNumber(text))
        return { ...nothing, serveid: read(SERVEIDS, "serveid", text) };
      if (TO.parse(text) !== undefined) return { ...nothing, to: text };
      const allowed = `a serveid (1–999), ${SERVE_NAME.allowed}, or ${TO.allowed}`;
      return { ...nothing, serve: read(SERVE_NAME, "serve", text, allowed) };
    },
    *suggest(control) {
      for (const { trusted, serveid, name, vnet } of control.knownServes())
        if (trusted !== "no")
          yield* [formatServeid(serveid), name, `${name}@${vnet}`];
    },
    choices: (control) => usableServes(control),
  };
}

/** Those of others, the newest first; behind them those whose service is down, and at last what is in use here. */
function usableServes(control: NodeControl): Choice[] {
  const { vnetid: own } = control.view();
  const used = new Set(
    control.uses().flatMap(({ remote }) => (remote ? [keyOf(remote)] : [])),
  );
  const ranks: [up: Choice[], down: Choice[], used: Choice[]] = [[], [], []];
  // In the order of registration.
  for (const serve of [...control.knownServes()].reverse()) {
    if (serve.trusted === "no" || serve.vnetid === own) continue;
    const { serveid, name, vnet, type, info } = serve;
    const [rank, mark] = used.has(keyOf(serve))
      ? ([2, " (in use)"] as const)
      : serve.service === "down"
        ? ([1, " (service is down)"] as const)
        : ([0, ""] as const);
    ranks[rank].push({
      cells: [formatServeid(serveid), name + mark, vnet, type, info],
      text: () => textFor(serve, control),
    });
  }
  return ranks.flat();
}

function keyOf({ serveid, vnetid }: RemoteServe): string {
  return `${serveid} ${vnetid}`;
}

/** What means this serve alone: its name and node, which stay when the hub gives another id. */
function textFor(serve: ListedServe, control: NodeControl): string {
  const text = `${serve.name}@${serve.vnet}`;
  const wanted: Wanted = { serveid: SERVEID.none, serve: text, to: "" };
  const isName = SERVE_NAME.parse(text) !== undefined && !text.includes(":");
  const fitting = [...control.knownServes()].filter((each) =>
    isWanted(each, wanted),
  );
  const isThis =
    fitting.length === 1 &&
    fitting.some((each) => keyOf(each) === keyOf(serve));
  return isName && isThis ? text : formatServeid(serve.serveid);
}

/**
 * The form of --use, `700:1122` and `ssh@home:1122`, would be read as NODE:PORT. Throws VnetError `usage` unless there is
 * such a node. NODE:IP:PORT says that a node is meant, whatever its name.
 */
function refusePort(text: string, control: NodeControl): void {
  const [, what = "", behind] = /^([^:]+):(\d+)$/.exec(text) ?? [];
  if (behind === undefined) return;
  const isName = isNumber(what) || what.includes("@");
  const isServe = isName || some(control.knownServes(), what);
  if (!isServe || some(control.knownNodes(), what)) return;
  throw new VnetError(
    "usage",
    `serve "${text}": the port stands apart here: ${quoteWord(what)} ${behind}; at a node with the name ${what} it is ${quoteWord(`${what}:127.0.0.1:${behind}`)}`,
  );
}

function some(all: Iterable<{ name: string }>, wanted: string): boolean {
  for (const { name } of all) if (name === wanted) return true;
  return false;
}

function findWanted(
  serves: Iterable<ListedServe>,
  wanted: Wanted,
): ListedServe | undefined {
  for (const serve of serves)
    if (serve.trusted !== "no" && isWanted(serve, wanted)) return serve;
  return undefined;
}

function isWanted(serve: RemoteServe, { serveid, serve: text }: Wanted) {
  if (text === "") return serve.serveid === serveid;
  const { name, node } = parseName(text);
  return serve.name === name && (node === null || serve.vnet === node);
}

/** The port to listen on; `same` (0): the serve's own, whatever it will be. */
export function listenPort(): Argument<number> {
  const plain = port();
  return {
    ...plain,
    doc: "1–65535, or same: the serve's own port",
    fits: (word) => isNumber(word) || word === "same",
    parse: (text, scope) => (text === "same" ? 0 : plain.parse(text, scope)),
    fallback({ control, earlier }) {
      const wanted = earlier.wanted as Wanted | undefined;
      return {
        // Looked for only where it is shown, or something was typed.
        get text() {
          const known = wanted && findWanted(control.knownServes(), wanted);
          return known ? String(known.port) : "same";
        },
        value: 0,
      };
    },
  };
}
