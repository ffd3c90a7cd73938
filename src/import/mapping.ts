// One mapping (object, table, section) of somebody else's configuration: values
// checked as they are taken, and at the end a list of what nobody took.

import { quoteFound, type Problems } from "../config/problem.js";
import type { ValueKind } from "../config/value.js";

/** How a program compares the names of its keys: as Go reads JSON (also YAML and TOML by way of it), or letter by letter. */
export type Case = "any" | "exact";

/** A value that no importer asked for. */
export interface Leftover {
  /** from the top: `proxies[0].transport.useCompression` */
  readonly path: string;
  /** from the mapping: `transport.useCompression` */
  readonly key: string;
  /** one line; values that may be secrets are not in it */
  readonly shown: string;
  /** the key that an importer asked for, and that this one would be but for capital letters */
  readonly meant?: string | undefined;
}

/** Beyond these a file is not somebody's configuration; what is left is only counted. */
const DEPTH_MAX = 16;
const LEFTOVERS_MAX = 200;

type Record_ = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Record_ {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date)
  );
}

export function hasKey(
  record: Record_,
  keys: readonly string[],
  caseOfKeys: Case,
): boolean {
  if (caseOfKeys === "exact")
    return keys.some((key) => Object.hasOwn(record, key));
  const there = new Set(Object.keys(record).map((key) => key.toLowerCase()));
  return keys.some((key) => there.has(key.toLowerCase()));
}

export class Mapping {
  readonly #taken = new Set<string>();
  /** where capital letters count: small letters → what was asked for */
  readonly #asked = new Map<string, string>();
  readonly #children: Mapping[] = [];
  /** small letters → the key as the file has it */
  readonly #spelt = new Map<string, string>();

  /** @param prefix what stands before a key in a message: `proxies[0].` or `[common] ` */
  constructor(
    readonly value: Record_,
    readonly prefix: string,
    readonly problems: Problems,
    readonly caseOfKeys: Case = "exact",
    /** of the mapping that leftovers are named from */
    readonly keyPrefix = "",
  ) {
    for (const key of caseOfKeys === "any" ? Object.keys(value) : []) {
      const other = this.#spelt.get(key.toLowerCase());
      if (other !== undefined)
        this.complain(
          key,
          `found ${quoteFound(other)} too, which is the same key, allowed: one of them`,
        );
      this.#spelt.set(key.toLowerCase(), key);
    }
  }

  has(key: string): boolean {
    return this.peek(key) !== undefined;
  }

  /** What stands there, and stays to be taken; undefined: nothing, also where it is empty. */
  peek(key: string): unknown {
    const spelt = this.#spelling(key);
    if (!Object.hasOwn(this.value, spelt)) return undefined;
    const value = this.value[spelt];
    return value === null || value === "" ? undefined : value;
  }

  /** The value of the first of `keys` that is there; undefined: none is, or it was not allowed and is reported. */
  take<T>(keys: string | string[], kind: ValueKind<T>): T | undefined {
    for (const key of [keys].flat()) {
      const value = this.peek(key);
      this.#take(key);
      if (value !== undefined) return this.#parse(key, value, kind);
    }
    return undefined;
  }

  /** As take, and none at all is a problem too; then `placeholder` stands for it. */
  need<T>(keys: string | string[], kind: ValueKind<T>, placeholder: T): T {
    const [first = "", ...others] = [keys].flat();
    const isThere = [first, ...others].some((key) => this.has(key));
    if (!isThere)
      this.complain(first, `found nothing, allowed ${kind.allowed}`);
    return this.take(keys, kind) ?? placeholder;
  }

  /** The mapping below `key`; an empty one where there is none. */
  child(key: string): Mapping {
    this.#take(key);
    const child = new Mapping(
      this.#recordAt(key, this.peek(key)),
      `${this.prefix}${key}.`,
      this.problems,
      this.caseOfKeys,
      `${this.keyPrefix}${key}.`,
    );
    this.#children.push(child);
    return child;
  }

  /** The mappings of the list below `key`. Their leftovers are theirs. */
  list(key: string): Mapping[] {
    this.#take(key);
    const value = this.peek(key) ?? [];
    if (!Array.isArray(value)) {
      this.complain(key, `found ${kindOf(value)}, allowed a list`);
      return [];
    }
    return value.flatMap((each: unknown, at) => {
      const name = `${key}[${at}]`;
      if (isRecord(each))
        return new Mapping(
          each,
          `${this.prefix}${name}.`,
          this.problems,
          this.caseOfKeys,
        );
      this.complain(name, `found ${kindOf(each)}, allowed a section of keys`);
      return [];
    });
  }

  /** The mappings below `key`, by their names. Their leftovers are theirs. */
  sections(key: string): [name: string, section: Mapping][] {
    this.#take(key);
    const record = this.#recordAt(key, this.peek(key));
    return Object.entries(record).flatMap(([name, each]) => {
      const path = `${key}.${name}`;
      if (isRecord(each))
        return [
          [
            name,
            new Mapping(
              each,
              `${this.prefix}${path}.`,
              this.problems,
              this.caseOfKeys,
            ),
          ],
        ];
      this.complain(path, `found ${kindOf(each)}, allowed a section of keys`);
      return [];
    });
  }

