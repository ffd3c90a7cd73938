// How a use finds the serves that it wants, in the directory of this moment: by id, by name, or by borrowing.
// Several only where they are balanced. Owns the loan, where there is one.

import { formatServeid } from "../config/config.js";
import { quoted } from "../printable.js";
import type { UseTarget } from "../config/target.js";
import { VnetError } from "../errors.js";
import type { Borrower } from "./borrower.js";
import type { Choice, Chosen } from "./choice.js";
import type { RemoteServe } from "./control.js";
import type { Directory } from "./directory.js";
import { Loan } from "./loan.js";
import { Meaning } from "./meaning.js";

/** A serve, with the key of its node. */
export type Provider = Chosen<RemoteServe>;

/** At least one serve, or why there is none just now; one line. VnetError: whoever offers it is refused. */
export type Found = Provider[] | string | VnetError;

export interface Search {
  find(): Found;
  /** What was found is not there any more: the hub is away, say. */
  interrupt(): void;
  close(): void;
}

export interface SearchOptions {
  directory: Directory;
  borrower: Borrower;
  choice: Choice;
  /** `find` may have another answer now */
  onChange: () => void;
  /** what is to be borrowed was refused */
  onRefused?: (reason: string) => void;
}

export function createSearch(
  target: UseTarget,
  options: SearchOptions,
): Search {
  switch (target.kind) {
    case "none":
      return stateless(() => "no serveid is set");
    case "name":
      return stateless(() => findNamed(target, options));
    case "id":
      return new IdSearch(target.serveid, options);
    case "to":
      return new LoanSearch(target, options);
  }
}

function stateless(find: Search["find"]): Search {
  return { find, interrupt: () => undefined, close: () => undefined };
}

/** Among those that may be reached, the one that had the name first. */
function findNamed(
  { name, node }: Extract<UseTarget, { kind: "name" }>,
  { directory, choice }: SearchOptions,
): Found {
  const all = directory.find(
    (serve) => serve.name === name && !serve.temporary,
  );
  // One that is known by its key is meant, whoever has the names by now.
  const isMeant = ({ namesake, vnet, vnetid }: RemoteServe) =>
    (node === null ? namesake !== true : vnet === node) || choice.knows(vnetid);
  const meant = all.filter(isMeant);
  const others = all.filter(
    (serve) => !isMeant(serve) && !choice.isNobody(serve.vnetid),
  );
  const by = node === null ? "nobody" : `vnet ${node}`;
  const verb = node === null ? "offers" : "does not offer";
  const orNobody = (picked: Found) =>
    Array.isArray(picked)
      ? (available(picked) ?? `${by} ${verb} ${name} just now`)
      : picked;
  const [other] = others;
  const isAway = meant.every(({ vnetid }) => choice.isNobody(vnetid));
  if (node === null && isAway && other !== undefined) {
    if (meant.length === 0 && !choice.isBound)
      return `the node that has the name ${quoted(name)} is away; ${quoted(other.vnet)} has one of that name, too: to use that, write ${name}@${other.vnet}`;
    return orNobody(choice.pick(others));
  }
  return orNobody(choice.pick(meant));
}

/** Those of them whose service is there; why there is none; undefined where nobody offers it. */
function available(picked: Provider[]): Provider[] | string | undefined {
  const meant = balanced(picked);
  const there = meant?.filter(({ service }) => service !== "down");
  const [first] = meant ?? [];
  if (first === undefined || there?.length !== 0) return there;
  return `vnet ${quoted(first.vnet)} offers it, but the service is not there just now`;
}

/** The first one, with all others like it where they are balanced. */
function balanced(serves: Provider[]): Provider[] | undefined {
  const [first] = serves;
  if (first === undefined) return undefined;
  if (first.share !== "balance") return [first];
  return serves.filter(({ share }) => share === "balance");
}

class IdSearch implements Search {
  private readonly meaning = new Meaning();

  constructor(
    private readonly serveid: number,
    private readonly options: SearchOptions,
  ) {}

  find(): Found {
    const { serveid, meaning } = this;
    const { directory, choice } = this.options;
    const picked = choice.pick(
      directory.find((serve) => serve.serveid === serveid),
    );
    if (!Array.isArray(picked)) return picked;
    const [first] = picked;
    if (first === undefined) {
      this.interrupt();
      return `nobody offers ${formatServeid(serveid)} just now`;
    }
    const meant = meaning.check(first);
    if (typeof meant === "string") return meant;
    return available(picked) ?? [];
  }

  interrupt(): void {
    this.meaning.interrupt();
  }

  close(): void {
    this.meaning.forget();
  }
}

class LoanSearch implements Search {
  private readonly loan: Loan;

  constructor(
    target: Extract<UseTarget, { kind: "to" }>,
    options: SearchOptions,
  ) {
    this.loan = new Loan({ target, ...options });
  }

  find(): Found {
    const found = this.loan.find();
    return typeof found === "string" || found instanceof VnetError
      ? found
      : [found];
  }

  interrupt(): void {
    // What was granted is known again when the hub and the node are back.
  }

  close(): void {
    this.loan.close();
  }
}
