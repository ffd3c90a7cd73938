// Attacks on who is reached, by nodes that are members of the group or come near it, against a real hub.

import { expect } from "chai";
import type { UseSettings, VnetSettings } from "../../src/config/config.js";
import { Identity } from "../../src/keys/identity.js";
import { KnownNodes } from "../../src/keys/known-nodes.js";
import type { NodeParts } from "../../src/node/parts.js";
import { eventually, within } from "../support/deadline.js";
import { startEcho, type TestServer } from "../support/echo.js";
import { withHub, type TestHub } from "../support/hub.js";
import type { NodeLimits, TestNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";

const SECRET = "the-secret-of-this-group";
const OTHER_SECRET = "another-secret-altogether";

type ServeFields = Partial<Parameters<typeof serveSettings>[1]>;

/** A group with a service at home, and one that an attacker would like to be taken for. */
class Stage {
  readonly home = Identity.generate();
  readonly evil = Identity.generate();
  readonly knownNodes = new KnownNodes(null);
  good!: TestServer;
  bad!: TestServer;

  constructor(readonly hub: TestHub) {}

  async open(): Promise<this> {
    this.good = await this.hub.service(startEcho);
    this.bad = await this.hub.service(startEcho);
    return this;
  }

  /** Home, as it is each time that it starts. */
  startHome(serve: ServeFields = {}, vnet: Partial<VnetSettings> = {}) {
    return this.#provider("home", this.home, this.good, serve, vnet);
  }

  /** The attacker, under the same names. */
  startEvil(serve: ServeFields = {}, vnet: Partial<VnetSettings> = {}) {
    return this.#provider("home", this.evil, this.bad, serve, vnet);
  }

  /** A user's node; what it remembers outlives it. */
  startUser(
    uses: Partial<UseSettings>[],
    vnet: Partial<VnetSettings> = {},
    limits: NodeLimits = {},
  ): Promise<TestNode> {
    return this.hub.node(
      {
        name: "user",
        vnet: { secret: SECRET, ...vnet },
        uses: uses.map((use, at) =>
          useSettings(`use-${at}`, { port: 0, ...use }),
        ),
      },
      { knownNodes: this.knownNodes, ...limits },
    );
  }

  /** Whether a user's connection there comes back from home; the attacker's service never hears of it. */
  async reachesHome(user: TestNode, label: string): Promise<void> {
    const { port } = await user.untilUse(label, "listening");
    const connection = await this.hub.user(port);
    connection.socket.end("hello");
    await within("the echo", connection.ended);
    expect(connection.text).to.equal("hello");
    this.expectSpared();
  }

  expectSpared(): void {
    expect(this.bad.connections, "what the attacker got").to.have.length(0);
  }

  async #provider(
    name: string,
    identity: Identity,
    service: TestServer,
    serve: ServeFields,
    vnet: Partial<VnetSettings>,
  ): Promise<TestNode> {
    const { port } = service;
    return this.hub.node(
      {
        name,
        vnet: { secret: SECRET, ...vnet },
        serves: [serveSettings("web", { port, ...serve })],
      },
      { identity },
    );
  }
}

function withStage(body: (stage: Stage) => Promise<void>): Promise<void> {
  return withHub(async (hub) => body(await new Stage(hub).open()));
}

const port = () => reservePort();

