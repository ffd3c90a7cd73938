// One mapping (object, table, section) of somebody else's configuration: values
// checked as they are taken, and at the end a list of what nobody took.

import { quoteFound, type Problems } from "../config/problem.js";
import type { ValueKind } from "../config/value.js";

/** A value that no importer asked for. */
export interface Leftover {
  /** from the top: `proxies[0].transport.useCompression` */
  readonly path: string;
  /** from the mapping: `transport.useCompression` */
  readonly key: string;
  /** one line; values that may be secrets are not in it */
  readonly shown: string;
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

export class Mapping {
  readonly #taken = new Set<string>();
  readonly #children: Mapping[] = [];

  /** @param prefix what stands before a key in a message: `proxies[0].` or `[common] ` */
  constructor(
    readonly value: Record_,
    readonly prefix: string,
    readonly problems: Problems,
    /** of the mapping that leftovers are named from */
    readonly keyPrefix = "",
  ) {}

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  /** The value of the first of `keys` that is there; undefined: none is, or it was not allowed and is reported. */
  take<T>(keys: string | string[], kind: ValueKind<T>): T | undefined {
    for (const key of [keys].flat()) {
      const value = this.#get(key);
      this.#taken.add(key);
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
    this.#taken.add(key);
    const child = new Mapping(
      this.#recordAt(key, this.#get(key)),
      `${this.prefix}${key}.`,
      this.problems,
      `${this.keyPrefix}${key}.`,
    );
    this.#children.push(child);
    return child;
  }

  /** The mappings of the list below `key`. Their leftovers are theirs. */
  list(key: string): Mapping[] {
    this.#taken.add(key);
    const value = this.#get(key) ?? [];
    if (!Array.isArray(value)) {
      this.complain(key, `found ${kindOf(value)}, allowed a list`);
      return [];
    }
    return value.flatMap((each: unknown, at) => {
      const name = `${key}[${at}]`;
      if (isRecord(each))
        return new Mapping(each, `${this.prefix}${name}.`, this.problems);
      this.complain(name, `found ${kindOf(each)}, allowed a section of keys`);
      return [];
    });
  }

  /** The texts of a list, or of one text with commas between. */
  texts(key: string): string[] | undefined {
    const value = this.#get(key);
    this.#taken.add(key);
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
    for (const [key, value] of Object.entries(this.value))
      if (!this.#taken.has(key))
        flatten(this.prefix, `${this.keyPrefix}${key}`, key, value, found, 0);
    for (const child of this.#children) child.#collect(found);
  }

  #get(key: string): unknown {
    if (!Object.hasOwn(this.value, key)) return undefined;
    const value = this.value[key];
    return value === null || value === "" ? undefined : value;
  }

  #parse<T>(key: string, value: unknown, kind: ValueKind<T>): T | undefined {
    const text = scalarText(value);
    const parsed = text === undefined ? undefined : kind.parse(text);
    if (parsed === undefined) {
      const shown = text === undefined ? kindOf(value) : quoteFound(text);
      const found = kind.isSecret === true ? "something else" : shown;
      this.complain(key, `found ${found}, allowed ${kind.allowed}`);
    }
    return parsed;
  }

  #recordAt(key: string, value: unknown): Record_ {
    if (value === undefined) return {};
    if (isRecord(value)) return value;
    this.complain(key, `found ${kindOf(value)}, allowed a section of keys`);
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
  const isSecret = /auth|key|secret|token|passw|pwd|^sk$/i.test(key);
  const text = isSecret ? "(not shown)" : describe(value);
  found.push({ path, key, shown: `${path} = ${text}` });
}

function describe(value: unknown): string {
  if (Array.isArray(value) && value.length <= 20)
    return `[${value.map((each) => scalarText(each) ?? kindOf(each)).join(", ")}]`;
  const text = scalarText(value);
  return text === undefined ? kindOf(value) : quoteFound(text);
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
  return quoteFound(scalarText(value) ?? typeof value);
}
