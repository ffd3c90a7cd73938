// Names from elsewhere as ours: the part behind the dot of [serve.X], [use.X]
// and [public.X], which one file gives once, and the names by which nodes find
// each other, which are made in the same way on both machines. Different names stay different.

import { createHash } from "node:crypto";
import { fitLabel, LABEL, type ValueKind } from "../config/value.js";
import type { Comment } from "./outline.js";

// What the brackets of a section cannot hold, and what would look odd there.
const UNFIT = /[[\];#"'\\]/g;
const CHARACTERS_MAX = 56;

export class Labels {
  readonly #given = new Set<string>();
  readonly #counts = new Map<string, number>();

  /** `mysql`, and for the second one of that name `mysql-2`. */
  make(kind: string, name: string): string {
    const fitted = fitLabel(name.replace(UNFIT, "_"), "imported");
    const cut = Array.from(fitted).slice(0, CHARACTERS_MAX).join("");
    const base = fitLabel(cut, "imported");
    for (;;) {
      const count = (this.#counts.get(`${kind}.${base}`) ?? 0) + 1;
      this.#counts.set(`${kind}.${base}`, count);
      const title = `${kind}.${count === 1 ? base : `${base}-${count}`}`;
      if (this.#given.has(title)) continue;
      this.#given.add(title);
      return title;
    }
  }
}

/** A name of another program, of whatever characters; plainName makes one of ours of it. */
export const NAME: ValueKind<string> = {
  allowed: "a name",
  parse: (text) => text,
};

/** Signs with a meaning: in `serve=NAME@NODE`, in `to=NODE:PORT`, and in what is written for them. */
const SIGNS = /[@:%]/g;
const CUT_CHARACTERS = 40;
const HASH_DIGITS = 16;

/**
 * A name of another program as one of ours. Each end of an import does it alone, so it depends on nothing else, and no
 * two names become one: signs are written as in URLs (`%40`), and what still is no name is cut and gets its hash.
 */
export function plainName(name: string): string {
  const signs = name.replace(
    SIGNS,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  if (LABEL.parse(signs) === signs) return signs;
  const hash = createHash("sha256").update(name).digest("hex");
  const fitted = fitLabel(name.replace(SIGNS, "_"), "name");
  const cut = Array.from(fitted).slice(0, CUT_CHARACTERS).join("");
  return `${fitLabel(cut, "name")}%~${hash.slice(0, HASH_DIGITS)}`;
}

/** `plainName` with a word that makes a further name of it: no name becomes that by itself. */
export function nameFor(name: string, what: "group" | "others"): string {
  const plain = plainName(name);
  const whole = `${plain}%${what}`;
  if (LABEL.parse(whole) !== undefined) return whole;
  // Too long with the word. No name from elsewhere ends so.
  return `${plainName(`${name}\0`)}${what === "group" ? "g" : "o"}`;
}

/** The comment for a name that was changed; empty for one that was not. */
export function renamed(name: string): Comment[] {
  const plain = plainName(name);
  if (plain === name) return [];
  return [
    {
      comment: `${JSON.stringify(name)} is called ${plain} here: a name has up to 64 printable characters, and @, : and % have a meaning.`,
    },
  ];
}
