import { expect } from "chai";
import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers/promises";
import { VnetError } from "../../src/errors.js";
import type { Borrower } from "../../src/node/borrower.js";
import type { Reached } from "../../src/node/channels.js";
import type { Directory } from "../../src/node/directory.js";
import type { Lease } from "../../src/node/lease.js";
import { Loan } from "../../src/node/loan.js";
import { createSearch, type Search } from "../../src/node/search.js";
import type { Lend } from "../../src/wire/open.js";
import {
  withCaughtTimers,
  type CaughtTimers,
} from "../support/caught-timers.js";
import { openChoice } from "../support/choice.js";
import {
  directoryOf,
  entryOf,
  keyOfNode,
  nodeEntry,
  remoteServe,
  tell,
} from "../support/remote-serve.js";
import { failureOf } from "../support/failure.js";

const TARGET = { kind: "to", node: "home", ip: "127.0.0.1", port: 22 } as const;
const LEND = { ip: "127.0.0.1", port: 22 };
const OTHER_KEY = Buffer.alloc(32, 9).toString("base64");

/** What a node has granted, by hand. */
class Held extends EventEmitter<{ over: [string | null] }> {
  returned = 0;

  constructor(
    readonly unserve: number,
    readonly ended: string | null | undefined,
  ) {
    super();
  }

  giveBack(): void {
    this.returned++;
  }
}

/** A borrower by hand: answers when the test says so. */
class Asked {
  readonly asked: (Lend & { vnetid: number })[] = [];
  readonly held: Held[] = [];
  #answer:
    | {
        resolve: (granted: Lease | number) => void;
        reject: (error: VnetError) => void;
      }
    | undefined;