describe("a member who takes the names of another one while that one restarts", () => {
  it("gets no connection of those who have been at the other one, and they say so", () =>
    withStage(async (stage) => {
      const home = await stage.startHome({ serveid: 7 });
      await home.untilServe("web", "registered");
      const user = await stage.startUser([
        { serve: "web", port: await port() },
        { serve: "web@home", port: await port() },
        { serveid: 7, port: await port() },
      ]);
      for (const label of ["use-0", "use-1", "use-2"])
        await stage.reachesHome(user, label);

      await home.close();
      const evil = await stage.startEvil({ serveid: 7 });
      await evil.untilServe("web", "registered");
      const use = await user.untilUse("use-0", "error");
      const [theirs, ours] = [stage.evil, stage.home].map(
        ({ fingerprint }) => fingerprint,
      );
      expect(use.refusedKey).to.equal(theirs);
      expect(use.error).to.include(theirs).and.include(ours);
      expect(use.error).to.include("`./vnet trust web`");
      await user.untilNotice(
        /^use use-0 \(web\) is closed: the key .* CHANGED/,
      );
      for (const label of ["use-1", "use-2"])
        expect(user.use(label).state).not.to.equal("listening");
      stage.expectSpared();

      const back = await stage.startHome({ serveid: 7 });
      await back.untilServe("web", "registered");
      await stage.reachesHome(user, "use-0");
      await stage.reachesHome(user, "use-1");
    }));

  it("gets none either of a user who restarted meanwhile", () =>
    withStage(async (stage) => {
      const home = await stage.startHome();
      const uses = [{ serve: "web", port: await port() }];
      const user = await stage.startUser(uses);
      await stage.reachesHome(user, "use-0");
      await user.close();
      await home.close();
      await stage.startEvil();
      const again = await stage.startUser(uses);
      await again.untilUse("use-0", "error");
      stage.expectSpared();
    }));

  it("gets those of a user who accepts the new key, in the running node", () =>
    withStage(async (stage) => {
      const home = await stage.startHome();
      const user = await stage.startUser([
        { serve: "web", port: await port() },
      ]);
      await stage.reachesHome(user, "use-0");
      await home.close();
      await stage.startEvil();
      await user.untilUse("use-0", "error");
      const use = await user.control.trustUse("use-0");
      expect(use).to.include({ state: "listening", refusedKey: null });
      const connection = await stage.hub.user(use.port);
      await eventually("it is there", () => stage.bad.connections.length === 1);
      connection.socket.destroy();
    }));

  it("gets none where fingerprint= names another key, at the very first contact", () =>
    withStage(async (stage) => {
      await stage.startEvil();
      const { fingerprint } = stage.home;
      const user = await stage.startUser([
        { serve: "web", fingerprint, port: await port() },
      ]);
      await user.untilUse("use-0", "error");
      stage.expectSpared();
      await stage.startHome();
      await stage.reachesHome(user, "use-0");
    }));
});

describe("a member who shares or takes over a serve", () => {
  for (const share of ["takeover", "balance"] as const)
    it(`gets no connection with share=${share} where peers= does not name it`, () =>
      withStage(async (stage) => {
        const peers = Identity.generate().fingerprint;
        const home = await stage.startHome({ share, peers });
        const user = await stage.startUser([
          { serve: "web", port: await port() },
        ]);
        await stage.reachesHome(user, "use-0");
        await stage.startEvil({ share });
        await home.untilNotice(/another node beside it .*not among peers=/);
        await eventually(
          "the user has heard of it",
          () => [...user.control.knownNodes()].length === 3,
        );
        for (let n = 0; n < 4; n++) await stage.reachesHome(user, "use-0");
        expect(home.serve("web")).to.include({
          state: "registered",
          error: null,
        });
      }));

  it("gets none with share=takeover of a serve that its owner keeps for itself", () =>
    withStage(async (stage) => {
      const home = await stage.startHome();
      const user = await stage.startUser([
        { serve: "web", port: await port() },
      ]);
      await stage.reachesHome(user, "use-0");
      await stage.startEvil({ share: "takeover" });
      await stage.reachesHome(user, "use-0");
      await home.close();
      await user.untilUse("use-0", "error");
      stage.expectSpared();
    }));

  it("gets all of them with share=takeover where the owner lets anybody of the group in, until it goes", () =>
    withStage(async (stage) => {
      const share = "takeover" as const;
      const home = await stage.startHome({ share });
      const user = await stage.startUser([
        { serve: "web", port: await port() },
      ]);
      await stage.reachesHome(user, "use-0");
      const later = await stage.startEvil({ share });
      await home.untilNotice(/^serve web has another node beside it/);
      await eventually(
        "it is the other one's",
        () => user.use("use-0").remote?.vnet === "home-2",
      );
      const { port: at } = user.use("use-0");
      for (let n = 0; n < 4; n++) {
        const connection = await stage.hub.user(at);
        connection.socket.end("hello");
        await within("the echo", connection.ended);
        expect(connection.text).to.equal("hello");
      }
      expect(stage.bad.connections).to.have.length(4);
      expect(stage.good.connections).to.have.length(1);
      await user.untilNotice(/is served by a new key: vnet home/);
      await later.close();
      const { port: still } = await user.untilUse("use-0", "listening");
      const connection = await stage.hub.user(still);
      connection.socket.end("hello");
      await within("the echo", connection.ended);
      expect(stage.good.connections).to.have.length(2);
    }));

  it("gets some where the owner lets anybody of the group in, and both sides are told", () =>
    withStage(async (stage) => {
      const home = await stage.startHome({ share: "balance" });
      const user = await stage.startUser([
        { serve: "web", port: await port() },
      ]);
      await stage.reachesHome(user, "use-0");
      await stage.startEvil({ share: "balance" });
      await home.untilNotice(/^serve web has another node beside it/);
      await eventually("both serve", () => user.use("use-0").providers === 2);
      const { port: at } = user.use("use-0");
      for (let n = 0; n < 4; n++) (await stage.hub.user(at)).socket.end();
      await eventually(
        "one goes there",
        () => stage.bad.connections.length > 0,
      );
      await user.untilNotice(/is served by a new key: vnet home/);
    }));
});

