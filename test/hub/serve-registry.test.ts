import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { ServeRegistry } from "../../src/hub/serve-registry.js";
import { SERVE } from "../support/hub-client.js";

const REST_MS = 1_000;
const HOME = { name: "home", title: "01 (home)" };
const OFFICE = { name: "office", title: "02 (office)" };

describe("a serve registry", () => {
  let now = 0;
  let registry: ServeRegistry<typeof HOME>;

  beforeEach(() => {
    now = 1_000_000;
    registry = new ServeRegistry({ restMs: REST_MS, now: () => now });
  });

  const register = (owner: typeof HOME, serveid: number, name = "web") =>
    registry.register(owner, serveid, { ...SERVE, name }, 0);

  const refusal = (act: () => unknown): string => {
    try {
      act();
    } catch (error) {
      if (error instanceof VnetError && error.code === "refused")
        return error.message;
      throw error;
    }
    throw new Error("expected a refusal");
  };

  it("gives static ids as asked", () => {
    for (const id of [500, 700, 999])
      expect(register(HOME, id).serveid).to.equal(id);
  });

  it("refuses a static id that is held, and names the holder", () => {
    register(HOME, 700, "shop");
    expect(refusal(() => register(OFFICE, 700))).to.equal(
      "serveid 700 is held by vnet 01 (home), serve shop",
    );
    expect(registry.get(700)?.owner).to.equal(HOME);
  });

  it("gives a static id to anybody at once after it was removed", () => {
    registry.remove(register(HOME, 700));
    expect(register(OFFICE, 700).owner).to.equal(OFFICE);
  });

  it("takes a dynamic id as a preference", () => {
    expect(register(HOME, 7).serveid).to.equal(7);
    expect(register(OFFICE, 7).serveid).to.equal(1);
  });

  it("chooses the lowest id for 0", () => {
    expect(register(HOME, 0).serveid).to.equal(1);
    expect(register(HOME, 0).serveid).to.equal(2);
  });

  it("never chooses a static id", () => {
    for (let n = 1; n <= 499; n++)
      expect(register(HOME, 0).serveid).to.equal(n);
    expect(refusal(() => register(OFFICE, 0))).to.equal(
      "all dynamic serveids (1-499) of the group are taken; use a static one (500-999)",
    );
    expect(refusal(() => register(OFFICE, 12))).to.match(/^all dynamic/);
    expect(register(OFFICE, 500).serveid).to.equal(500);
  });

  it("keeps a freed dynamic id for the same serve of the same node", () => {
    registry.remove(register(HOME, 7, "shop"));
    expect(register(OFFICE, 7, "shop").serveid).to.equal(1);
    expect(register(HOME, 7, "other").serveid).to.equal(2);
    expect(register(HOME, 0, "shop").serveid).to.equal(7);
  });

  it("gives a freed dynamic id to others once it has rested", () => {
    registry.remove(register(HOME, 7));
    now += REST_MS;
    expect(register(OFFICE, 7).serveid).to.equal(7);
  });

  it("knows what it holds, and forgets what was removed", () => {
    const shop = register(HOME, 700);
    const blog = register(OFFICE, 0);
    expect([...registry.all()]).to.deep.equal([shop, blog]);
    expect(registry.size).to.equal(2);
    registry.remove(shop);
    expect(registry.get(700)).to.be.undefined;
    expect(registry.size).to.equal(1);
  });

  it("does not remove an id's new holder by an old registration", () => {
    const old = register(HOME, 700);
    registry.remove(old);
    const held = register(OFFICE, 700);
    registry.remove(old);
    expect(registry.get(700)).to.equal(held);
  });
});
