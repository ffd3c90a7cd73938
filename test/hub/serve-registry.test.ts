import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Claims } from "../../src/hub/claims.js";
import {
  MAX_HOLDERS,
  ServeRegistry,
  type RegisteredServe,
} from "../../src/hub/serve-registry.js";
import { SERVE } from "../support/hub-client.js";

const REST_MS = 1_000;
const node = (number: number, name: string) => ({
  ...{ name, title: `0${number} (${name})`, credential: "", crowd: "" },
  key: Buffer.alloc(32, number).toString("base64"),
});
const HOME = node(1, "home");
const OFFICE = node(2, "office");

describe("a serve registry", () => {
  let now = 0;
  let clock = 0;
  let reservePercent: number;
  let claims: Claims;
  let registry: ServeRegistry<typeof HOME>;

  const make = () =>
    new ServeRegistry<typeof HOME>({
      ...{ group: "default", claims, restMs: REST_MS, now: () => now },
      ...{ clock: () => clock, reservePercent },
    });

  /** As its owner gives it up, so that nothing is kept for it. */
  const release = (serve: RegisteredServe<typeof HOME>) => {
    registry.remove(serve);
    registry.release(serve);
  };

  beforeEach(() => {
    now = 1_000_000;
    clock = 1_800_000_000_000;
    reservePercent = 0;
    claims = new Claims({ now: () => now, uptime: () => now });
    registry = make();
  });

  const register = (owner: typeof HOME, serveid: number, name = "web") =>
    registry.register(owner, serveid, { ...SERVE, name });

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

  it("gives a static id to anybody at once after its owner gave it up", () => {
    release(register(HOME, 700));
    expect(register(OFFICE, 700).owner).to.equal(OFFICE);
  });

  it("keeps a static id for the key that had it, and says how to end that", () => {
    registry.remove(register(HOME, 700));
    expect(refusal(() => register(OFFICE, 700))).to.match(
      /^serveid 700 is kept for vnet home \(SHA256:.{43}\), which had it last; .*`\.\/route forget 700`$/,
    );
    // A name proves nothing.
    const thief = { ...OFFICE, name: "home" };
    expect(refusal(() => register(thief, 700))).to.match(/is kept for/);
    expect(register({ ...HOME, name: "attic" }, 700).serveid).to.equal(700);
  });

  it("keeps it for 30 days after that key was seen last, and not longer", () => {
    registry.remove(register(HOME, 700));
    now += 30 * 86_400_000;
    expect(refusal(() => register(OFFICE, 700))).to.match(/is kept for/);
    now += 1;
    expect(register(OFFICE, 700).serveid).to.equal(700);
  });

  it("gives it to others once the operator has it forgotten", () => {
    registry.remove(register(HOME, 700));
    expect(claims.forget("default", "700")).to.have.length(1);
    expect(register(OFFICE, 700).serveid).to.equal(700);
  });

  it("keeps a dynamic id, too, when the hub was away meanwhile", () => {
    register(HOME, 7, "shop");
    registry = make();
    expect(register(OFFICE, 7).serveid).to.equal(1);
    expect(register(HOME, 0, "shop").serveid).to.equal(7);
  });

  describe("and a name", () => {
    const isNamesake = (serve: RegisteredServe<typeof HOME>) =>
      registry.isNamesake(serve);

    it("is the key's that had it first, also when that comes back last", () => {
      const first = register(HOME, 0, "shop");
      const second = register(OFFICE, 0, "shop");
      expect([first, second].map(isNamesake)).to.deep.equal([false, true]);
      registry.remove(first);
      expect(isNamesake(second)).to.equal(true);
      expect(isNamesake(register(HOME, 0, "shop"))).to.equal(false);
      expect(isNamesake(second)).to.equal(true);
    });

    it("passes to the next one when its owner gives it up, and when it is forgotten", () => {
      const first = register(HOME, 0, "shop");
      const second = register(OFFICE, 0, "shop");
      const third = register(node(3, "lab"), 0, "shop");
      release(first);
      expect([second, third].map(isNamesake)).to.deep.equal([false, true]);
      registry.remove(second);
      claims.forget("default", "shop");
      expect(registry.passName("shop")).to.equal(true);
      expect(isNamesake(third)).to.equal(false);
    });

    it("is not shared by one who says that it shares it, where its owner does not", () => {
      register(HOME, 0, "shop");
      for (const share of ["balance", "takeover"] as const) {
        const particulars = { ...SERVE, name: "shop", share };
        const serve = registry.register(OFFICE, 0, particulars);
        expect(isNamesake(serve)).to.equal(true);
      }
    });

    it("is everybody's who shares it in the same way", () => {
      for (const share of ["balance", "takeover"] as const)
        for (const owner of [HOME, OFFICE]) {
          const particulars = { ...SERVE, name: share, share };
          const serve = registry.register(owner, 0, particulars);
          expect(isNamesake(serve)).to.equal(false);
        }
    });

    it("follows a serve that is renamed", () => {
      const serve = register(HOME, 0, "shop");
      registry.update(serve, { ...SERVE, name: "market" });
      expect(isNamesake(register(OFFICE, 0, "shop"))).to.equal(false);
      expect(isNamesake(register(OFFICE, 0, "market"))).to.equal(true);
    });
  });

  it("does not let one of several with an id change what they agreed on", () => {
    const particulars = { ...SERVE, share: "balance" } as const;
    const serves = [HOME, OFFICE].map((owner) =>
      registry.register(owner, 700, particulars),
    );
    for (const serve of serves)
      registry.update(serve, { ...SERVE, info: "new", name: "mine" });
    for (const serve of serves)
      expect(serve).to.include({ ...particulars, info: "new" });
    registry.update(serves[0]!, particulars);
    expect(
      registry.named("web"),
      "in the order in which they came",
    ).to.deep.equal(serves);
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

  it("keeps a freed dynamic id for the same serve of the same key", () => {
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
    release(old);
    const held = register(OFFICE, 700);
    registry.remove(old);
    expect(registry.holders(700)).to.deep.equal([held]);
  });

  describe("with share=takeover", () => {
    const take = (
      owner: typeof HOME,
      serveid: number,
      name = "web",
      since?: number,
    ) => {
      const particulars = { ...SERVE, name, share: "takeover" } as const;
      return registry.register(owner, serveid, particulars, since);
    };

    it("lists all that have an id, static or dynamic, and takes it from nobody", () => {
      for (const id of [700, 7]) {
        const all = [HOME, OFFICE].map((owner) => take(owner, id, `web ${id}`));
        expect(registry.holders(id)).to.deep.equal(all);
        for (const { serveid } of all) expect(serveid).to.equal(id);
      }
      expect(registry.size).to.equal(4);
    });

    it("says of each when it came, and never the same twice", () => {
      const times = [HOME, OFFICE].map((owner) => take(owner, 700).since);
      expect(times).to.deep.equal([clock, clock + 1]);
    });

    it("takes one back as of the time at which it came, after its link or the hub broke, and not as of a later one", () => {
      const [first, second] = [take(HOME, 700), take(OFFICE, 700)];
      registry.remove(first);
      clock += 60_000;
      expect(take(HOME, 700, "web", first.since).since).to.equal(first.since);
      registry = make();
      expect(take(OFFICE, 700, "web", second.since).since).to.equal(
        second.since,
      );
      expect(take(HOME, 0, "other", clock + 5).since).to.equal(clock);
    });

    it("goes on under the id that people know of the name", () => {
      for (const id of [700, 7]) {
        take(HOME, id, `web ${id}`);
        expect(take(OFFICE, 0, `web ${id}`).serveid).to.equal(id);
      }
    });

    it("shares a static id also under another name, and a dynamic one under the same name only", () => {
      take(HOME, 700);
      expect(take(OFFICE, 700, "other").serveid).to.equal(700);
      take(HOME, 7, "shop");
      expect(take(OFFICE, 7, "blog").serveid).not.to.equal(7);
    });

    it("gives one the id that it asks for, beside others of its name", () => {
      const first = take(HOME, 700);
      expect(take(OFFICE, 701).serveid).to.equal(701);
      expect(registry.holders(700)).to.deep.equal([first]);
    });

    it("shares with those only that say takeover, too", () => {
      for (const share of ["exclusive", "balance"] as const) {
        const held = registry.register(HOME, 700, { ...SERVE, share });
        expect(refusal(() => take(OFFICE, 700))).to.match(
          /^serveid 700 is held by vnet 01 \(home\), serve web, which has share=/,
        );
        expect(registry.holders(700)).to.deep.equal([held]);
        release(held);
      }
      take(HOME, 700);
      expect(refusal(() => register(OFFICE, 700))).to.equal(
        "serveid 700 is held by vnet 01 (home), serve web",
      );
    });

    it("gives the same node's second one another dynamic id, and refuses it a static one", () => {
      take(HOME, 7);
      expect(take(HOME, 0).serveid).to.equal(1);
      take(HOME, 700);
      expect(refusal(() => take(HOME, 700))).to.match(/is this node's already/);
    });

    it("leaves id and name to the key that had them first, also when the later one stays alone", () => {
      const first = take(HOME, 700);
      take(OFFICE, 700);
      registry.remove(first);
      for (const kind of ["serveid", "name"] as const)
        expect(
          claims.get("default", kind, kind === "name" ? "web" : "700")?.holder
            .key,
        ).to.equal(HOME.key);
      expect(take(HOME, 700).serveid).to.equal(700);
    });

    it("lets nobody change what was agreed with the first one while that is away, and gives it its id back", () => {
      for (const share of ["takeover", "balance"] as const)
        for (const other of ["exclusive", "takeover", "balance"] as const) {
          const id = share === "takeover" ? 700 : 701;
          const shared = { ...SERVE, name: share, share };
          const first = registry.register(HOME, id, shared);
          const parasite = registry.register(OFFICE, id, shared);
          registry.remove(first);
          const changed = { ...shared, share: other, name: "mine", info: "x" };
          registry.update(parasite, changed);
          expect(parasite).to.include({ ...shared, info: "x" });
          const back = registry.register(HOME, id, shared);
          expect(registry.holders(id)).to.deep.equal([parasite, back]);
          registry.remove(parasite);
          registry.remove(back);
        }
    });

    it("does the same for a dynamic one that is known by the name", () => {
      const first = take(HOME, 7);
      const parasite = take(OFFICE, 7);
      registry.remove(first);
      registry.update(parasite, { ...SERVE, name: "mine" });
      expect(parasite).to.include({ name: "web", share: "takeover" });
      expect(take(HOME, 7).serveid).to.equal(7);
    });

    it("ends those that do not fit the first one when that comes back as something else, and no others", () => {
      const lab = node(3, "lab");
      const particulars = { ...SERVE, name: "web", share: "balance" } as const;
      const back = (
        share: "exclusive" | "takeover" | "balance",
        name: string,
      ) => {
        const first = registry.register(HOME, 700, particulars);
        const others = [OFFICE, lab].map((owner) =>
          registry.register(owner, 700, particulars),
        );
        registry.remove(first);
        const ended: unknown[] = [];
        const wanted = { ...particulars, share, name };
        const own = registry.register(HOME, 700, wanted, undefined, (serve) =>
          ended.push(serve),
        );
        const left = registry.holders(700).filter((serve) => serve !== own);
        for (const serve of [...others, own]) registry.remove(serve);
        release(own);
        return { others, ended, left };
      };
      for (const [share, name] of [
        ["exclusive", "web"],
        ["takeover", "web"],
        ["balance", "www"],
      ] as const) {
        const { others, ended, left } = back(share, name);
        expect([ended, left]).to.deep.equal([others, []]);
      }
      const { others, ended, left } = back("balance", "web");
      expect([ended, left]).to.deep.equal([[], others]);
    });

    it("balances under the name that the first one had, while that is away", () => {
      const particulars = { ...SERVE, share: "balance" } as const;
      registry.remove(
        registry.register(HOME, 700, { ...particulars, name: "web" }),
      );
      const other = { ...particulars, name: "mine" };
      expect(refusal(() => registry.register(OFFICE, 700, other))).to.match(
        /is kept for vnet home/,
      );
      const same = { ...particulars, name: "web" };
      expect(registry.register(OFFICE, 700, same).serveid).to.equal(700);
    });

    it("passes them on when that one gives them up", () => {
      release(take(HOME, 700));
      const [second] = [take(OFFICE, 700)];
      release(second);
      expect(register(HOME, 700).serveid).to.equal(700);
    });

    it("keeps a freed dynamic id from those with another name", () => {
      registry.remove(take(HOME, 7));
      expect(take(HOME, 7, "other").serveid).to.equal(1);
      expect(register(HOME, 7).serveid).to.equal(2);
    });
  });

  describe("with share=balance", () => {
    const LAB = node(3, "lab");
    const balance = (owner: typeof HOME, serveid: number, name = "web") =>
      registry.register(owner, serveid, { ...SERVE, name, share: "balance" });

    it("gives several nodes one id, static or dynamic, in the order in which they came", () => {
      for (const id of [700, 7]) {
        const all = [HOME, OFFICE, LAB].map((owner) => balance(owner, id));
        expect(registry.holders(id)).to.deep.equal(all);
        for (const { serveid } of all) expect(serveid).to.equal(id);
      }
      expect(registry.size).to.equal(6);
    });

    it("gives several nodes one name and an id each", () => {
      const ids = [HOME, OFFICE].map((owner) => balance(owner, 0).serveid);
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
      expect(balance(HOME, 7).serveid).to.equal(1);
    });

    it("refuses a static id under another name or another share, in words", () => {
      balance(HOME, 700);
      expect(refusal(() => balance(OFFICE, 700, "shop"))).to.equal(
        "serveid 700 is held by vnet 01 (home), serve web; serves that are balanced under one id have one name",
      );
      const takeover = { ...SERVE, share: "takeover" } as const;
      expect(refusal(() => registry.register(OFFICE, 700, takeover))).to.equal(
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
      expect(balance(OFFICE, 7, "shop").serveid).to.equal(1);
      expect(register(LAB, 7).serveid).to.equal(2);
    });

    it("frees the id when the last one goes", () => {
      for (const id of [700, 7]) {
        const [first, second] = [balance(HOME, id), balance(OFFICE, id)];
        release(first);
        expect(registry.holders(id)).to.deep.equal([second]);
        if (id === 700)
          expect(refusal(() => register(LAB, id))).to.match(/is held/);
        release(second);
        release(second);
        expect(registry.holders(id)).to.be.empty;
      }
      expect(registry.size).to.equal(0);
      expect(register(LAB, 700).serveid).to.equal(700);
    });

    it("keeps the dynamic id for whoever of them comes back first", () => {
      for (const serve of [balance(HOME, 7), balance(OFFICE, 7)])
        registry.remove(serve);
      expect(balance(HOME, 7).serveid).to.equal(7);
      expect(balance(OFFICE, 7).serveid).to.equal(7);
    });
  });

  describe("with many that share one id", () => {
    beforeEach(() => {
      reservePercent = 10;
      registry = make();
    });

    const share = "takeover" as const;
    const nodeOf = (number: number, crowd: string) => {
      const key = Buffer.alloc(32, 200);
      key.writeUInt32BE(number);
      const of = { ...node(1, `n${number}`), crowd };
      return { ...of, key: key.toString("base64") };
    };
    const join = (number: number, crowd: string) =>
      registry.register(nodeOf(number, crowd), 700, { ...SERVE, share });

    it("keeps the last places for other addresses, and one for the first of all", () => {
      const first = join(0, "home");
      const flood = () => {
        for (let n = 1; ; n++) join(n, "crowd");
      };
      expect(refusal(flood)).to.match(
        /^serveid 700 is shared by 2\d\d nodes already, of 256; the last places are kept for other addresses$/,
      );
      expect(join(1_000, "office").serveid).to.equal(700);
      registry.remove(first);
      expect(refusal(flood)).to.match(/^serveid 700 is shared by/);
      for (let n = 2_000; registry.holders(700).length < MAX_HOLDERS; n++)
        join(n, `crowd ${n}`);
      expect(refusal(() => join(3_000, "other"))).to.match(/is shared by 256/);
      expect(join(0, "home").serveid).to.equal(700);
    });
  });
});
