import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Borrower } from "../../src/node/borrower.js";
import type { RemoteServe } from "../../src/node/control.js";
import type { Directory } from "../../src/node/directory.js";
import type { HubLink } from "../../src/node/hub-link.js";
import type { Reply } from "../../src/node/hub-messages.js";
import { failureOf } from "../support/failure.js";
import {
  directoryOf,
  entryOf,
  nodeEntry,
  remoteServe,
  tell,
  UNSERVE as LENT,
} from "../support/remote-serve.js";

const ID = LENT.serveid;
const TARGET = { vnetid: 1, ip: "127.0.0.1", port: 22, keep: true };
const GONE = { goneServes: [{ serveid: ID, vnetid: 1 }] };

const OTHER_KEY = Buffer.alloc(32, 9).toString("base64");

/** A hub by hand; what is asked of it is answered when the test says so. */
class Asked {
  state = "online";
  readonly returned: number[] = [];
  #answer: ((reply: Reply) => void) | undefined;
  #refuse: ((reason: VnetError) => void) | undefined;

  request(): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#answer = resolve;
      this.#refuse = reject;
    });
  }

  send({ serveid }: { serveid: number }): void {
    this.returned.push(serveid);
  }

  grant(): void {
    this.#answer?.({ type: "unserve-granted", request: 1, serveid: ID });
  }

  refuse(): void {
    this.#refuse?.(new VnetError("refused", "not allowed"));
  }
}

describe("what a node has borrowed", () => {
  let hub: Asked;
  let directory: Directory;
  let borrower: Borrower;

  beforeEach(() => {
    hub = new Asked();
    directory = directoryOf();
    const other = { ...nodeEntry(2), key: OTHER_KEY };
    tell(directory, { nodes: [nodeEntry(1), other] });
    borrower = new Borrower({ link: hub as unknown as HubLink, directory });
    directory.on("change", () => {
      borrower.settle();
    });
  });

  /** what request() brought */
  let granted: RemoteServe;

  async function borrow(serve = LENT): Promise<void> {
    const asked = borrower.request(TARGET);
    // The hub tells of it first.
    tell(directory, { serves: [entryOf(serve)] });
    hub.grant();
    granted = await asked;
    expect(granted).to.deep.equal(serve);
  }

  const comes = (serve = LENT) => {
    tell(directory, { serves: [entryOf(serve)] });
  };

  it("is given back when the last of two who share it wants it no more, once", async () => {
    await borrow();
    await borrow();
    borrower.giveBack(granted);
    expect(hub.returned).to.deep.equal([]);
    borrower.giveBack(granted);
    tell(directory, {});
    expect(hub.returned).to.deep.equal([ID]);
  });

  it("is still wanted twice when its node was away meanwhile", async () => {
    await borrow();
    await borrow();
    tell(directory, GONE);
    comes();
    borrower.giveBack(granted);
    expect(hub.returned).to.deep.equal([]);
    borrower.giveBack(granted);
    expect(hub.returned).to.deep.equal([ID]);
  });

  it("is given back as soon as it is seen again, when nobody wanted it any more while its node was away", async () => {
    await borrow();
    tell(directory, GONE);
    borrower.giveBack(granted);
    tell(directory, {});
    expect(hub.returned).to.deep.equal([]);
    comes();
    expect(hub.returned).to.deep.equal([ID]);
  });

  it("is given back once more when its node comes back with it, as it never heard of that", async () => {
    await borrow();
    borrower.giveBack(granted);
    tell(directory, GONE);
    comes();
    expect(hub.returned).to.deep.equal([ID, ID]);
  });

  it("is given back when the hub is back", async () => {
    await borrow();
    hub.state = "offline";
    borrower.giveBack(granted);
    expect(hub.returned).to.deep.equal([]);
    hub.state = "online";
    tell(directory, {});
    expect(hub.returned).to.deep.equal([ID]);
  });

  it("is not taken for what was owed before, when it is lent anew under the same id", async () => {
    await borrow();
    tell(directory, GONE);
    borrower.giveBack(granted);
    await borrow();
    tell(directory, {});
    expect(hub.returned).to.deep.equal([]);
  });

  it("is another node's when that one has the id now", async () => {
    await borrow();
    tell(directory, GONE);
    borrower.giveBack(granted);
    comes(remoteServe(2, { serveid: ID, port: 22, temporary: true }));
    expect(hub.returned).to.deep.equal([]);
  });

  it("of one node is not given back by who wanted another node's under the same id", async () => {
    const other = remoteServe(2, { serveid: ID, port: 22, temporary: true });
    await borrow();
    const first = granted;
    tell(directory, GONE);
    await borrow(other);
    borrower.giveBack(first);
    expect(hub.returned).to.deep.equal([]);
    borrower.giveBack(granted);
    expect(hub.returned).to.deep.equal([ID]);
  });

  it("finds its node also under another number and name, by its key", async () => {
    await borrow();
    tell(directory, {
      ...GONE,
      goneNodes: [1],
      nodes: [nodeEntry(3, "renamed")],
    });
    comes({ ...LENT, vnetid: 3, vnet: "renamed" });
    expect(hub.returned).to.deep.equal([]);
    borrower.giveBack(granted);
    expect(hub.returned).to.deep.equal([ID]);
  });

  it("is given back by its id alone when its node is away just then", async () => {
    await borrow();
    tell(directory, GONE);
    borrower.giveBackId(ID);
    comes();
    expect(hub.returned).to.deep.equal([ID]);
  });

  it("is settled also after a request that was refused", async () => {
    await borrow();
    tell(directory, GONE);
    borrower.giveBack(granted);
    const asked = borrower.request({ ...TARGET, port: 23 });
    comes();
    expect(hub.returned).to.deep.equal([]);
    hub.refuse();
    expect(await failureOf(asked)).to.include({ message: "not allowed" });
    expect(hub.returned).to.deep.equal([ID]);
  });
});
