// The part behind the dot of [serve.X], [use.X] and [public.X], made of names
// from elsewhere. One for each configuration; each label is given once.

import { fitLabel } from "../config/value.js";

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

/**
 * In `serve=NAME@NODE` and `to=NODE:PORT` the signs have a meaning, so a name that has them gets others. Both ends of
 * an import do the same, so they still meet.
 */
export function plainName(name: string): string {
  return name.replace(/[@:]/g, "_");
}

/** The comment for a name that was changed; empty for one that was not. */
export function renamed(name: string): { comment: string }[] {
  const plain = plainName(name);
  if (plain === name) return [];
  return [
    {
      comment: `${JSON.stringify(name)} is called ${plain} here, because @ and : have a meaning in serve= and to=.`,
    },
  ];
}
