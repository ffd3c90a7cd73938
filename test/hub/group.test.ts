import { expect } from "chai";
import { setTimeout } from "node:timers/promises";
import { Group, type Member } from "../../src/hub/group.js";
import { FrameDecoder, MAX_FRAME_BYTES } from "../../src/wire/frame.js";
import { decodeToNode, type DirectoryChange } from "../../src/wire/to-node.js";
import { SERVE } from "../support/hub-client.js";

/** What a frame of the directory says, without what it does not say. */
type Told = Partial<Omit<DirectoryChange, "type">>;

/** Each node has a key of its own. */
const keyOf = (vnetid: number) => Buffer.alloc(32, vnetid).toString("base64");

class Listener implements Member {
  readonly frames: Buffer[] = [];
  readonly key: string;
  readonly credential = "";
  readonly crowd = "";
  readonly encrypt = true;

  constructor(
    readonly vnetid: number,
    readonly name: string,
    readonly guest = false,
  ) {
    this.key = keyOf(vnetid);
  }

  get title(): string {
    return this.name;
  }

  sendFrame(frame: Buffer): void {
    this.frames.push(frame);
  }

  /** What it was told since it was asked last. */
  heard(): Told[] {
    return this.frames.splice(0).map((frame) => {
      const [value] = new FrameDecoder().push(frame);
      const { type, ...told } = decodeToNode(value) as DirectoryChange;
      expect(type).to.equal("directory");
      return Object.fromEntries(
        Object.entries(told).filter(
          ([, said]) => said === true || (Array.isArray(said) && said.length),
        ),
      );
    });
  }
}

/** Longer than news are gathered in so small a group. */
const gathered = () => setTimeout(15);