describe("a node with another secret", () => {
  const vnet = { secret: OTHER_SECRET, allowUnserve: true };

  it("changes nothing with the same names and topics, though it was there first", () =>
    withStage(async (stage) => {
      const evil = await stage.startEvil({ share: "balance" }, vnet);
      await evil.untilServe("web", "registered");
      const user = await stage.startUser([
        { serve: "web", port: await port() },
      ]);
      await user.untilUse("use-0", "waiting");
      await eventually("it says why", () =>
        user.use("use-0").error?.includes("not have the same key"),
      );
      await stage.startHome({ share: "balance" });
      await stage.reachesHome(user, "use-0");
      expect(user.use("use-0").providers).to.equal(1);
      const serves = [...user.control.remoteServes()];
      expect(serves.map(({ trusted }) => trusted)).to.have.members([
        ...["yes", "no"],
      ]);
      const nodes = [...user.control.remoteNodes()];
      expect(nodes.find(({ trusted }) => trusted === "no")).to.include({
        fingerprint: stage.evil.fingerprint,
        trusted: "no",
      });
    }));

  it("stops nobody's to=NAME:… with the same name", () =>
    withStage(async (stage) => {
      await stage.startHome({}, { allowUnserve: true });
      const to = `home:${stage.good.port}`;
      const user = await stage.startUser([{ to, port: await port() }]);
      await stage.reachesHome(user, "use-0");
      await stage.startEvil({}, vnet);
      await eventually(
        "it is there",
        () => [...user.control.knownNodes()].length === 3,
      );
      await stage.reachesHome(user, "use-0");
      await user.control.closeUse("use-0");
      await user.control.openUse("use-0");
      await stage.reachesHome(user, "use-0");
    }));

  it("is tried again, and reached once it has the right one", () =>
    withStage(async (stage) => {
      const home = await stage.startHome({}, vnet);
      const user = await stage.startUser([
        { serve: "web", port: await port() },
      ]);
      await eventually("it says why", () =>
        user.use("use-0").error?.includes("not have the same key"),
      );
      const { serves } = home.control.config;
      await home.control.reload(
        nodeSettings(stage.hub.port, {
          name: "home",
          vnet: { secret: SECRET },
          serves,
        }),
      );
      await stage.reachesHome(user, "use-0");
    }));
});

describe("keys on the hub's word", () => {
  it("are confirmed anew once there is a secret", () =>
    withStage(async (stage) => {
      const none = { secret: "" };
      const home = await stage.startHome({}, none);
      const uses = [{ serve: "web", port: await port() }];
      const user = await stage.startUser(uses, none);
      await stage.reachesHome(user, "use-0");
      const sought = { group: "default", wanted: "web" };
      const basis = () =>
        stage.knownNodes.of(sought).map((known) => known.basis);
      expect(basis()).to.deep.equal(["hub"]);
      await user.close();
      await home.close();
      await stage.startHome();
      await stage.reachesHome(await stage.startUser(uses), "use-0");
      expect(basis()).to.deep.equal(["secret"]);
    }));
});

describe("a hub that mixes ids up", () => {
  it("brings nobody to another serve of the same node", () =>
    withHub(async (hub) => {
      const echo = await hub.service(startEcho);
      const home = await hub.node({
        name: "home",
        serves: [
          serveSettings("web", { serveid: 700, port: echo.port }),
          serveSettings("db", { serveid: 701, port: echo.port }),
        ],
      });
      const user = await hub.node({ name: "user" });
      await user.untilSeen(701);
      // As the node of a user who was told so by the hub.
      const { parts } = user.control as unknown as { parts: NodeParts };
      const channel = await parts.channels.pool(home.vnetid).acquire(0);
      const opened = (serveid: number, name: string) =>
        within(
          "an answer",
          new Promise<string>((resolve) => {
            const stream = channel.open({ serveid, name });
            stream.on("accept", () => {
              resolve("accepted");
              stream.reset("enough");
            });
            stream.on("end", (reason) => {
              resolve(reason?.message ?? "ended");
            });
          }),
        );
      expect(await opened(700, "db")).to.equal(
        "serve 700 of this node is web, not db: the list of the hub is old, or wrong",
      );
      expect(echo.connections).to.have.length(0);
      // Renamed by its owner: the old name is on its way to be forgotten.
      await home.control.reload(
        nodeSettings(hub.port, {
          name: "home",
          serves: [
            serveSettings("web", {
              serveid: 700,
              port: echo.port,
              name: "shop",
            }),
            serveSettings("db", { serveid: 701, port: echo.port }),
          ],
        }),
      );
      expect(await opened(700, "web")).to.equal("accepted");
    }));
});
