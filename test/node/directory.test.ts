import { expect } from "chai";
import type { Share } from "../../src/config/config.js";
import { Directory, type DirectoryNews } from "../../src/node/directory.js";
import { fingerprintOf } from "../../src/keys/fingerprint.js";
import type { DirectoryChange } from "../../src/wire/to-node.js";
import { NOBODYS_KEY } from "../support/link-key.js";

const KEY = NOBODYS_KEY;
const node = (vnetid: number, name: string) => ({
  vnetid,
  name,
  key: KEY,
  encrypt: true,
});
const HOME = node(1, "home");
const OFFICE = node(2, "office");
const WEB = {
  serveid: 700,
  vnetid: 1,
  name: "web",
  type: "http",
  ip: "127.0.0.1",
  port: 80,
  info: "",
  share: "exclusive" as Share,
};
const SSH = { ...WEB, serveid: 3, name: "ssh", vnetid: 2 };

describe("a directory", () => {
  let directory: Directory;
  let news: DirectoryNews[];
  let stale: number;

  const apply = (change: Partial<DirectoryChange>) => {
    directory.apply({
      type: "directory",
      nodes: [],
      goneNodes: [],
      serves: [],
      goneServes: [],
      complete: true,
      ...change,
    });
  };

  const nobody = () => "unknown" as const;

  /** Labels of what came (+) and went (-), of all news since asked last. */
  const told = () =>
    news
      .splice(0)
      .flatMap((one) => [
        ...one.nodesCame.map(({ name }) => `+${name}`),
        ...one.nodesGone.map(({ name }) => `-${name}`),
        ...one.servesCame.map(({ name, vnet }) => `+${name} of ${vnet}`),
        ...one.servesGone.map(({ name, vnet }) => `-${name} of ${vnet}`),
      ]);

  beforeEach(() => {
    directory = new Directory();
    news = [];
    stale = 0;
    directory.on("change", (one) => news.push(one));
    directory.on("stale", () => stale++);
    expect(directory.isCurrent).to.be.false;
    apply({ nodes: [HOME, OFFICE], serves: [WEB] });
  });

  it("is current once its first copy is complete, and tells all of it", () => {
    expect(directory.isCurrent).to.be.true;
    expect(news[0]?.afterReconnect).to.be.true;
    expect(told()).to.deep.equal(["+home", "+office", "+web of home"]);
  });

  it("does not show a first copy before it is complete", () => {
    directory = new Directory();
    directory.on("change", (one) => news.push(one));
    told();
    apply({ nodes: [HOME], complete: false });
    expect(directory.isCurrent).to.be.false;
    expect(directory.nodes(0, nobody)).to.be.empty;
    expect(told()).to.be.empty;
    apply({ serves: [WEB] });
    expect(directory.isCurrent).to.be.true;
    expect(told()).to.deep.equal(["+home", "+web of home"]);
  });

  it("tells of each later change what it changes, and nothing else", () => {
    told();
    apply({ serves: [SSH] });
    expect(news[0]?.afterReconnect).to.be.false;
    expect(told()).to.deep.equal(["+ssh of office"]);
    apply({ goneNodes: [1], goneServes: [{ serveid: 700, vnetid: 1 }] });
    expect(told()).to.deep.equal(["-home", "-web of home"]);
    apply({ goneNodes: [99], goneServes: [{ serveid: 999, vnetid: 1 }] });
    expect(told()).to.deep.equal([]);
  });

  it("has new particulars of a serve without news of its coming", () => {
    told();
    apply({ serves: [{ ...WEB, name: "shop", info: "new" }] });
    expect(told()).to.deep.equal([]);
    expect(directory.serve(700)).to.include({ name: "shop", info: "new" });
  });

  it("names the node of each serve, also one that comes in the same change", () => {
    apply({
      nodes: [node(3, "lab")],
      serves: [{ ...SSH, vnetid: 3 }],
    });
    expect(directory.serve(3)?.vnet).to.equal("lab");
    expect(directory.serve(700)?.vnet).to.equal("home");
  });

  it("keeps its last copy readable while the hub is away", () => {
    directory.setStale();
    expect(directory.isCurrent).to.be.false;
    expect(directory.serve(700)).to.include({ vnet: "home" });
    expect([...directory.nodes(0, nobody)]).to.have.length(2);
    expect(stale).to.equal(1);
    // Each failed attempt may have another reason, which the uses show.
    directory.setStale();
    expect(stale).to.equal(2);
  });

  it("tells after a reconnection only what differs", () => {
    told();
    directory.setStale();
    apply({ nodes: [HOME], complete: false });
    apply({ serves: [WEB, { ...SSH, vnetid: 1 }] });
    expect(news[0]?.afterReconnect).to.be.true;
    expect(told()).to.deep.equal(["-office", "+ssh of home"]);
    expect(directory.node(2)).to.be.undefined;
  });

  it("tells of another node that has a number now, which is known by its key", () => {
    told();
    directory.setStale();
    const other = { ...OFFICE, key: Buffer.alloc(32, 9).toString("base64") };
    apply({ nodes: [HOME, other], serves: [WEB] });
    expect(told()).to.deep.equal(["+office", "-office"]);
    expect(directory.node(2)).to.equal(other);
  });

  it("tells nothing after a reconnection where all is as it was", () => {
    told();
    directory.setStale();
    apply({ nodes: [HOME, OFFICE], serves: [WEB] });
    expect(news).to.have.length(1);
    expect(told()).to.deep.equal([]);
  });

  it("forgets half a copy when the hub is lost again", () => {
    directory.setStale();
    apply({ nodes: [node(3, "lab")], complete: false });
    directory.setStale();
    apply({ nodes: [HOME], serves: [] });
    expect(
      [...directory.nodes(0, nobody)].map((node) => node.name),
    ).to.deep.equal(["home"]);
  });

  it("lists nodes and serves as they came, and counts each node's", () => {
    apply({
      nodes: [node(0.5, "first")],
      serves: [SSH, { ...WEB, serveid: 5 }],
    });
    const serves = [...directory.serves(nobody)];
    expect(serves.map((s) => s.serveid)).to.have.members([3, 5, 700]);
    expect(directory).to.include({ nodeCount: 3, serveCount: 3 });
    const fingerprint = fingerprintOf(Buffer.from(KEY, "base64"));
    const listed = { fingerprint, trusted: "unknown" as const };
    expect([...directory.nodes(2, nobody)]).to.have.deep.members([
      { vnetid: 0.5, name: "first", serves: 0, self: false, ...listed },
      { vnetid: 1, name: "home", serves: 2, self: false, ...listed },
      { vnetid: 2, name: "office", serves: 1, self: true, ...listed },
    ]);
  });

  it("lists each serve once, also one that goes and comes while they are read", () => {
    apply({ serves: [SSH] });
    const seen: number[] = [];
    for (const { serveid } of directory.serves(nobody)) {
      seen.push(serveid);
      if (seen.length > 5) break;
      apply({ goneServes: [{ serveid: 700, vnetid: 1 }] });
      apply({ serves: [WEB] });
    }
    expect(seen).to.deep.equal([700, 3]);
  });

  it("asks of each node by its key whether it is trusted", () => {
    const asked: string[] = [];
    const nodes = directory.nodes(0, (key) => {
      asked.push(key);
      return asked.length === 1 ? "no" : "yes";
    });
    const trusted = [...nodes].map((node) => node.trusted);
    expect(asked).to.deep.equal([KEY, KEY]);
    expect(trusted).to.deep.equal(["no", "yes"]);
  });
});
