// How a use finds the serves that it wants, in the directory of this moment: by id, by name, or by borrowing.
// Several only where they are balanced. Owns the loan, where there is one.

import { formatServeid } from "../config/config.js";
import { quoted } from "../printable.js";
import type { UseTarget } from "../config/target.js";
import type { Borrower } from "./borrower.js";
import type { RemoteServe } from "./control.js";
import type { Directory } from "./directory.js";
import { Loan } from "./loan.js";
import { Meaning } from "./meaning.js";

export interface Search {
  /** At least one serve, or why there is none just now; one line. */
  find(): RemoteServe[] | string;
  /** What was found is not there any more: the hub is away, say. */
  interrupt(): void;
  close(): void;
}

export interface SearchOptions {
  directory: Directory;
  borrower: Borrower;
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
      return stateless(() => findNamed(target, options.directory));
    case "id":
      return new IdSearch(target.serveid, options.directory);
    case "to":
      return new LoanSearch(target, options);
  }
}

function stateless(find: Search["find"]): Search {
  return { find, interrupt: () => undefined, close: () => undefined };
}

/** The name is what is meant, whoever offers it; the one that registered first keeps it. */
function findNamed(
  { name, node }: Extract<UseTarget, { kind: "name" }>,
  directory: Directory,
): RemoteServe[] | string {
  const all = directory.find(
    (serve) => serve.name === name && !serve.temporary,
  );
  const serves = all.filter((serve) =>
    node === null ? serve.namesake !== true : serve.vnet === node,
  );
  const [other] = all;
  if (node === null && serves.length === 0 && other !== undefined)
    return `the node that has the name ${quoted(name)} is away; ${quoted(other.vnet)} has one of that name, too: to use that, write ${name}@${other.vnet}`;
  const by = node === null ? "nobody" : `vnet ${node}`;
  const verb = node === null ? "offers" : "does not offer";
  return balanced(serves) ?? `${by} ${verb} ${name} just now`;
}

/** The first one, with all others like it where they are balanced. */
function balanced(serves: RemoteServe[]): RemoteServe[] | undefined {
  const [first] = serves;
  if (first === undefined) return undefined;
  if (first.share !== "balance") return [first];
  return serves.filter(({ share }) => share === "balance");
}

class IdSearch implements Search {
  private readonly meaning = new Meaning();

  constructor(
    private readonly serveid: number,
    private readonly directory: Directory,
  ) {}

  find(): RemoteServe[] | string {
    const { serveid, directory, meaning } = this;
    const found = balanced(
      directory.find((serve) => serve.serveid === serveid),
    );
    const [first] = found ?? [];
    if (found === undefined || first === undefined) {
      this.interrupt();
      return `nobody offers ${formatServeid(serveid)} just now`;
    }
    const meant = meaning.check(first);
    return typeof meant === "string" ? meant : found;
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

  find(): RemoteServe[] | string {
    const found = this.loan.find();
    return typeof found === "string" ? found : [found];
  }

  interrupt(): void {
    // What was granted is known again when the hub and the node are back.
  }

  close(): void {
    this.loan.close();
  }
}
