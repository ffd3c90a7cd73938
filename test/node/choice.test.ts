import { setImmediate } from "node:timers/promises";
import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { fingerprintOf } from "../../src/keys/fingerprint.js";
import { KnownNodes, type Consent } from "../../src/keys/known-nodes.js";
import type { Choice } from "../../src/node/choice.js";
import type { Directory } from "../../src/node/directory.js";
import { withCaughtTimers } from "../support/caught-timers.js";
import { ChoiceStage } from "../support/choice.js";
import { eventually } from "../support/deadline.js";
import { failureOf } from "../support/failure.js";
import {
  directoryOf,
  keyOfNode,
  nodeEntry,
  remoteServe,
  tell,
} from "../support/remote-serve.js";

const SOUGHT = { group: "default", wanted: "700" };
const SECRET = "a-secret-of-the-group";

const printOf = (vnetid: number) =>
  fingerprintOf(Buffer.from(keyOfNode(vnetid), "base64"));

describe("whom a use reaches", () => {
  let directory: Directory;
  let stage: ChoiceStage;
  let choice: Choice;

  /** The numbers of the nodes that it may reach, or why none. */
  function picked(...vnetids: number[]): number[] | string {
    const found = choice.pick(vnetids.map((vnetid) => remoteServe(vnetid)));
    if (typeof found === "string") return found;
    if (found instanceof VnetError) return `${found.code}: ${found.message}`;
    return found.map(({ vnetid }) => vnetid);
  }

  function reached(vnetid: number, consent: Consent = "alone"): void {
    const name = `node-${vnetid}`;
    choice.reached({ key: keyOfNode(vnetid), name, consent });
  }

  const showsSecret = (vnetid: number) =>
    stage.standings.worked(keyOfNode(vnetid), true);
  const failsToShow = (vnetid: number) =>
    stage.standings.refused(keyOfNode(vnetid), `${vnetid} has another key`);
  const known = () =>
    stage.knownNodes.of(SOUGHT).map(({ fingerprint, basis }) => {
      const vnetid = [1, 2, 3].find((each) => printOf(each) === fingerprint);
      return `${vnetid} ${basis}`;
    });

  beforeEach(() => {
    directory = directoryOf(remoteServe(1), remoteServe(2), remoteServe(3));
    stage = new ChoiceStage(directory);
    choice = stage.choice();
  });

  afterEach(() => {
    choice.close();
  });

  describe("at first contact", () => {
    it("is, without a secret, the one that offers it as soon as a channel to it was made", () => {
      expect(picked(1)).to.equal("asking vnet home whether it is there");
      expect(stage.asked).to.deep.equal([1]);
      stage.standings.worked(keyOfNode(1), false);
      expect(picked(1)).to.deep.equal([1]);
      expect(picked()).to.deep.equal([]);
    });

    it("is, of several without a secret, one that is there", () => {
      expect(picked(1, 2)).to.equal("asking vnet home whether it is there");
      expect(stage.asked).to.deep.equal([1, 2]);
      failsToShow(1);
      stage.standings.worked(keyOfNode(2), false);
      expect(picked(1, 2)).to.deep.equal([2]);
    });

    it("is nobody who has not shown the secret, and whoever is unknown is asked for a channel", () => {
      stage.settings.secret = SECRET;
      expect(picked(1, 2)).to.equal(
        "asking vnet home whether it has the secret of this group",
      );
      expect(stage.asked).to.deep.equal([1, 2]);
      showsSecret(2);
      expect(picked(1, 2)).to.deep.equal([2]);
    });

    it("is never one that failed to show the secret, which is asked again all the same", () => {
      stage.settings.secret = SECRET;
      failsToShow(1);
      expect(picked(1)).to.equal("1 has another key");
      expect(stage.asked).to.deep.equal([1]);
      showsSecret(2);
      expect(picked(1, 2)).to.deep.equal([2]);
    });

    it("is never one that does not encrypt as this node does", () => {
      tell(directory, { nodes: [{ ...nodeEntry(1), encrypt: false }] });
      expect(picked(1)).to.match(/^vnet home has encrypt=false/);
      expect(stage.asked).to.deep.equal([]);
      stage.standings.worked(keyOfNode(1), false);
      stage.standings.worked(keyOfNode(2), false);
      expect(picked(1, 2)).to.deep.equal([2]);
    });
  });

  describe("after the first stream", () => {
    it("is the one that took it, and no other, though that one was there first and has the secret", () => {
      stage.settings.secret = SECRET;
      for (const vnetid of [1, 2]) showsSecret(vnetid);
      reached(2);
      expect(known()).to.deep.equal(["2 secret"]);
      expect(picked(1, 2)).to.deep.equal([2]);
      expect(picked(1)).to.equal(
        `refused: the key of what it reaches has CHANGED: vnet home has ${printOf(1)}, it was ${printOf(2)}: somebody may have taken its place, or its node was set up anew; ask its owner, then accept it with \`use trust web\` or \`./vnet trust 700\``,
      );
      expect(choice.refusedKey).to.equal(printOf(1));
      expect(picked(2)).to.deep.equal([2]);
      expect(choice.refusedKey).to.equal(null);
    });

    it("is still the first one after a hundred others that it let in, and an error names few of them", () => {
      stage.settings.secret = SECRET;
      for (const vnetid of [1, 2]) showsSecret(vnetid);
      reached(1, "any");
      for (let n = 0; n < 120; n++) {
        const identity = Buffer.alloc(32);
        identity.writeUInt32BE(n + 1);
        const consent = [fingerprintOf(identity)];
        const key = identity.toString("base64");
        choice.reached({ key, name: `evil-${n}`, consent });
        // It says something else now, and stays the first.
        if (n === 10) reached(1, [printOf(1)]);
      }
      expect(picked(1)).to.deep.equal([1]);
      const said = String(picked(2));
      expect(said).to.match(
        /^refused.* it was SHA256:\S+ or SHA256:\S+ or SHA256:\S+ or 9[67] more:/,
      );
    });

    it("is not refused for one that has not the secret: that one is nobody", () => {
      stage.settings.secret = SECRET;
      showsSecret(2);
      reached(2);
      expect(picked(1)).to.match(/^asking vnet home/);
      failsToShow(1);
      expect(picked(1)).to.deep.equal([]);
      failsToShow(2);
      expect(picked(1, 2)).to.equal("2 has another key");
    });

    it("is accepted by a command that keeps a label of two words together", () => {
      stage.standings.worked(keyOfNode(2), false);
      reached(1);
      const use = stage.choice({ label: "help unserve" });
      const refused = use.pick([remoteServe(2)]);
      expect((refused as Error).message).to.include(
        '`use trust "help unserve"` or',
      );
      use.close();
    });

    it("is another one once a person has accepted it", async () => {
      stage.standings.worked(keyOfNode(2), false);
      reached(1);
      expect(picked(2)).to.match(/^refused/);
      expect(known()).to.deep.equal(["1 hub", "2 refused"]);
      await choice.trust();
      expect(known()).to.deep.equal(["2 person"]);
      expect(picked(1, 2)).to.deep.equal([2]);
      expect(await failureOf(choice.trust())).to.include({ code: "usage" });
    });

    it("looks every two seconds whether the refused key was accepted elsewhere, and no longer than it must", () =>
      withCaughtTimers(async (timers) => {
        stage.standings.worked(keyOfNode(2), false);
        reached(1);
        picked(2);
        picked(2);
        expect(timers.delays).to.deep.equal([2_000]);
        timers.fire();
        await setImmediate();
        expect(stage.changes).to.equal(1);
        picked(2);
        expect(timers.delays).to.deep.equal([2_000]);
        choice.close();
        expect(timers.delays).to.deep.equal([]);
      }));

    it("is remembered for another use of the same, and for no other group or serve", () => {
      stage.standings.worked(keyOfNode(2), false);
      reached(1);
      const other = stage.choice({ label: "other" });
      expect(other.pick([remoteServe(2)])).to.be.instanceOf(VnetError);
      other.close();
      expect(
        stage.choice({ wanted: "701" }).pick([remoteServe(2)]),
      ).to.have.length(1);
      stage.settings.group = "lab";
      expect(picked(2)).to.deep.equal([2]);
    });

    it("is forgotten of what was borrowed by hand, and with encrypt=false", () => {
      const borrowed = stage.choice({ remembers: false });
      borrowed.reached({
        key: keyOfNode(1),
        name: "home",
        consent: "alone",
      });
      expect(known()).to.deep.equal([]);
      stage.settings.encrypt = false;
      reached(1);
      expect(known()).to.deep.equal([]);
    });
  });

  describe("on the hub's word", () => {
    beforeEach(() => {
      reached(1);
      expect(known()).to.deep.equal(["1 hub"]);
    });

    it("is the same one for as long as there is no secret", () => {
      stage.standings.worked(keyOfNode(2), false);
      expect(picked(2)).to.match(/^refused/);
    });

    it("is confirmed by the first stream under the secret", () => {
      stage.settings.secret = SECRET;
      showsSecret(1);
      reached(1);
      expect(known()).to.deep.equal(["1 secret"]);
      stage.settings.secret = "";
      stage.standings.worked(keyOfNode(2), false);
      expect(picked(2)).to.match(/^refused/);
    });

    it("gives way to whoever shows the secret, and that is said", () => {
      stage.settings.secret = SECRET;
      for (const vnetid of [1, 2]) showsSecret(vnetid);
      expect(picked(2, 1), "it is preferred").to.deep.equal([1, 2]);
      expect(picked(2)).to.deep.equal([2]);
      reached(2);
      expect(known()).to.deep.equal(["2 secret"]);
      expect(stage.told).to.deep.equal([
        `is served by a new key: vnet node-2, ${printOf(2)}`,
      ]);
    });
  });

  describe("where it may be shared", () => {
    beforeEach(() => {
      stage.settings.secret = SECRET;
      for (const vnetid of [1, 2]) showsSecret(vnetid);
    });

    it("is whoever has the secret, once the first one has said so; each new key is told", () => {
      reached(1, "any");
      expect(picked(2)).to.deep.equal([2]);
      expect(picked(2, 1), "whom it knows first").to.deep.equal([1, 2]);
      reached(2, "any");
      expect(known()).to.deep.equal(["1 secret", "2 secret"]);
      expect(stage.told).to.deep.equal([
        `is served by a new key: vnet node-2, ${printOf(2)}`,
      ]);
      reached(2, "any");
      expect(stage.told).to.have.length(1);
      expect(picked(1, 3)).to.deep.equal([1]);
      expect(stage.asked, "the unknown one is asked").to.deep.equal([3]);
      failsToShow(3);
      expect(picked(3)).to.deep.equal([]);
    });

    it("is only whom the first one lists, whatever a newcomer says", () => {
      reached(1, [printOf(3)]);
      expect(picked(1, 2, 3), "3 is asked first").to.deep.equal([1]);
      expect(stage.asked).to.deep.equal([3]);
      showsSecret(3);
      expect(picked(1, 2, 3)).to.deep.equal([1, 3]);
      expect(picked(2)).to.match(/^refused/);
      expect(choice.admits(keyOfNode(3))).to.equal(true);
      expect(choice.admits(keyOfNode(2))).to.equal(false);
    });

    it("follows what the first one says later", () => {
      reached(1, "any");
      expect(picked(2)).to.deep.equal([2]);
      reached(1, "alone");
      expect(picked(2)).to.match(/^refused/);
      expect(known()).to.deep.equal(["1 secret", "2 refused"]);
      reached(1, [printOf(2)]);
      expect(picked(2)).to.deep.equal([2]);
    });

    it("is also the one whom a person accepts, beside those that share it", async () => {
      reached(1, [printOf(3)]);
      expect(picked(2)).to.match(/^refused/);
      await choice.trust();
      showsSecret(3);
      expect(picked(1, 2, 3)).to.deep.equal([1, 2, 3]);
    });
  });

  describe("with fingerprint=", () => {
    beforeEach(() => {
      choice = stage.choice({ fingerprint: `${printOf(2)} ${printOf(3)}` });
    });

    it("is one of these, whoever comes first, and nothing is remembered", () => {
      expect(picked(1, 2, 3)).to.match(/^asking/);
      for (const id of [1, 2, 3]) stage.standings.worked(keyOfNode(id), false);
      expect(picked(1, 2, 3)).to.deep.equal([2, 3]);
      reached(2);
      expect(known()).to.deep.equal([]);
    });

    it("is nobody else, with the line to correct", async () => {
      stage.standings.worked(keyOfNode(1), false);
      expect(picked(1)).to.equal(
        `refused: vnet home has the key ${printOf(1)}, fingerprint= says ${printOf(2)} or ${printOf(3)}: ask its owner, then correct the line`,
      );
      expect(await failureOf(choice.trust())).to.include({ code: "usage" });
    });

    it("holds with encrypt=false too, for what the hub's word is worth", () => {
      stage.settings.encrypt = false;
      const nodes = [1, 2].map((id) => ({ ...nodeEntry(id), encrypt: false }));
      tell(directory, { nodes });
      expect(picked(1, 2)).to.match(/^asking/);
      stage.standings.worked(keyOfNode(2), false);
      expect(picked(1, 2)).to.deep.equal([2]);
      expect(picked(1)).to.match(/^refused/);
    });
  });

  it("says that keys cannot be remembered, and remembers them until the end", async () => {
    stage.knownNodes = new KnownNodes("/dev/null/known-nodes");
    choice = stage.choice();
    reached(1);
    await eventually("it is said", () => stage.told.length > 0);
    expect(stage.told).to.deep.equal([
      "are remembered until this program ends only",
    ]);
    stage.standings.worked(keyOfNode(2), false);
    expect(picked(2)).to.match(/^refused/);
  });
});
