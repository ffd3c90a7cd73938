// How a use finds the serves that it wants, in the directory of this moment: by id, by name, or by borrowing.
// Several only where they share. Owns the loan, where there is one.

import { formatServeid } from "../config/config.js";
import type { UseTarget } from "../config/target.js";
import { VnetError } from "../errors.js";
import { quoted } from "../printable.js";
import type { DirectoryNode } from "../wire/fields.js";
import type { Borrower } from "./borrower.js";
import type { Choice, Chosen } from "./choice.js";
import type { RemoteServe } from "./control.js";
import { latestFirst, type Directory } from "./directory.js";
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
      return searchLoan(lastingLoan(target, options), options.onChange);
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
  const all = directory.servesNamed(name);
  // One that is known by its key is meant, whoever has the names by now.
  const isMeant = ({ namesake, vnet, vnetid }: RemoteServe) =>
    (node === null ? namesake !== true : vnet === node) || choice.knows(vnetid);
  const meant = all.filter(isMeant);
  const others = all.filter(
    (serve) => !isMeant(serve) && !choice.isNobody(serve.vnetid),
  );
  const orNobody = (picked: Found) =>
    Array.isArray(picked)
      ? (available(picked) ?? whyNobody(name, node, { directory, choice }))
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

/** A node that is called otherwise now is named by what it offers. */
function whyNobody(
  name: string,
  node: string | null,
  { directory, choice }: Pick<SearchOptions, "directory" | "choice">,
): string {
  if (node === null) return `nobody offers ${name} just now`;
  if (directory.nodesNamed(node).length > 0)
    return `vnet ${node} does not offer ${name} just now`;
  const [other] = directory
    .servesNamed(name)
    .filter((serve) => !choice.isNobody(serve.vnetid));
  const hint = other === undefined ? "" : `; there is ${name}@${other.vnet}`;
  return `no node ${quoted(node)} in this group just now${hint}`;
}

/** Those of them whose service is there; why there is none; undefined where nobody offers it. */
function available(picked: Provider[]): Provider[] | string | undefined {
  const meant = sharing(picked);
  const there = meant?.filter(({ service }) => service !== "down");
  const [first] = meant ?? [];
  if (first === undefined || there?.length !== 0) return there;
  return `vnet ${quoted(first.vnet)} offers it, but the service is not there just now`;
}

/** The first one, with all others like it where they share; the latest first where that one takes over. */
function sharing(serves: Provider[]): Provider[] | undefined {
  const [first] = serves;
  if (first === undefined) return undefined;
  const { share } = first;
  if (share === "exclusive") return [first];
  const alike = serves.filter((serve) => serve.share === share);
  return share === "takeover" ? alike.sort(latestFirst) : alike;
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
    const picked = choice.pick(directory.servesWithId(serveid));
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

/** What was borrowed is known again when the hub and the node are back; it is given back at the close. */
export function searchLoan(loan: Loan, onChange: () => void): Search {
  loan.on("change", onChange);
  return {
    find: () => {
      const found = loan.find();
      if (typeof found === "string" || found instanceof VnetError) return found;
      return available([found]) ?? [];
    },
    interrupt: () => undefined,
    close: () => {
      loan.close();
    },
  };
}

function lastingLoan(
  { node: name, ip, port }: Extract<UseTarget, { kind: "to" }>,
  { directory, borrower, choice, onRefused }: SearchOptions,
): Loan {
  const loan = new Loan({
    lend: { ip, port, keep: true },
    lender: (last) => findLender(name, last, { directory, choice }),
    ...{ directory, borrower, once: false },
  });
  if (onRefused !== undefined) loan.on("refused", onRefused);
  return loan;
}

/** A node whose name was another key's has a number behind it: see hub/node-names.ts. */
function whoIsCalledLike(name: string, directory: Directory): string {
  const isNumbered = (other: string) =>
    other.startsWith(`${name}-`) &&
    /^[0-9]+$/.test(other.slice(name.length + 1));
  const [other] = directory.findNodes((node) => isNumbered(node.name));
  return other === undefined
    ? ""
    : `; there is ${quoted(other.name)}, which is another one: if that is meant, write its name`;
}

/** The name is what is meant, and who is known by its key; who lent under it, and is called otherwise now, is told. */
function findLender(
  name: string,
  last: DirectoryNode | null,
  { directory, choice }: Pick<SearchOptions, "directory" | "choice">,
): DirectoryNode | string | VnetError {
  const nodes = choice.pick(
    choice.isBound
      ? directory.findNodes(
          (node) => node.name === name || choice.knows(node.vnetid),
        )
      : directory.nodesNamed(name),
  );
  if (!Array.isArray(nodes)) return nodes;
  const [node] = nodes;
  if (nodes.length > 1)
    return `${nodes.length} nodes are named ${quoted(name)}; give one of them another name, or say which is meant by fingerprint=`;
  if (node !== undefined) return node;
  if (last !== null)
    return `no node ${quoted(name)} in this group just now; the one that lent it is called ${quoted(last.name)} now`;
  return `no node ${quoted(name)} in this group just now${whoIsCalledLike(name, directory)}`;
}
