import { expect } from "chai";
import { setImmediate } from "node:timers/promises";
import { VnetError } from "../../src/errors.js";
import type { Borrower, UnserveTarget } from "../../src/node/borrower.js";
import type { RemoteServe } from "../../src/node/control.js";
import type { Directory } from "../../src/node/directory.js";
import { Loan } from "../../src/node/loan.js";
import {
  withCaughtTimers,
  type CaughtTimers,
} from "../support/caught-timers.js";
import { openChoice } from "../support/choice.js";
import {
  directoryOf,
  entryOf,
  nodeEntry,
  tell,
  UNSERVE as GRANTED,
} from "../support/remote-serve.js";

const TARGET = { kind: "to", node: "home", ip: "127.0.0.1", port: 22 } as const;

/** A borrower by hand: answers when the test says so. */
class Asked {
  readonly targets: UnserveTarget[] = [];
  readonly returned: number[] = [];
  #answer:
    | {
        resolve: (serve: RemoteServe) => void;
        reject: (error: VnetError) => void;
      }
    | undefined;

  request(target: UnserveTarget): Promise<RemoteServe> {
    this.targets.push(target);
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  giveBack({ serveid }: { serveid: number }): void {
    this.returned.push(serveid);
  }

  async grant(serve = GRANTED): Promise<void> {
    this.#answer?.resolve(serve);
    await setImmediate();
  }

  async refuse(reason = "not allowed"): Promise<void> {
    this.#answer?.reject(new VnetError("refused", reason));
    await setImmediate();
  }
}

interface Stage {
  loan: Loan;
  asked: Asked;
  directory: Directory;
  timers: CaughtTimers;
  /** how often the use was told to look again */
  changes: () => number;
  /** grants, as the hub does: the serve is in the directory first */
  grant: () => Promise<void>;
}

function withLoan(body: (stage: Stage) => Promise<void>): Promise<void> {
  return withCaughtTimers(async (timers) => {
    const directory = directoryOf();
    const asked = new Asked();
    let changed = 0;
    const loan = new Loan({
      target: TARGET,
      directory,
      borrower: asked as unknown as Borrower,
      choice: openChoice(directory),
      onChange: () => {
        changed++;
        loan.find();
      },
    });
    const grant = async () => {
      tell(directory, { serves: [entryOf(GRANTED)] });
      await asked.grant();
    };
    await body({
      loan,
      asked,
      directory,
      timers,
      changes: () => changed,
      grant,
    });
    loan.close();
    expect(timers.delays, "what is left of a closed loan").to.deep.equal([]);
  });
}

describe("a loan", () => {
  it("is asked for when its node comes, once, to be kept", () =>
    withLoan(async ({ loan, asked, directory, grant, changes }) => {
      expect(loan.find()).to.equal("no node home in this group just now");
      expect(asked.targets).to.deep.equal([]);
      tell(directory, { nodes: [nodeEntry(1)] });
      for (let n = 0; n < 3; n++)
        expect(loan.find()).to.equal("asking vnet home for it");
      expect(asked.targets).to.deep.equal([
        { vnetid: 1, ip: "127.0.0.1", port: 22, keep: true },
      ]);
      await grant();
      expect(changes()).to.equal(1);
      expect(loan.find()).to.include({ serveid: 5, vnetid: 1 });
      expect(asked.targets).to.have.length(1);
    }));

  it("is asked for again when it went, and when its node came back as another number", () =>
    withLoan(async ({ loan, asked, directory, grant }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await grant();
      tell(directory, { goneServes: [{ serveid: 5, vnetid: 1 }] });
      expect(loan.find()).to.be.a("string");
      expect(asked.targets).to.have.length(2);
      await grant();
      expect(loan.find()).to.include({ serveid: 5 });
      tell(directory, {
        goneNodes: [1],
        goneServes: [{ serveid: 5, vnetid: 1 }],
      });
      expect(loan.find()).to.match(/^no node home/);
      tell(directory, { nodes: [nodeEntry(4, "home")] });
      loan.find();
      expect(asked.targets.map(({ vnetid }) => vnetid)).to.deep.equal([
        1, 1, 4,
      ]);
    }));

  it("is not taken for what has its id afterwards", () =>
    withLoan(async ({ loan, asked, directory, grant }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await grant();
      tell(directory, { serves: [entryOf({ ...GRANTED, port: 23 })] });
      expect(loan.find()).to.be.a("string");
      expect(asked.targets).to.have.length(2);
    }));

  it("is given back when it is closed, once", () =>
    withLoan(async ({ loan, asked, directory, grant }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await grant();
      loan.close();
      loan.close();
      expect(asked.returned).to.deep.equal([5]);
    }));

  it("is given back when its answer comes after the close", () =>
    withLoan(async ({ loan, asked, directory, grant, changes }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      loan.close();
      expect(asked.returned).to.deep.equal([]);
      await grant();
      expect(asked.returned).to.deep.equal([5]);
      expect(changes()).to.equal(0);
    }));

  it("is asked for again with growing pauses when it is refused, and shows the reason", () =>
    withLoan(async ({ loan, asked, directory, timers }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      const pauses: number[] = [];
      for (let n = 1; n <= 7; n++) {
        await asked.refuse();
        expect(loan.find()).to.equal("not allowed");
        expect(asked.targets, "not before its time").to.have.length(n);
        pauses.push(...timers.delays);
        timers.fire();
        expect(asked.targets).to.have.length(n + 1);
      }
      expect(pauses).to.deep.equal([
        500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
      ]);
      tell(directory, { serves: [entryOf(GRANTED)] });
      await asked.grant();
      tell(directory, { goneServes: [{ serveid: 5, vnetid: 1 }] });
      loan.find();
      await asked.refuse();
      expect(timers.delays, "it begins anew").to.deep.equal([500]);
    }));

  it("is not asked for any more when a refusal comes after the close", () =>
    withLoan(async ({ loan, asked, directory, timers }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      loan.close();
      await asked.refuse();
      expect(timers.delays).to.deep.equal([]);
      expect(asked.targets).to.have.length(1);
    }));

  it("is asked of nobody while two nodes have the name", () =>
    withLoan(async ({ loan, asked, directory }) => {
      tell(directory, { nodes: [nodeEntry(1), nodeEntry(2, "home")] });
      expect(loan.find()).to.equal(
        "2 nodes are named home; give one of them another name, or say which is meant by fingerprint=",
      );
      expect(asked.targets).to.deep.equal([]);
    }));
});
