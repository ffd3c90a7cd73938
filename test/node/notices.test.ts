import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Identity } from "../../src/keys/identity.js";
import { KnownHubs } from "../../src/keys/known-hubs.js";
import type { Notice, RemoteServe } from "../../src/node/control.js";
import { textOf } from "../../src/log.js";
import { Directory, type DirectoryNews } from "../../src/node/directory.js";
import { HubLink } from "../../src/node/hub-link.js";
import { HubTrust } from "../../src/node/hub-trust.js";
import { Notices } from "../../src/node/notices.js";
import { FINGERPRINT, SSH } from "../support/fake-node.js";
import { NOBODYS_KEY } from "../support/link-key.js";
import { routeSettings } from "../support/settings.js";

const LOST = new VnetError("closed", "the link broke");

describe("the notices of a node", () => {
  let notices: Notices;
  let told: Notice[];
  let stop: () => void;

  const texts = () => told.splice(0).map(textOf);

  const hear = (news: Partial<DirectoryNews>) => {
    notices.heard({
      nodesCame: [],
      nodesGone: [],
      servesCame: [],
      servesGone: [],
      afterReconnect: false,
      ...news,
    });
  };

  const node = (vnetid: number) => ({
    vnetid,
    name: `node-${vnetid}`,
    key: NOBODYS_KEY,
    encrypt: true,
  });
  const serve = (serveid: number, vnetid = 1): RemoteServe => ({
    ...SSH,
    serveid,
    vnetid,
  });

  beforeEach(() => {
    // Never started: only what it is called is asked of it.
    const link = new HubLink({
      route: routeSettings(7749),
      name: "office",
      group: "default",
      guest: false,
      software: "vnet test",
      identity: Identity.generate(),
      encrypt: true,
      hubTrust: new HubTrust(new KnownHubs(null)),
    });
    link.vnetid = 2;
    const directory = new Directory();
    directory.apply({
      type: "directory",
      nodes: [node(1), node(2)],
      goneNodes: [],
      serves: [{ ...SSH }].map(({ vnet: _, ...entry }) => entry),
      goneServes: [],
      complete: true,
    });
    notices = new Notices(link, directory, () => "default");
    told = [];
    stop = notices.listen((notice) => told.push(notice));
  });

  it("tell each thing that came or went", () => {
    hear({ nodesCame: [node(3)], servesCame: [serve(700)] });
    expect(texts()).to.deep.equal([
      "vnet 03 (node-3) is here",
      "serve 700 (ssh of remote-ssh) is here",
    ]);
    hear({ nodesGone: [node(3)], servesGone: [serve(7)] });
    expect(texts()).to.deep.equal([
      "vnet 03 (node-3) left",
      "serve 007 (ssh of remote-ssh) is gone",
    ]);
  });

  it("do not tell a person what this node did itself", () => {
    hear({
      nodesCame: [node(2)],
      servesCame: [serve(700, 2)],
      servesGone: [serve(701, 2)],
    });
    expect(texts()).to.deep.equal([]);
  });

  it("tell four changes one by one, and more as a sum", () => {
    const four = [1, 3, 4, 5].map(node);
    hear({ nodesCame: four });
    expect(texts()).to.have.length(4);
    hear({ nodesCame: four, servesGone: [serve(700)] });
    expect(texts()).to.deep.equal([
      "5 changes in the group: 2 nodes, 1 serve now",
    ]);
  });

  it("tell a connection as a sum, with what this node is called", () => {
    hear({ afterReconnect: true, nodesCame: [node(1), node(2)] });
    expect(texts()).to.deep.equal([
      "connected to the hub 127.0.0.1:7749 as vnet 02: 2 nodes, 1 serve in group default",
    ]);
  });

  it("tell of a hub that stays away once", () => {
    notices.hubLost(LOST);
    notices.hubLost(LOST);
    expect(told.map(({ level }) => level)).to.deep.equal(["warn"]);
    expect(texts()).to.deep.equal([
      "the hub 127.0.0.1:7749 is not reached: the link broke; trying again",
    ]);
  });

  it("tell of each loss of a hub that was there", () => {
    for (let round = 0; round < 2; round++) {
      hear({ afterReconnect: true });
      texts();
      notices.hubLost(LOST);
      notices.hubLost(LOST);
      expect(texts()).to.deep.equal([
        "the hub 127.0.0.1:7749 is lost: the link broke; trying again",
      ]);
    }
  });

  it("tell that a hub which stayed away refuses, and why, once", () => {
    notices.hubLost(LOST);
    texts();
    for (const why of ["wrong key", "wrong key", "no such group"])
      notices.hubLost(new VnetError("refused", why));
    expect(texts()).to.deep.equal([
      "the hub 127.0.0.1:7749 is not reached: wrong key; trying again",
      "the hub 127.0.0.1:7749 is not reached: no such group; trying again",
    ]);
  });

  it("tell the key of a hub that was not met before", () => {
    notices.contact(FINGERPRINT);
    expect(texts()).to.deep.equal([
      `first contact with the hub 127.0.0.1:7749: its key is ${FINGERPRINT}, remembered from now on`,
    ]);
  });

  it("tell nothing any more to who listens no more, or after the end", () => {
    stop();
    notices.tell({ level: "info", what: "x" });
    notices.listen((notice) => told.push(notice));
    notices.close();
    notices.tell({ level: "info", what: "y" });
    expect(told).to.be.empty;
  });
});
