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
    registry.register(owner, serveid, { ...SERVE, name }, 0).serve;

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
    expect(registry.holders(700)[0]?.owner).to.equal(HOME);
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
    expect(registry.holders(700)).to.be.empty;
    expect(registry.size).to.equal(1);
  });

  it("does not remove an id's new holder by an old registration", () => {
    const old = register(HOME, 700);
    registry.remove(old);
    const held = register(OFFICE, 700);
    registry.remove(old);
    expect(registry.holders(700)).to.deep.equal([held]);
  });

  describe("with share=takeover", () => {
    const take = (owner: typeof HOME, serveid: number, name = "web") =>
      registry.register(
        owner,
        serveid,
        { ...SERVE, name, share: "takeover" },
        0,
      );

    it("gives a dynamic id to the later one though it has another name", () => {
      take(HOME, 7, "shop");
      expect(take(OFFICE, 7, "blog").serve.serveid).to.equal(7);
    });

    it("gives an id to the later one, and says whom that displaced", () => {
      const { serve: first } = take(HOME, 700);
      const { serve, displaced } = take(OFFICE, 700, "other");
      expect(displaced).to.deep.equal([first]);
      expect(registry.holders(700)).to.deep.equal([serve]);
      expect(registry.size).to.equal(1);
    });

    it("gives a name to the later one, which goes on under the id that people know", () => {
      for (const id of [700, 7]) {
        const { serve: first } = take(HOME, id, `web ${id}`);
        const { serve, displaced } = take(OFFICE, 0, `web ${id}`);
        expect(displaced).to.deep.equal([first]);
        expect(serve).to.include({ serveid: id, owner: OFFICE });
      }
    });

    it("gives the later one the id that it asks for, and frees the other", () => {
      take(HOME, 700);
      expect(take(OFFICE, 701).serve.serveid).to.equal(701);
      expect(registry.holders(700)).to.be.empty;
    });

    it("displaces two at once, one by its id and one by its name", () => {
      const displaced = [
        take(HOME, 700, "a").serve,
        take(HOME, 701, "b").serve,
      ];
      expect(take(OFFICE, 701, "a").displaced).to.deep.equal(displaced);
      expect(registry.size).to.equal(1);
    });

    it("displaces only who says takeover, too, and nobody when it is refused", () => {
      take(HOME, 701, "web");
      for (const share of ["exclusive", "balance"] as const) {
        const held = registry.register(HOME, 700, { ...SERVE, share }, 0).serve;
        expect(refusal(() => take(OFFICE, 700))).to.match(
          /^serveid 700 is held by vnet 01 \(home\), serve web, which has share=/,
        );
        expect(registry.holders(700)).to.deep.equal([held]);
        expect(registry.holders(701)).to.have.length(1);
        registry.remove(held);
      }
    });

    it("is not displaced by what says something else", () => {
      const { serve } = take(HOME, 700);
      expect(refusal(() => register(OFFICE, 700))).to.equal(
        "serveid 700 is held by vnet 01 (home), serve web",
      );
      expect(register(OFFICE, 0).serveid).to.equal(1);
      expect(registry.holders(700)).to.deep.equal([serve]);
    });

    it("displaces nobody by an unserve, which only one node sees", () => {
      take(HOME, 7);
      const particulars = { ...SERVE, share: "takeover" } as const;
      const { displaced } = registry.register(OFFICE, 7, particulars, 3);
      expect(displaced).to.be.empty;
    });

    it("gives a dynamic id back to the earlier one when the later one has left", () => {
      take(HOME, 7);
      const { serve } = take(OFFICE, 0);
      registry.remove(serve);
      expect(take(HOME, 7).serve.serveid).to.equal(7);
    });

    it("keeps a freed dynamic id from those with another name", () => {
      registry.remove(take(HOME, 7).serve);
      expect(take(HOME, 7, "other").serve.serveid).to.equal(1);
      expect(register(HOME, 7).serveid).to.equal(2);
    });
  });

  describe("with share=balance", () => {
    const LAB = { name: "lab", title: "03 (lab)" };
    const balance = (owner: typeof HOME, serveid: number, name = "web") =>
      registry.register(
        owner,
        serveid,
        { ...SERVE, name, share: "balance" },
        0,
      );

    it("gives several nodes one id, static or dynamic, in the order in which they came", () => {
      for (const id of [700, 7]) {
        const all = [HOME, OFFICE, LAB].map(
          (owner) => balance(owner, id).serve,
        );
        expect(registry.holders(id)).to.deep.equal(all);
        for (const { serveid } of all) expect(serveid).to.equal(id);
      }
      expect(registry.size).to.equal(6);
    });

    it("gives several nodes one name and an id each", () => {
      const ids = [HOME, OFFICE].map(
        (owner) => balance(owner, 0).serve.serveid,
      );
      expect(ids).to.deep.equal([1, 2]);
    });

    it("refuses the same node twice under a static id, and says what to do", () => {
      balance(HOME, 700);
      expect(refusal(() => balance(HOME, 700))).to.equal(
        "serveid 700 is this node's already; give the second one another id, and use them by name",
      );
    });

    it("gives the same node's second one another dynamic id", () => {
      balance(HOME, 7);
      expect(balance(HOME, 7).serve.serveid).to.equal(1);
    });

    it("refuses a static id under another name or another share, in words", () => {
      balance(HOME, 700);
      expect(refusal(() => balance(OFFICE, 700, "shop"))).to.equal(
        "serveid 700 is held by vnet 01 (home), serve web; serves that are balanced under one id have one name",
      );
      const takeover = { ...SERVE, share: "takeover" } as const;
      expect(
        refusal(() => registry.register(OFFICE, 700, takeover, 0)),
      ).to.equal(
        "serveid 700 is held by vnet 01 (home), serve web, which has share=balance; share=takeover must be set on both",
      );
      expect(refusal(() => register(OFFICE, 700))).to.match(/is held by/);
      register(OFFICE, 701);
      expect(refusal(() => balance(HOME, 701))).to.match(
        /which has share=exclusive; share=balance must be set on both$/,
      );
    });

    it("gives another dynamic id where the one asked for has another name", () => {
      balance(HOME, 7);
      expect(balance(OFFICE, 7, "shop").serve.serveid).to.equal(1);
      expect(register(LAB, 7).serveid).to.equal(2);
    });

    it("frees the id when the last one goes", () => {
      for (const id of [700, 7]) {
        const [first, second] = [
          balance(HOME, id).serve,
          balance(OFFICE, id).serve,
        ];
        registry.remove(first);
        expect(registry.holders(id)).to.deep.equal([second]);
        if (id === 700)
          expect(refusal(() => register(LAB, id))).to.match(/is held/);
        registry.remove(second);
        registry.remove(second);
        expect(registry.holders(id)).to.be.empty;
      }
      expect(registry.size).to.equal(0);
      expect(register(LAB, 700).serveid).to.equal(700);
    });

    it("keeps the dynamic id for whoever of them comes back first", () => {
      for (const serve of [balance(HOME, 7).serve, balance(OFFICE, 7).serve])
        registry.remove(serve);
      expect(balance(HOME, 7).serve.serveid).to.equal(7);
      expect(balance(OFFICE, 7).serve.serveid).to.equal(7);
    });
  });
});
