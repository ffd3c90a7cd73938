// The names of a group's nodes: each is one key's, while that one is here and for 30 days after. Who comes with a name
// that is another's gets the next free one, `home-2`. Holds who is here; who was here is in the claims.

import { fitLabel } from "../config/value.js";
import type { Claims } from "./claims.js";

/** Of the 64 characters of a name this many may go to `-2` and its like. */
const SUFFIX_CHARACTERS_MAX = 11;

export interface Named {
  readonly key: string;
  readonly name: string;
}

export class NodeNames<N extends Named> {
  private readonly here = new Map<string, N>();

  constructor(
    private readonly group: string,
    private readonly claims: Claims,
  ) {}

  /** Who is here under that name. */
  get(name: string): N | undefined {
    return this.here.get(name);
  }

  /** A name for a node that is about to join: `wanted` where it can be had. */
  choose(wanted: string, key: string): string {
    return this.mayHave(wanted, key) ? wanted : this.next(wanted, key);
  }

  /** A name for a guest, whom nobody sees and who takes no name: not that of another key. */
  chooseForGuest(wanted: string, key: string): string {
    const isOwn = this.here.get(wanted)?.key === key;
    return isOwn ? wanted : this.choose(wanted, key);
  }

  /** A node that is here has one name: what else its key held is given up, unless another process of it is here with that. */
  join(node: N): void {
    this.here.set(node.name, node);
    for (const { kind, what } of this.claims.of(this.group, node.key))
      if (kind === "node" && !this.here.has(what))
        this.claims.release(this.group, "node", what, node.key);
  }

  leave(node: N): void {
    if (this.here.get(node.name) === node) this.here.delete(node.name);
  }

  private mayHave(name: string, key: string): boolean {
    if (this.here.has(name)) return false;
    return this.claims.inTheWay(this.group, "node", name, key) === undefined;
  }

  /** The one of this kind that it had before; else a free one, found in few steps also where thousands have one name. */
  private next(wanted: string, key: string): string {
    const characters = Array.from(wanted);
    const cut = characters.slice(0, 64 - SUFFIX_CHARACTERS_MAX).join("");
    const base = fitLabel(cut, "node");
    const numbered = (n: number) => `${base}-${n}`;
    const own = this.claims
      .of(this.group, key)
      .find(({ kind, what }) => kind === "node" && isNumbered(what, base));
    if (own !== undefined && this.mayHave(own.what, key)) return own.what;
    let free = 2;
    while (!this.mayHave(numbered(free), key)) free *= 2;
    // Between a taken one and a free one lies one that is free behind a taken one.
    let taken = Math.floor(free / 2);
    while (free - taken > 1) {
      const middle = Math.floor((free + taken) / 2);
      if (this.mayHave(numbered(middle), key)) free = middle;
      else taken = middle;
    }
    return numbered(free);
  }
}

function isNumbered(name: string, base: string): boolean {
  return (
    name.startsWith(`${base}-`) && /^\d+$/.test(name.slice(base.length + 1))
  );
}