  borrow({ vnetid }: Reached, lend: Lend): Promise<Lease | number> {
    this.asked.push({ vnetid, ...lend });
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  get last(): Held {
    return this.held.at(-1)!;
  }

  /** @param ended it was over as it came: why */
  async grant(unserve = 3, ended?: string | null): Promise<void> {
    const held = new Held(unserve, ended);
    this.held.push(held);
    this.#answer?.resolve(held as unknown as Lease);
    await setImmediate();
  }

  async grantServe(serveid: number): Promise<void> {
    this.#answer?.resolve(serveid);
    await setImmediate();
  }

  async refuse(
    reason = "not allowed",
    code: "refused" | "closed" | "network" = "refused",
  ): Promise<void> {
    this.#answer?.reject(new VnetError(code, reason));
    await setImmediate();
  }
}

interface Stage {
  loan: Pick<Search, "find" | "close">;
  asked: Asked;
  directory: Directory;
  timers: CaughtTimers;
  /** how often the use was told to look again */
  changes: () => number;
  /** what the person was told */
  told: string[];
}

/** As a use with to= has it. */
function withLoan(body: (stage: Stage) => Promise<void>): Promise<void> {
  return withCaughtTimers(async (timers) => {
    const directory = directoryOf();
    const asked = new Asked();
    const told: string[] = [];
    let changed = 0;
    const loan = createSearch(TARGET, {
      directory,
      borrower: asked as unknown as Borrower,
      choice: openChoice(directory),
      onChange: () => {
        changed++;
        loan.find();
      },
      onRefused: (reason) => told.push(reason),
    });
    const changes = () => changed;
    await body({ loan, asked, directory, timers, changes, told });
    loan.close();
    expect(timers.delays, "what is left of a closed loan").to.deep.equal([]);
  });
}

interface OnceStage extends Pick<Stage, "asked" | "directory" | "timers"> {
  loan: Loan;
  gone: string[];
}

/** As the use of an unserve has it, with what it was granted. */
function withOnce(body: (stage: OnceStage) => Promise<void>): Promise<void> {
  return withCaughtTimers(async (timers) => {
    const directory = directoryOf();
    tell(directory, { nodes: [nodeEntry(1)] });
    const home = directory.node(1)!;
    const asked = new Asked();
    const gone: string[] = [];
    const loan = new Loan({
      lend: { ...LEND, keep: false },
      lender: () => directory.nodeOf(home.key) ?? "it is away",
      borrower: asked as unknown as Borrower,
      ...{ directory, once: true },
    });
    loan.on("gone", (reason) => gone.push(reason));
    loan.on("change", () => loan.find());
    const begun = loan.begin(home);
    await asked.grant();
    await begun;
    await body({ loan, asked, directory, timers, gone });
    loan.close();
    expect(timers.delays, "what is left of a closed loan").to.deep.equal([]);
  });
}

describe("a loan", () => {
  it("is asked for when its node comes, once, to be kept", () =>
    withLoan(async ({ loan, asked, directory, changes }) => {
      expect(loan.find()).to.equal("no node home in this group just now");
      expect(asked.asked).to.deep.equal([]);
      tell(directory, { nodes: [nodeEntry(1)] });
      for (let n = 0; n < 3; n++)
        expect(loan.find()).to.equal("asking vnet home for it");
      expect(asked.asked).to.deep.equal([{ vnetid: 1, ...LEND, keep: true }]);
      await asked.grant();
      expect(changes()).to.equal(1);
      expect(loan.find()).to.deep.equal([
        {
          ...{ serveid: 0, unserve: 3, vnetid: 1, vnet: "home" },
          ...{ name: "unserve-22", type: "tcp", ...LEND, info: "" },
          ...{ share: "exclusive", key: keyOfNode(1) },
        },
      ]);
      expect(asked.asked).to.have.length(1);
    }));

  it("is asked for again at once when its lease broke, quietly, and has the number that it gets then", () =>
    withLoan(async ({ loan, asked, directory, timers, told }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await asked.grant();
      timers.fire();
      asked.last.emit("over", null);
      expect(loan.find()).to.equal("asking vnet home for it");
      expect(asked.asked).to.have.length(2);
      await asked.grant(4);
      expect(loan.find()).to.have.nested.property("[0].unserve", 4);
      expect(told).to.deep.equal([]);
    }));

  it("is asked for again with growing pauses when each lease breaks at once, until one has lived for 10 s", () =>
    withLoan(async ({ loan, asked, directory, timers }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      const pauses: number[] = [];
      for (let n = 1; n <= 4; n++) {
        await asked.grant(n);
        asked.last.emit("over", null);
        expect(loan.find()).to.equal("asking vnet home for it");
        expect(asked.asked, "not before its time").to.have.length(n);
        pauses.push(...timers.delays);
        timers.fire();
      }
      expect(pauses).to.deep.equal([500, 1_000, 2_000, 4_000]);
      await asked.grant(5);
      expect(timers.delays).to.deep.equal([10_000]);
      timers.fire();
      asked.last.emit("over", null);
      expect(asked.asked).to.have.length(6);
    }));

  for (const reason of [null, "its owner took it back"])
    it(`is not there when its lease was over before it was handed out, ${reason === null ? "broken" : "taken back"}`, () =>
      withLoan(async ({ loan, asked, directory, timers }) => {
        tell(directory, { nodes: [nodeEntry(1)] });
        loan.find();
        await asked.grant(1, reason);
        expect(loan.find()).to.equal(reason ?? "asking vnet home for it");
        expect(timers.delays).to.deep.equal([500]);
        timers.fire();
        expect(asked.asked).to.have.length(2);
      }));

  it("is asked for again a moment later when its node took it back, which the person hears", () =>
    withLoan(async ({ loan, asked, directory, timers, told }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await asked.grant();
      asked.last.emit("over", "its owner took it back");
      expect(told).to.deep.equal(["its owner took it back"]);
      expect(loan.find()).to.equal("its owner took it back");
      expect(asked.asked).to.have.length(1);
      expect(timers.delays).to.deep.equal([500]);
      timers.fire();
      expect(asked.asked).to.have.length(2);
    }));

  it("is asked of its node under whatever number that one has now, and of no other that has its old one", () =>
    withLoan(async ({ loan, asked, directory }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await asked.grant();
      tell(directory, { goneNodes: [1] });
      expect(loan.find()).to.equal("no node home in this group just now");
      expect(asked.last.returned, "it may come back").to.equal(0);
      tell(directory, {
        nodes: [{ ...nodeEntry(4, "home"), key: keyOfNode(1) }],
      });
      expect(loan.find()).to.have.nested.property("[0].vnetid", 4);
      expect(asked.asked).to.have.length(1);
      // Another one has the name now.
      tell(directory, {
        goneNodes: [4],
        nodes: [{ ...nodeEntry(4, "home"), key: OTHER_KEY }],
      });
      expect(loan.find()).to.equal("asking vnet home for it");
      expect(asked.last.returned).to.equal(1);
      expect(asked.asked).to.have.length(2);
    }));

  it("is given back when its node is called otherwise, and says so", () =>
    withLoan(async ({ loan, asked, directory }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await asked.grant();
      tell(directory, { nodes: [nodeEntry(1, "renamed")] });
      expect(loan.find()).to.equal(
        "no node home in this group just now; the one that lent it is called renamed now",
      );
      expect(asked.last.returned).to.equal(1);
    }));

  it("is the serve that its node has registered for that target, as long as it has that target", () =>
    withLoan(async ({ loan, asked, directory }) => {
      const serve = remoteServe(1, { serveid: 5, ...LEND });
      tell(directory, { nodes: [nodeEntry(1)], serves: [entryOf(serve)] });
      loan.find();
      await asked.grantServe(5);
      expect(loan.find()).to.deep.equal([{ ...serve, key: keyOfNode(1) }]);
      tell(directory, { serves: [entryOf({ ...serve, port: 23 })] });
      expect(loan.find()).to.be.a("string");
      expect(asked.asked).to.have.length(2);
    }));

  it("waits a moment for a registered serve that is not seen yet", () =>
    withLoan(async ({ loan, asked, directory }) => {
      const serve = remoteServe(1, { serveid: 5, ...LEND });
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await asked.grantServe(5);
      expect(loan.find()).to.be.a("string");
      expect(asked.asked).to.have.length(1);
      tell(directory, { serves: [entryOf(serve)] });
      expect(loan.find()).to.deep.equal([{ ...serve, key: keyOfNode(1) }]);
      expect(asked.asked).to.have.length(1);
    }));

  it("is given back when it is closed, once", () =>
    withLoan(async ({ loan, asked, directory }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      await asked.grant();
      loan.close();
      loan.close();
      expect(asked.last.returned).to.equal(1);
    }));

  it("is given back when its answer comes after the close", () =>
    withLoan(async ({ loan, asked, directory, changes }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      loan.close();
      await asked.grant();
      expect(asked.last.returned).to.equal(1);
      expect(changes()).to.equal(0);
    }));

  it("is asked for again with growing pauses when it is refused, shows the reason and tells it once", () =>
    withLoan(async ({ loan, asked, directory, timers, told }) => {
      tell(directory, { nodes: [nodeEntry(1)] });
      loan.find();
      const pauses: number[] = [];
      for (let n = 1; n <= 7; n++) {
        await asked.refuse();
        expect(loan.find()).to.equal("not allowed");
        expect(asked.asked, "not before its time").to.have.length(n);
        pauses.push(...timers.delays);
        timers.fire();
        expect(asked.asked).to.have.length(n + 1);
      }
      expect(pauses).to.deep.equal([
        500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000,
      ]);
      expect(told).to.deep.equal(["not allowed"]);
      await asked.grant();
      timers.fire();
      asked.last.emit("over", null);
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
      expect(asked.asked).to.have.length(1);
    }));

  it("is asked of nobody while two nodes have the name", () =>
    withLoan(async ({ loan, asked, directory }) => {
      tell(directory, { nodes: [nodeEntry(1), nodeEntry(2, "home")] });
      expect(loan.find()).to.equal(
        "2 nodes are named home; give one of them another name, or say which is meant by fingerprint=",
      );
      expect(asked.asked).to.deep.equal([]);
    }));
});

describe("a loan for once", () => {
  it("is not there when it is refused the first time", () =>
    withCaughtTimers(async (timers) => {
      const directory = directoryOf();
      tell(directory, { nodes: [nodeEntry(1)] });
      const asked = new Asked();
      const loan = new Loan({
        lend: { ...LEND, keep: false },
        lender: () => "nobody",
        borrower: asked as unknown as Borrower,
        ...{ directory, once: true },
      });
      const begun = failureOf(loan.begin(directory.node(1)!));
      await asked.refuse();
      expect(await begun).to.include({ message: "not allowed" });
      expect(timers.delays).to.deep.equal([]);
    }));

  it("follows its node to another number and name", () =>
    withOnce(async ({ loan, asked, directory, gone }) => {
      tell(directory, {
        goneNodes: [1],
        nodes: [{ ...nodeEntry(7, "renamed"), key: keyOfNode(1) }],
      });
      expect(loan.find()).to.include({ vnetid: 7, vnet: "renamed" });
      expect(asked.asked).to.have.length(1);
      expect(gone).to.deep.equal([]);
    }));

  it("is gone when its node takes it back, with the reason", () =>
    withOnce(async ({ loan, asked, gone }) => {
      asked.last.emit("over", "it was not used for 180 s");
      expect(gone).to.deep.equal(["it was not used for 180 s"]);
      expect(loan.find()).to.equal("it was not used for 180 s");
      expect(asked.asked).to.have.length(1);
    }));

  it("is asked for again when its lease broke, and stays", () =>
    withOnce(async ({ loan, asked, timers, gone }) => {
      timers.fire();
      asked.last.emit("over", null);
      expect(asked.asked).to.have.length(2);
      await asked.grant(3);
      expect(loan.find()).to.include({ unserve: 3 });
      expect(timers.delays, "nobody waits for it any more").not.to.include(
        30_000,
      );
      expect(gone).to.deep.equal([]);
    }));

  it("is gone when its node refuses to lend it again", () =>
    withOnce(async ({ asked, timers, gone }) => {
      timers.fire();
      asked.last.emit("over", null);
      await asked.refuse("has them all");
      expect(gone).to.deep.equal(["has them all"]);
    }));

  it("is asked for again while its node cannot be reached, for half a minute", () =>
    withOnce(async ({ asked, timers, gone }) => {
      timers.fire();
      asked.last.emit("over", null);
      await asked.refuse("the channel broke", "network");
      expect(gone).to.deep.equal([]);
      expect(timers.delays).to.deep.equal([30_000, 500]);
      timers.fire();
      expect(gone).to.deep.equal([
        "its node was not reached again within 30 s (the channel broke)",
      ]);
    }));
});
