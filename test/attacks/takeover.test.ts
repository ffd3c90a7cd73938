// Attacks on a serve with share=takeover, against a real hub and real nodes: by a member of the hub that has another secret, or
// that the owner does not let in. The hub cannot tell it from an honest one.

import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import type { TestServer } from "../support/echo.js";
import { startEcho } from "../support/echo.js";
import { eventually, within } from "../support/deadline.js";
import { withHub, type TestHub } from "../support/hub.js";
import { SERVE } from "../support/hub-client.js";
import type { TestNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";

const SECRET = "what this group knows and nobody else";
const OTHER_SECRET = "what the attacker has instead of it";
const USES = ["id", "name", "at"] as const;
const share = "takeover" as const;

/** A group with one serve that takes over, a user of it in all ways, and connections that run. */
class Scene {
  good!: TestServer;
  bad!: TestServer;
  home!: TestNode;
  office!: TestNode;
  private readonly ports = new Map<string, number>();

  constructor(
    readonly hub: TestHub,
    private readonly serveid: number,
  ) {}

  async open(): Promise<void> {
    this.good = await this.hub.service(startEcho);
    this.bad = await this.hub.service(startEcho);
    this.home = await this.provider("home", SECRET, this.good.port);
    for (const use of USES) this.ports.set(use, await reservePort());
    const wanted = {
      id: { serveid: this.serveid },
      name: { serve: "web" },
      at: { serve: "web@home" },
    };
    this.office = await this.hub.node({
      ...{ name: "office", vnet: { secret: SECRET } },
      uses: USES.map((use) =>
        useSettings(use, { ...wanted[use], port: this.portOf(use) }),
      ),
    });
    for (const use of USES) await this.office.untilUse(use, "listening");
  }

  async provider(name: string, secret: string, port: number) {
    const { serveid } = this;
    const node = await this.hub.node({
      ...{ name, vnet: { secret } },
      serves: [serveSettings("web", { serveid, port, share })],
    });
    await node.untilServe("web", "registered");
    return node;
  }

  portOf(use: string): number {
    return this.ports.get(use) ?? 0;
  }

  /** New connections in all ways come back from home. */
  async reachHome(): Promise<void> {
    for (const use of USES) {
      const user = await this.hub.user(this.portOf(use));
      user.socket.end("hello");
      await within("the echo", user.ended);
      expect(user.text, use).to.equal("hello");
    }
    expect(this.bad.connections, "what the attacker got").to.be.empty;
  }

  /** What the user's node told of its uses. */
  get told(): string[] {
    return this.office.notices
      .map(({ text }) => text)
      .filter((text) => text.startsWith("use "));
  }
}

function withScene(
  serveid: number,
  body: (scene: Scene) => Promise<void>,
): Promise<void> {
  return withHub(async (hub) => {
    const scene = new Scene(hub, serveid);
    await scene.open();
    await body(scene);
  });
}

describe("a member with another secret that says share=takeover", () => {
  for (const serveid of [700, 7])
    it(`is not noticed by users of the serve ${serveid}: what runs goes on, and new connections work`, () =>
      withScene(serveid, async (scene) => {
        const { hub, home, office, bad } = scene;
        const running = await Promise.all(
          USES.map((use) => hub.user(scene.portOf(use))),
        );
        for (const { socket } of running) socket.write("a");
        for (const user of running)
          await within("the echo", user.untilBytes(1));

        for (let round = 0; round < 3; round++) {
          const evil = await scene.provider("evil", OTHER_SECRET, bad.port);
          await eventually("the user sees it", () =>
            [...office.control.knownServes()].some(
              ({ vnet }) => vnet !== "home",
            ),
          );
          for (let n = 0; n < 3; n++) await scene.reachHome();
          await eventually("the user knows what it is", () => {
            const [first, last] = office.control.knownServes();
            const isFirst = first?.vnet === "home" && !first.overtaken;
            return isFirst && last?.trusted === "no";
          });
          await scene.reachHome();
          await evil.close();
          await eventually(
            "it is gone",
            () => [...office.control.knownServes()].length === 1,
          );
        }
        for (const use of USES)
          expect(office.use(use)).to.include({
            ...{ state: "listening", error: null, providers: 1 },
            ...{ refusedKey: null, streams: 1 },
          });
        expect(scene.told, "of its uses").to.be.empty;
        expect(home.serve("web")).to.include({
          ...{ state: "registered", error: null },
        });
        for (const [n, user] of running.entries()) {
          user.socket.write("b");
          await within("the echo", user.untilBytes(2));
          expect(user.text, USES[n]).to.equal("ab");
          expect(user.socket.destroyed).to.equal(false);
        }
      }));

  it("keeps neither id nor name from the owner who comes back, nor users from him, though it was there meanwhile", () =>
    withScene(700, async (scene) => {
      const { home, office, bad, good } = scene;
      await scene.provider("evil", OTHER_SECRET, bad.port);
      await scene.reachHome();
      await home.control.closeServe("web");
      for (const use of USES) await office.untilUse(use, "waiting");
      await home.control.openServe("web");
      for (const use of USES) await office.untilUse(use, "listening");
      await scene.reachHome();
      expect(good.connections.length).to.be.greaterThan(0);
    }));

  it("with many nodes and ids is as little noticed", () =>
    withScene(700, async (scene) => {
      const { hub, office, bad } = scene;
      const serves = [700, 701, 7, 8].map((serveid) => {
        const { port } = bad;
        const all = { serveid, port, share, name: "web" };
        return serveSettings(`web-${serveid}`, all);
      });
      const vnet = { secret: OTHER_SECRET };
      await Promise.all(
        Array.from({ length: 5 }, (_, n) =>
          hub.node({ name: `evil-${n}`, vnet, serves }),
        ),
      );
      await eventually(
        "the user sees them",
        () => [...office.control.knownServes()].length > 15,
      );
      for (let n = 0; n < 3; n++) await scene.reachHome();
      expect(scene.told, "of its uses").to.be.empty;
    }));

  for (const serveid of [700, 7])
    it(`does not take the serve ${serveid} from its owner, who reloads it as exclusive beside it`, () =>
      withScene(serveid, async (scene) => {
        const { hub, home, office, good, bad } = scene;
        const evil = await scene.provider("evil", OTHER_SECRET, bad.port);
        const settings = { serveid, port: good.port };
        await home.control.reload(
          nodeSettings(hub.port, {
            ...{ name: "home", vnet: { secret: SECRET } },
            serves: [serveSettings("web", settings)],
          }),
        );
        await home.untilServe("web", "registered");
        if (serveid === 700) {
          const { error } = await evil.untilServe("web", "refused");
          expect(error).to.match(
            /^serveid 700 is that of vnet .* \(home\), which is back and does not share it in this way$/,
          );
          for (const use of USES) await office.untilUse(use, "listening");
          await scene.reachHome();
        }
        const claims = hub.claims
          .inGroup("default")
          .filter(
            ({ kind, holder }) => kind !== "node" && holder.name === "evil",
          );
        expect(claims, "what the attacker holds").to.be.empty;
        await evil.close();
        expect(home.serve("web").state).to.equal("registered");
      }));

  it("does not become another kind of serve under the id of its owner who is away", () =>
    withHub(async (hub) => {
      const identity = Identity.generate();
      const { port } = await hub.service(startEcho);
      const serves = [serveSettings("web", { serveid: 700, port, share })];
      const start = () =>
        hub.node(
          { name: "home", vnet: { secret: SECRET }, serves },
          { identity },
        );
      const home = await start();
      await home.untilServe("web", "registered");
      const evil = await hub.client({ name: "evil" });
      await evil.register(700, { name: "web", share });
      await home.close();
      for (const other of ["exclusive", "balance"] as const) {
        const serve = { ...SERVE, name: "web", share: other };
        evil.send({ type: "update", serveid: 700, serve });
        await evil.roundTrip();
        const back = await start();
        await back.untilServe("web", "registered");
        await back.close();
      }
    }));
});