  /** The texts of a list, or of one text with commas between. */
  texts(key: string): string[] | undefined {
    const value = this.peek(key);
    this.#take(key);
    if (value === undefined) return undefined;
    const parts: unknown[] = Array.isArray(value)
      ? value
      : (scalarText(value) ?? "").split(",");
    return parts.map((part) => (scalarText(part) ?? "").trim());
  }

  complain(key: string, text: string): void {
    this.problems.add({ key: `${this.prefix}${key}` }, text);
  }

  /** Everything that was not taken, children included, one for each single value. */
  rest(): Leftover[] {
    const found: Leftover[] = [];
    this.#collect(found);
    const more = found.length - LEFTOVERS_MAX;
    if (more <= 0) return found;
    const last = { path: "", key: "", shown: "and more keys like these" };
    return [...found.slice(0, LEFTOVERS_MAX), last];
  }

  #collect(found: Leftover[]): void {
    for (const [key, value] of Object.entries(this.value)) {
      if (this.#taken.has(key)) continue;
      const from = found.length;
      flatten(this.prefix, `${this.keyPrefix}${key}`, key, value, found, 0);
      const meant = this.#asked.get(key.toLowerCase());
      const [only] = found.slice(from);
      if (meant !== undefined && only !== undefined)
        found[from] = { ...only, meant };
    }
    for (const child of this.#children) child.#collect(found);
  }

  #spelling(key: string): string {
    return this.#spelt.get(key.toLowerCase()) ?? key;
  }

  #take(key: string): void {
    this.#taken.add(this.#spelling(key));
    this.#asked.set(key.toLowerCase(), key);
  }

  #parse<T>(key: string, value: unknown, kind: ValueKind<T>): T | undefined {
    const text = scalarText(value);
    const parsed = text === undefined ? undefined : kind.parse(text);
    if (parsed === undefined) {
      const isSecret = kind.isSecret === true || mayBeSecret(key);
      const found = isSecret ? "something else" : kindOf(value);
      this.complain(key, `found ${found}, allowed ${kind.allowed}`);
    }
    return parsed;
  }

  #recordAt(key: string, value: unknown): Record_ {
    if (value === undefined) return {};
    if (isRecord(value)) return value;
    const found = mayBeSecret(key) ? "something else" : kindOf(value);
    this.complain(key, `found ${found}, allowed a section of keys`);
    return {};
  }
}

function flatten(
  prefix: string,
  key: string,
  name: string,
  value: unknown,
  found: Leftover[],
  depth: number,
): void {
  // A file can refer to itself (YAML), so both bounds are needed.
  if (found.length > LEFTOVERS_MAX) return;
  const below: [string, unknown][] = Array.isArray(value)
    ? value.some((each) => typeof each === "object" && each !== null)
      ? value.map((each: unknown, at) => [`[${at}]`, each])
      : []
    : isRecord(value)
      ? Object.entries(value).map(([each, of]) => [`.${each}`, of])
      : [];
  if (below.length > 0 && depth < DEPTH_MAX) {
    for (const [suffix, of] of below)
      flatten(prefix, key + suffix, name + suffix, of, found, depth + 1);
    return;
  }
  const path = prefix + name;
  const text = mayBeSecret(key) ? "(not shown)" : describe(value);
  found.push({ path, key, shown: `${path} = ${text}` });
}

/** Also what is sent to a server in the name of somebody: cookies, and headers that prove who asks. */
function mayBeSecret(key: string): boolean {
  return /auth|key|secret|token|passw|pwd|cookie|credential|(?:^|[._-])(?:sk|pass)$/i.test(
    key,
  );
}

/** A name and password that stand in a URL, or before a host. A password may hold / : @ itself, so all up to the last @ goes. */
function withoutLogin(text: string): string {
  const from = /^\w[\w+.-]*:\/\//.exec(text)?.[0].length ?? 0;
  const end = text.lastIndexOf("@");
  const isLogin = end >= from && (from > 0 || text.slice(0, end).includes(":"));
  return isLogin ? `${text.slice(0, from)}(not shown)${text.slice(end)}` : text;
}

function describe(value: unknown): string {
  if (Array.isArray(value) && value.length <= 20)
    return `[${value.map((each) => withoutLogin(scalarText(each) ?? kindOf(each))).join(", ")}]`;
  return kindOf(value);
}

/** Text of what is one value; undefined for lists, mappings and nothing. */
function scalarText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (value instanceof Date) return value.toISOString();
  return ["number", "boolean", "bigint"].includes(typeof value)
    ? String(value)
    : undefined;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value === null) return "nothing";
  if (isRecord(value)) return "a section of keys";
  return quoteFound(withoutLogin(scalarText(value) ?? typeof value));
}