describe("a group", () => {
  let group: Group<Listener>;
  let home: Listener;
  let office: Listener;

  const web = { ...SERVE, serveid: 700, vnetid: 1, service: "up" };

  const entry = (vnetid: number, name: string) => ({
    vnetid,
    name,
    key: keyOf(vnetid),
    encrypt: true,
  });

  const join = (vnetid: number, name: string, guest = false): Listener => {
    const member = new Listener(vnetid, name, guest);
    group.join(member);
    return member;
  };

  beforeEach(async () => {
    group = new Group<Listener>("default", { restMs: 1_000, now: Date.now });
    home = join(1, "home");
    office = join(2, "office");
    await gathered();
    home.heard();
    office.heard();
  });

  it("tells who joins the whole directory, itself included", () => {
    group.register(home, 700, SERVE);
    expect(join(3, "lab").heard()).to.deep.equal([
      {
        nodes: [entry(1, "home"), entry(2, "office"), entry(3, "lab")],
        serves: [web],
        complete: true,
      },
    ]);
  });

  it("tells an empty directory, too", () => {
    const other = new Group<Listener>("other", { restMs: 0, now: Date.now });
    const guest = new Listener(10_001, "guest", true);
    other.join(guest);
    expect(guest.heard()).to.deep.equal([{ complete: true }]);
  });

  it("tells each change once to each member, as a delta", async () => {
    const serve = group.register(home, 700, SERVE);
    await gathered();
    for (const member of [home, office])
      expect(member.heard()).to.deep.equal([{ serves: [web], complete: true }]);

    group.update(serve, { ...SERVE, info: "new" });
    await gathered();
    for (const member of [home, office])
      expect(member.heard()).to.deep.equal([
        { serves: [{ ...web, info: "new" }], complete: true },
      ]);

    group.remove(serve);
    await gathered();
    for (const member of [home, office])
      expect(member.heard()).to.deep.equal([
        { goneServes: [{ serveid: 700, vnetid: 1 }], complete: true },
      ]);

    await gathered();
    expect(home.heard()).to.deep.equal([]);
  });

  it("tells of a node that comes and goes", async () => {
    const lab = join(3, "lab");
    await gathered();
    expect(home.heard()).to.deep.equal([
      { nodes: [entry(3, "lab")], complete: true },
    ]);
    group.leave(lab);
    await gathered();
    expect(home.heard()).to.deep.equal([{ goneNodes: [3], complete: true }]);
  });

  it("tells the changes of one turn in one message", async () => {
    for (const id of [700, 701, 702]) group.register(home, id, SERVE);
    group.leave(office);
    await gathered();
    const [change, ...more] = home.heard();
    expect(more).to.be.empty;
    expect(change?.serves?.map((s) => s.serveid)).to.deep.equal([
      700, 701, 702,
    ]);
    expect(change?.goneNodes).to.deep.equal([2]);
  });

  it("tells of the end only, where a serve came and went in one turn", async () => {
    group.remove(group.register(home, 700, SERVE));
    await gathered();
    expect(office.heard()).to.deep.equal([
      { goneServes: [{ serveid: 700, vnetid: 1 }], complete: true },
    ]);
  });

  it("tells who joins what is still to be told once more, which changes nothing", async () => {
    group.register(home, 700, SERVE);
    const lab = join(3, "lab");
    expect(lab.heard()[0]).to.deep.include({ serves: [web] });
    await gathered();
    expect(lab.heard()).to.deep.equal([
      { nodes: [entry(3, "lab")], serves: [web], complete: true },
    ]);
    expect(home.heard()).to.have.length(1);
  });

  it("tells one change at once, and those that follow it closely in one message, the later the more members there are", async () => {
    for (let n = 3; n <= 60; n++) join(n, `n${n}`);
    await setTimeout(100);
    home.heard();
    group.register(home, 700, SERVE);
    await setTimeout(5);
    expect(home.heard()).to.have.length(1);
    for (let n = 0; n < 4; n++) {
      group.register(home, 701 + n, SERVE);
      await setTimeout(1);
    }
    expect(home.heard()).to.deep.equal([]);
    await setTimeout(100);
    const [news, ...more] = home.heard();
    expect(news?.serves).to.have.length(4);
    expect(more).to.deep.equal([]);
  });

  it("sends a large directory in frames under the cap, with `complete` on the last only", () => {
    const info = "\u{1F600}".repeat(256);
    for (let id = 500; id <= 999; id++)
      group.register(home, id, { ...SERVE, info });
    const lab = join(3, "lab");
    expect(lab.frames.length).to.be.greaterThan(8);
    for (const frame of lab.frames)
      expect(frame.length).to.be.at.most(MAX_FRAME_BYTES);
    const heard = lab.heard();
    const last = heard.pop();
    expect(last?.complete).to.be.true;
    for (const frame of heard) expect(frame).not.to.have.property("complete");
    const ids = [...heard, last].flatMap((told) => told?.serves ?? []);
    expect(new Set(ids.map((s) => s.serveid)).size).to.equal(500);
    expect(heard[0]?.nodes).to.have.length(3);
  });

  it("sends a large change in frames under the cap, too", async () => {
    const info = "\u{1F600}".repeat(256);
    for (let id = 500; id <= 999; id++)
      group.register(home, id, { ...SERVE, info });
    await gathered();
    for (const frame of office.frames)
      expect(frame.length).to.be.at.most(MAX_FRAME_BYTES);
    const ids = office.heard().flatMap((told) => told.serves ?? []);
    expect(ids).to.have.length(500);
  });

  it("removes all serves of a node that leaves, and no others", () => {
    group.register(home, 700, SERVE);
    group.register(home, 0, SERVE);
    const kept = group.register(office, 701, SERVE);
    group.leave(home);
    expect(group.holders(700)).to.be.empty;
    expect(group.serveOf(office, 701)).to.equal(kept);
    expect(group.counts).to.deep.equal({ nodes: 1, serves: 1 });
  });

  it("tells a guest everything and nobody of the guest", async () => {
    const guest = join(10_001, "guest", true);
    expect(guest.heard()[0]?.nodes).to.deep.equal([
      entry(1, "home"),
      entry(2, "office"),
    ]);
    group.register(home, 700, SERVE);
    await gathered();
    expect(guest.heard()).to.deep.equal([{ serves: [web], complete: true }]);
    group.leave(guest);
    await gathered();
    expect(home.heard()).to.deep.equal([{ serves: [web], complete: true }]);
  });

  it("does not let an old session leave in the name of its successor", () => {
    const again = join(1, "home");
    group.leave(home);
    expect(group.member(1)).to.equal(again);
  });

  it("numbers nodes from 1, and guests where nobody counts", () => {
    const other = new Group<Listener>("other", { restMs: 1e6, now: Date.now });
    expect(other.takeVnetid(0, "a", false)).to.equal(1);
    expect(other.takeVnetid(0, "b", false)).to.equal(2);
    expect(other.takeVnetid(0, "guest", true)).to.equal(10_001);
    expect(other.takeVnetid(7, "c", false)).to.equal(7);
    expect(other.takeVnetid(7, "d", false)).to.equal(3);
  });

  it("keeps the number of a node that left for its key", () => {
    const other = new Group<Listener>("other", { restMs: 1e6, now: Date.now });
    const a = other.takeVnetid(0, keyOf(1), false)!;
    const member = new Listener(a, "a");
    other.join(member);
    other.leave(member);
    expect(other.takeVnetid(a, "another key", false)).not.to.equal(a);
    expect(other.takeVnetid(0, member.key, false)).to.equal(a);
  });

  it("is empty when the last member has left", () => {
    expect(group.isEmpty).to.be.false;
    group.leave(home);
    group.leave(office);
    expect(group.isEmpty).to.be.true;
  });

  describe("of which one member has hundreds of serves of one name", () => {
    const count = 200;
    const web = { ...SERVE, name: "web", share: "takeover" } as const;

    beforeEach(async () => {
      group.register(home, 700, web);
      for (let n = 0; n < count; n++) group.register(office, n + 1, web);
      await setTimeout(150);
      home.heard();
    });

    const told = () => home.heard().flatMap(({ serves = [] }) => serves);

    it("tells of the one alone that is renamed", async () => {
      const [serve] = group.servesOf(office);
      for (let n = 0; n < 51; n++)
        group.update(serve!, { ...web, name: n % 2 ? "web" : "blog" });
      await setTimeout(150);
      expect(new Set(told().map(({ serveid }) => serveid))).to.deep.equal(
        new Set([serve!.serveid]),
      );
    });

    it("tells of all of them when they become namesakes, and of none twice for one who goes to and fro", async () => {
      const serve = group.serveOf(home, 700)!;
      for (let n = 0; n < 51; n++)
        group.update(serve, { ...web, share: n % 2 ? "takeover" : "balance" });
      await setTimeout(150);
      const entries = told().filter(({ vnetid }) => vnetid === office.vnetid);
      expect(entries).to.have.length(count);
      for (const entry of entries) expect(entry.namesake).to.equal(true);
    });
  });

  it("tells of one that takes over when it came, and takes nothing from the one before it", async () => {
    const share = "takeover" as const;
    const { since } = group.register(home, 700, { ...SERVE, share });
    await gathered();
    office.heard();
    const later = group.register(office, 0, { ...SERVE, share });
    expect(later.since).to.be.greaterThan(since);
    await gathered();
    expect(office.heard()).to.deep.equal([
      {
        serves: [{ ...web, vnetid: 2, share, since: later.since }],
        complete: true,
      },
    ]);
    expect(group.serveOf(home, 700)).to.include({ owner: home, since });
  });

  it("tells of the one that left only, where another node has the same id", async () => {
    const balance = { ...SERVE, share: "balance" } as const;
    for (const owner of [home, office]) group.register(owner, 700, balance);
    await gathered();
    office.heard();
    group.leave(home);
    await gathered();
    expect(office.heard()).to.deep.equal([
      {
        goneNodes: [1],
        goneServes: [{ serveid: 700, vnetid: 1 }],
        complete: true,
      },
    ]);
    expect(group.holders(700).map(({ owner }) => owner)).to.deep.equal([
      office,
    ]);
    const [told] = join(3, "lab").heard();
    expect(told?.serves?.map(({ vnetid }) => vnetid)).to.deep.equal([2]);
  });
});
