// Answers → the text of a commented configuration file. Pure.
// What nobody was asked stands there as a comment, so that the file also teaches.

import { formatServeid } from "../../config/config.js";
import { encodeValue } from "../../config/ini-value.js";
import { wellKnownName } from "../../config/well-known.js";
import { printable } from "../../printable.js";
import type { Endpoint, NodeAnswers, Use } from "./answers.js";

/** What its comments tell people to type. */
export interface Commands {
  /** `./vnet config.ini` */
  start: string;
  /** `./vnet keygen` */
  keygen: string;
}

export function nodeFileText(
  answers: NodeAnswers,
  { start, keygen }: Commands,
): string {
  const { hub, authkey, group, secret, name, offer, use } = answers;
  return lines(
    ...head("A node of a virtual LAN", start),
    "",
    "[route]",
    "; The hub: the machine that all nodes reach.",
    ...endpoint(hub),
    "; Who may use the hub: the key that it printed at its first start.",
    authkey === "" ? ";authkey = KEY" : `authkey = ${encodeValue(authkey)}`,
    "; The hub's own key, as the hub prints it. Without this line it is remembered",
    "; at the first contact, as ssh does.",
    ";fingerprint = SHA256:43-CHARACTERS",
    "",
    "[vnet]",
    "; How the others see this node. Nodes see and reach their own group only.",
    `name = ${encodeValue(name)}`,
    `group = ${encodeValue(group)}`,
    "; With a secret not even a hub that lies can read what the nodes say. It is the",
    "; same on all nodes of the group, never on the hub. This makes one:",
    `;     ${printable(keygen)}`,
    secret === "" ? ";secret = KEY" : `secret = ${encodeValue(secret)}`,
    "; Commands while it runs: show serves, use, unserve, help. Without a keyboard,",
    "; as at boot, it just runs.",
    "terminal = true",
    "; true: others may borrow services of this machine that are not listed here.",
    ";allow_unserve = true",
    "",
    "; What this node offers, one section for each service. Others find it by its",
    "; name; with a serveid of 500-999 also by a number that never changes.",
    ...(offer === null
      ? [";[serve.ssh]", ";serveid = 700", ";port = 22"]
      : serve(offer)),
    "",
    "; What this node uses, one section for each service: serveid = 700, or",
    "; serve = ssh, or serve = ssh@home. Programs here then connect to `port`.",
    ...(use === null
      ? [";[use.ssh]", ";serve = ssh@home", ";port = 2222"]
      : useLines(use)),
  );
}

export function hubFileText(
  listen: Endpoint,
  { start }: Pick<Commands, "start">,
): string {
  return lines(
    ...head("The hub of a virtual LAN", start),
    "",
    "[route]",
    "; Where the hub listens; 0.0.0.0 is every IPv4 address of this machine, without",
    "; an ip it is every address. This is the one port that a firewall has to let in.",
    ...endpoint(listen),
    "; Who may use the hub. auto: a key is made at the first start and printed; every",
    "; node needs it. A key of your own has 8-256 characters.",
    "authkey = auto",
    "",
    "; A group with a key of its own: only this key opens it.",
    ";[group.OTHERS]",
    ";authkey = KEY",
  );
}

function head(what: string, start: string): string[] {
  return [
    `; ${what}. Start it:`,
    // A name could hold the end of a line, and what follows would not be a comment.
    `;     ${printable(start)}`,
    ";",
    "; With --check behind it, it only says what it would do. Every key there is:",
    "; config.ini.example. What authkey and secret protect: docs/security.md.",
    "; Comments begin with ; or #. Keys are in here: keep this file yours alone.",
  ];
}

function endpoint({ ip, port }: Endpoint): string[] {
  return [
    `ip = ${encodeValue(ip)}`,
    ...(port === null ? [] : [`port = ${port}`]),
  ];
}

function serve(offer: Endpoint): string[] {
  const { port } = offer;
  const name =
    port === null ? "service" : (wellKnownName(port) ?? `port-${port}`);
  return [`[serve.${name}]`, ";serveid = 700", ...endpoint(offer)];
}

function useLines({ what, port }: Use): string[] {
  const [label, key, value] =
    "serveid" in what
      ? [`serve-${what.serveid}`, "serveid", formatServeid(what.serveid)]
      : [labelOf(what.serve), "serve", what.serve];
  return [
    `[use.${label}]`,
    `${key} = ${encodeValue(value)}`,
    port === null
      ? "; the service's own port; for another one:\n;port = 2222"
      : `port = ${port}`,
  ];
}

/** A label stands between brackets without quotes. */
function labelOf(serve: string): string {
  const name = serve.replace(/@.*/u, "").replace(/[^\p{L}\p{N}_.-]/gu, "-");
  return name === "" ? "service" : name;
}

function lines(...all: string[]): string {
  return `${all.join("\n")}\n`;
}
