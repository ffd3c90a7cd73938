// What the command line says in place of a file, or on top of one, as sections like those of a file: so everything is
// checked in one place and in the same words. Pure.
//
//   --serve 22,name=ssh → [serve.ssh] port=22 name=ssh        --use mysql@home:3306 → [use.mysql@home] serve=… port=3306

import { overrides } from "./key-files.js";
import { isLink } from "./link.js";
import { SECTIONS } from "./schema.js";
import { wellKnownName } from "./well-known.js";
import { VnetError } from "../errors.js";
import type { IniEntry, IniSection } from "./ini.js";

/** The flag's value goes into that key of that section. */
export type FlagTarget =
  | { section: "route" | "vnet" | "log"; key: string }
  /** `HOST` or `HOST:PORT` of the hub */
  | { section: "route"; key: null }
  /** each one is a section of its own */
  | { section: "serve" | "use" | "public"; key: null };

export interface Flag {
  /** as written, for messages: `--serve` */
  name: string;
  target: FlagTarget;
  value: string;
}

/** Line 0 says in a message that it came from the command line. */
const LINE = 0;

/** Throws VnetError `usage` for what cannot be taken apart. */
export function sectionsFromFlags(flags: readonly Flag[]): IniSection[] {
  const sections = new Map<string, IniSection>();
  for (const flag of flags) {
    const { section, key } = flag.target;
    if (key !== null) put(open(sections, section), key, flag.value);
    else if (section === "route") putHub(open(sections, "route"), flag.value);
    else addEntry(sections, section, flag);
  }
  return [...sections.values()];
}

/** The file's sections with those of the command line over them. */
export function mergeSections(
  file: readonly IniSection[],
  flags: readonly IniSection[],
): IniSection[] {
  const merged = new Map(file.map((section) => [section.name, section]));
  for (const section of flags) {
    const base = merged.get(section.name);
    merged.set(
      section.name,
      base === undefined
        ? section
        : { ...base, entries: overlay(base.entries, section.entries) },
    );
  }
  return [...merged.values()];
}

type Entries = IniSection["entries"];

function overlay(base: Entries, over: Entries): Entries {
  const merged = new Map(base);
  for (const key of over.keys())
    for (const each of overrides(key)) if (each !== key) merged.delete(each);
  return new Map([...merged, ...over]);
}

function open(sections: Map<string, IniSection>, name: string): IniSection {
  let section = sections.get(name);
  if (section === undefined) {
    section = { name, line: LINE, entries: new Map<string, IniEntry>() };
    sections.set(name, section);
  }
  return section;
}

function put(section: IniSection, key: string, value: string): void {
  section.entries.set(key, { key, value, line: LINE });
}

/** `10.0.0.1:4000`, `hub.example`, `[::1]:4000`, `unix:/run/hub.sock` */
function putHub(section: IniSection, value: string): void {
  const { host, port } = splitPort(value);
  put(section, "ip", host);
  if (port !== null) put(section, "port", port);
}

/** `--serve 22,name=ssh`: what stands in front, then keys of the section. */
function addEntry(
  sections: Map<string, IniSection>,
  kind: "serve" | "use" | "public",
  { name, value }: Flag,
): void {
  const [first = "", ...rest] = splitKeys(value, kind);
  const hasHead = !/^[a-z_]+=/.test(first);
  const pairs = (hasHead ? rest : [first, ...rest]).map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  const entries = new Map<string, string>();
  if (hasHead)
    for (const [key, text] of kind === "serve"
      ? serveHead(first)
      : useHead(first))
      entries.set(key, text);
  for (const [key, text] of pairs) {
    if (entries.has(key))
      throw new VnetError(
        "usage",
        `${name} ${value}: ${key} is given twice; give it once`,
      );
    entries.set(key, text);
  }
  const title = entries.get("name") ?? titleOf(kind, entries);
  const base = title.normalize("NFC");
  let label = base;
  for (let n = 2; sections.has(`${kind}.${label}`); n++) label = `${base}-${n}`;
  const section = open(sections, `${kind}.${label}`);
  for (const [key, text] of entries) put(section, key, text);
}

/** At each comma in front of a key; in a program's arguments only at those that are keys of the section. */
function splitKeys(value: string, kind: "serve" | "use" | "public"): string[] {
  const keys = Object.keys(SECTIONS[kind].keys).join("|");
  const key = value.startsWith("exec:") ? `(?:${keys})` : "[a-z_]+";
  return value.split(new RegExp(`,(?=${key}=)`));
}

/** `22`, `192.168.1.9:80`, `unix:/run/docker.sock`, `exec:PROGRAM ARGS` */
function serveHead(head: string): [string, string][] {
  if (isLink(head)) return [["ip", head]];
  const { host, port } = splitPort(head);
  // A lone word is meant to be a port: so says the message when it is none.
  if (port === null) return [["port", head]];
  return [
    ["ip", host],
    ["port", port],
  ];
}

/** `700`, `mysql`, `mysql@home`, and behind a colon where to listen: `700:1122`, `mysql:0.0.0.0:3306` */
function useHead(head: string): [string, string][] {
  const colon = head.indexOf(":");
  const what = colon < 0 ? head : head.slice(0, colon);
  const wanted: [string, string] = /^[0-9]+$/.test(what)
    ? ["serveid", what]
    : ["serve", what];
  if (colon < 0) return [wanted];
  return [wanted, ...serveHead(head.slice(colon + 1))];
}

/** A link (`unix:…`) has no port of its own. */
function splitPort(text: string): { host: string; port: string | null } {
  if (isLink(text)) return { host: text, port: null };
  const [, host, port] = /^(\[[^\]]*\]|[^:]*):([^:]*)$/.exec(text) ?? [];
  if (host === undefined || port === undefined)
    return { host: text, port: null };
  return { host, port };
}

function titleOf(
  kind: "serve" | "use" | "public",
  entries: ReadonlyMap<string, string>,
): string {
  if (kind === "serve") {
    const port = entries.get("port");
    if (port === undefined) return "service";
    return wellKnownName(Number(port)) ?? `port-${port}`;
  }
  const wanted =
    entries.get("serveid") ?? entries.get("serve") ?? entries.get("to") ?? "";
  return /^[0-9]+$/.test(wanted) ? `use-${wanted}` : wanted || kind;
}
