import { expect } from "chai";
import type { UseTarget } from "../../src/config/target.js";
import type { Borrower } from "../../src/node/borrower.js";
import type { Directory } from "../../src/node/directory.js";
import { createSearch } from "../../src/node/search.js";
import { openChoice } from "../support/choice.js";
import {
  directoryOf,
  entryOf,
  provider,
  remoteServe,
  tell,
} from "../support/remote-serve.js";

const nobody = {} as unknown as Borrower;

function search(target: UseTarget, directory: Directory) {
  return createSearch(target, {
    directory,
    borrower: nobody,
    choice: openChoice(directory),
    onChange: () => undefined,
  });
}

function found(target: UseTarget, directory: Directory): number[] | string {
  const serves = search(target, directory).find();
  return Array.isArray(serves)
    ? serves.map(({ vnetid }) => vnetid)
    : String(serves);
}

const named = (name: string, node: string | null = null): UseTarget => ({
  kind: "name",
  name,
  node,
});
const share = "balance" as const;

describe("a search", () => {
  it("for nothing finds nothing, and says so", () => {
    expect(found({ kind: "none" }, directoryOf())).to.equal(
      "no serveid is set",
    );
  });

  describe("by name", () => {
    const directory = directoryOf(
      remoteServe(2, { serveid: 5 }),
      remoteServe(1, { serveid: 3 }),
      remoteServe(1, { serveid: 9, name: "db" }),
    );

    it("finds the first that was registered, where several have it", () => {
      expect(found(named("web"), directory)).to.deep.equal([2]);
      tell(directory, {
        serves: [entryOf(remoteServe(2, { serveid: 5, info: "new" }))],
      });
      expect(found(named("web"), directory)).to.deep.equal([2]);
    });

    it("finds that of one node, however late it came", () => {
      expect(found(named("web", "home"), directory)).to.deep.equal([1]);
    });

    it("says who does not offer it", () => {
      expect(found(named("ftp"), directory)).to.equal(
        "nobody offers ftp just now",
      );
      expect(found(named("db", "office"), directory)).to.equal(
        "vnet office does not offer db just now",
      );
      expect(found(named("ftp", "nowhere"), directory)).to.equal(
        "no node nowhere in this group just now",
      );
      // Its node is called otherwise by now, perhaps.
      expect(found(named("web", "nowhere"), directory)).to.equal(
        "no node nowhere in this group just now; there is web@office",
      );
    });

    it("goes on to the next one when the first goes", () => {
      const one = search(named("web"), directory);
      tell(directory, { goneServes: [{ serveid: 5, vnetid: 2 }] });
      expect(one.find()).to.deep.equal([provider(1, { serveid: 3 })]);
    });

    it("finds all that are balanced, under one id and under several", () => {
      const several = directoryOf(
        remoteServe(1, { serveid: 700, share }),
        remoteServe(2, { serveid: 700, share }),
        remoteServe(3, { serveid: 4, share }),
        remoteServe(3, { serveid: 5, share, name: "db" }),
      );
      expect(found(named("web"), several)).to.have.members([1, 2, 3]);
      expect(found(named("web", "lab"), several)).to.deep.equal([3]);
    });

    it("finds all that take over, the latest first, and none whose service is not there", () => {
      const share = "takeover" as const;
      const several = directoryOf(
        remoteServe(1, { share, since: 5 }),
        remoteServe(2, { share, since: 9 }),
        remoteServe(3, { share, since: 7, serveid: 4 }),
        remoteServe(3, { share: "balance", serveid: 5 }),
      );
      expect(found(named("web"), several)).to.deep.equal([2, 3, 1]);
      expect(found({ kind: "id", serveid: 700 }, several)).to.deep.equal([
        2, 1,
      ]);
      const service = "down" as const;
      tell(several, {
        serves: [entryOf(remoteServe(2, { share, since: 9, service }))],
      });
      expect(found(named("web"), several)).to.deep.equal([3, 1]);
    });

    it("leaves an exclusive one alone when the first is balanced, and the other way about", () => {
      const balanced = remoteServe(1, { share });
      const exclusive = remoteServe(2, { serveid: 5 });
      const last = remoteServe(3, { serveid: 6, share });
      expect(
        found(named("web"), directoryOf(balanced, exclusive, last)),
      ).to.deep.equal([1, 3]);
      expect(
        found(named("web"), directoryOf(exclusive, balanced, last)),
      ).to.deep.equal([2]);
    });
  });

  describe("by id", () => {
    const id = (serveid: number): UseTarget => ({ kind: "id", serveid });

    it("finds all that are balanced under it, and none of that name with another id", () => {
      const directory = directoryOf(
        remoteServe(1, { serveid: 7, share }),
        remoteServe(2, { serveid: 7, share }),
        remoteServe(3, { serveid: 8, share }),
      );
      expect(found(id(7), directory)).to.deep.equal([1, 2]);
      expect(found(id(9), directory)).to.equal("nobody offers 009 just now");
    });

    it("goes on to another node under a dynamic id only where it is shared by the same name", () => {
      for (const [how, reaches] of [
        ["balance", true],
        ["takeover", true],
        ["exclusive", false],
      ] as const) {
        const directory = directoryOf(
          remoteServe(1, { serveid: 7, share: how }),
          remoteServe(2, { serveid: 1 }),
        );
        const one = search(id(7), directory);
        expect(one.find()).to.have.length(1);
        tell(directory, {
          goneServes: [{ serveid: 7, vnetid: 1 }],
          serves: [entryOf(remoteServe(2, { serveid: 7, share: how }))],
        });
        expect(typeof one.find() !== "string", how).to.equal(reaches);
        tell(directory, {
          serves: [
            entryOf(remoteServe(2, { serveid: 7, share: how, name: "db" })),
          ],
        });
        expect(one.find(), how).to.satisfy(
          (found: unknown) => how !== "exclusive" || typeof found === "string",
        );
      }
    });
  });
});
