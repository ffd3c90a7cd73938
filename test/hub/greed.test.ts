import { expect } from "chai";
import { performance } from "node:perf_hooks";
import { setTimeout } from "node:timers/promises";
import { mayTake } from "../../src/hub/fair-share.js";
import { Pace } from "../../src/hub/pace.js";
import { Places } from "../../src/hub/places.js";
import { Identity } from "../../src/keys/identity.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { eventually, within } from "../support/deadline.js";
import { skip } from "../support/find-program.js";
import { withHub } from "../support/hub.js";
import { SERVE, type HubClient } from "../support/hub-client.js";

/** Asks for each of these ids, all at once; resolves with how many it got. */
async function grab(client: HubClient, ids: readonly number[]) {
  client.sendBytes(
    Buffer.concat(
      ids.map((serveid) =>
        encodeFrame({
          ...{ type: "register", request: serveid, serveid },
          serve: { ...SERVE, name: `s${serveid}` },
        }),
      ),
    ),
  );
  const answers = await Promise.all(ids.map((id) => client.answer(id)));
  return answers.filter(({ type }) => type === "registered").length;
}

const range = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => first + n);
const DYNAMIC = range(1, 499);
const STATIC = range(500, 999);

/** From here on `127.0.0.2` and the like are addresses of this machine. */
const canComeFromElsewhere = process.platform === "linux";

/** One member wants everything; honest ones come later. */
describe("an attack on what there is little of", () => {
  it("by one identity leaves ids of both kinds to others, also at the same address", () =>
    withHub(async (hub) => {
      const greedy = await hub.client({ name: "greedy" });
      expect(await grab(greedy, DYNAMIC)).to.equal(450);
      expect(await grab(greedy, STATIC)).to.equal(450);
      const answer = await greedy.register(999);
      expect(answer).to.include({
        type: "refused",
        reason:
          "this node has 450 of the group's 500 static serveids; the last ones are kept for nodes that have few ([limits] reserve)",
      });
      const honest = await hub.client({ name: "honest" });
      expect(await honest.register(999)).to.include({ serveid: 999 });
      expect(await honest.register(0)).to.include({ type: "registered" });
    }));

  it("by one identity under many sessions gets no more than by one", () =>
    withHub(async (hub) => {
      const key = Identity.generate();
      const first = await hub.client({ name: "first" }, key);
      const second = await hub.client({ name: "second" }, key);
      expect(await grab(first, STATIC.slice(0, 300))).to.equal(300);
      expect(await grab(second, STATIC.slice(300))).to.equal(150);
    }));

  it("by many identities of one address leaves ids and places to other addresses", async function () {
    if (!canComeFromElsewhere)
      skip(this, "needs all of 127.0.0.0/8, as Linux has it");
    await withHub(
      async (hub) => {
        const greedy: HubClient[] = [];
        for (let n = 0; n < 38; n++)
          greedy.push(await hub.client({ name: `greedy ${n}` }));
        const late = await hub.connect();
        await late.greet({ name: "one more" });
        const { reason, code } = await late.next("goodbye");
        expect(code).to.equal("limit");
        expect(reason).to.match(
          /^nodes of this address have 38 of the hub's 40/,
        );
        let got = 0;
        for (const [n, client] of greedy.entries())
          got += await grab(client, STATIC.slice(n * 20, n * 20 + 20));
        expect(got).to.equal(475);

        const honest = await hub.connect("127.0.0.2");
        await honest.join({ name: "honest" });
        expect(await honest.register(999)).to.include({ serveid: 999 });
        expect(await honest.register(0)).to.include({ type: "registered" });
        // Those who left still hold what is kept for them.
        for (const client of greedy) client.close();
        for (const client of greedy) await client.closed;
        const again = await hub.client({ name: "again" });
        expect(await again.register(998)).to.include({ type: "refused" });
        expect(await honest.register(998)).to.include({ serveid: 998 });
      },
      { maxNodes: 40 },
    );
  });

  it("by a storm of changes does not hold up the news of others, nor drown them", () =>
    withHub(async (hub) => {
      const witness = await hub.client({ name: "witness" });
      const honest = await hub.client({ name: "honest" });
      const greedy = await hub.client({ name: "greedy" });
      await grab(greedy, range(600, 699));
      const storm = Buffer.concat(
        range(600, 699).flatMap((serveid) =>
          ["a", "b"].map((info) =>
            encodeFrame({
              ...{ type: "update", serveid },
              serve: { ...SERVE, name: `s${serveid}`, info },
            }),
          ),
        ),
      );
      const of = (client: HubClient) => {
        const changes = witness.received.filter((m) => m.type === "directory");
        return changes
          .flatMap(({ serves, goneServes }) => [...serves, ...goneServes])
          .filter(({ vnetid }) => vnetid === client.vnetid).length;
      };
      let isOver = false;
      const storming = (async () => {
        while (!isOver) {
          greedy.sendBytes(storm);
          await greedy.roundTrip();
        }
      })();
      const begun = performance.now();
      try {
        for (let n = 0; n < 10; n++) {
          await honest.register(800 + n);
          const asked = performance.now();
          let told = await witness.next("directory");
          while (!told.serves.some(({ serveid }) => serveid === 800 + n))
            told = await witness.next("directory");
          expect(performance.now() - asked).to.be.below(8_000);
          await setTimeout(300);
        }
      } finally {
        isOver = true;
        await storming;
      }
      const seconds = (performance.now() - begun) / 1_000;
      // What it had in stock, its pace, and one batch.
      expect(of(greedy)).to.be.below(2_500 + 200 * seconds + 200);
      expect(of(honest)).to.equal(10);
    }));
});

describe("a fair share", () => {
  it("is all but the reserve for one alone, less for each of several, and never the last ones", () => {
    const alone = (level: "identity" | "address") => {
      let held = 0;
      while (mayTake(level, held, 500 - held, 10)) held++;
      return held;
    };
    expect(alone("identity")).to.equal(450);
    expect(alone("address")).to.equal(475);
    const held = Array.from({ length: 5 }, () => 0);
    const sum = () => held.reduce((a, b) => a + b);
    for (let round = 0; round < 500; round++)
      for (const n of held.keys())
        if (mayTake("identity", held[n] ?? 0, 500 - sum(), 10))
          held[n] = (held[n] ?? 0) + 1;
    expect(500 - sum()).to.be.within(8, 12);
    expect(mayTake("identity", 0, 1, 10)).to.equal(true);
    expect(mayTake("identity", 0, 0, 10)).to.equal(false);
  });

  it("is everything where nothing is kept", () => {
    expect(mayTake("identity", 499, 1, 0)).to.equal(true);
  });
});

describe("the places of a hub", () => {
  const guest = (credential: string, key: string, crowd = "") => ({
    ...{ credential, key, crowd },
  });
  const fill = (
    places: Places<ReturnType<typeof guest>>,
    credential: string,
  ) => {
    let taken = 0;
    try {
      for (; taken < 10_000; taken++)
        places.take(guest(credential, `${credential} ${taken}`));
    } catch {
      // full
    }
    return taken;
  };
  const make = () =>
    new Places<ReturnType<typeof guest>>({
      ...{ maxNodes: 100, reservePercent: 10 },
      credentials: ["", "lab", "shop"],
    });

  it("are shared among its keys: none of them takes what is the others'", () => {
    const places = make();
    // A sixth of all is each one's own.
    expect(fill(places, "")).to.equal(100 - 2 * 16);
    expect(fill(places, "lab")).to.equal(16);
    expect(fill(places, "shop")).to.equal(16);
  });

  it("are free again when their guests leave, once each", () => {
    const places = make();
    const one = guest("lab", "key");
    places.take(one);
    places.leave(one);
    places.leave(one);
    expect(fill(places, "")).to.equal(68);
  });

  it("are not one key's, however often it comes", () => {
    const places = new Places<ReturnType<typeof guest>>({
      ...{ maxNodes: 10_000, reservePercent: 10, credentials: [""] },
    });
    for (let n = 0; n < 256; n++) places.take(guest("", "key"));
    expect(() => {
      places.take(guest("", "key"));
    }).to.throw(/256 links with this node's key/);
    places.take(guest("", "another"));
  });
});

describe("the channels of one node", () => {
  it("are not all one identity's or one address's, who may open them without having the secret", () =>
    withHub(
      async (hub) => {
        const home = await hub.client({ name: "home" });
        const member = async (from: string) => (await hub.connect(from)).join();
        const take = async (client: HubClient) => {
          for (let n = 0; ; n++) {
            client.send({ type: "channel", request: n, vnetid: home.vnetid });
            const answer = await Promise.race([
              client.next("leg"),
              client.answer(n),
            ]);
            if (answer.type === "leg") continue;
            expect(answer).to.include({ type: "refused" });
            return n;
          }
        };
        const taken: number[] = [];
        for (const from of ["127.0.0.8", "127.0.0.8", "127.0.0.9"])
          taken.push(await take(await member(from)));
        expect(taken.slice(0, 2)).to.deep.equal([90, 5]);
        expect(taken[2]).to.be.at.least(4);
      },
      { maxLegsPerNode: 100 },
    ));
});

describe("a channel that is still to be made", () => {
  it("is given up when either of its nodes leaves in good order, so that one who comes and goes leaves nothing behind", () =>
    withHub(
      async (hub) => {
        const office = await hub.client({ name: "office" });
        for (const asks of [true, false]) {
          const evil = await hub.client({ name: "evil" });
          const [from, to] = asks ? [evil, office] : [office, evil];
          from.send({ type: "channel", request: 1, vnetid: to.vnetid });
          const { ticket } = await office.next(asks ? "offer" : "leg");
          const leg = await office.openLeg(ticket);
          await eventually("it waits", () => hub.counts.legs.waiting === 1);
          evil.close();
          await within(
            "the leg is cut",
            leg.ended.catch(() => undefined),
          );
          expect(hub.counts.legs).to.deep.equal({ joined: 0, waiting: 0 });
        }
      },
      { ticketMs: 600_000 },
    ));
});

describe("the pace of news", () => {
  const place = (identity: string, slot: string, about = 1) => ({
    ...{ identity, slot, about },
  });

  it("lets go at once of what is held back about one serveid, whosever it is, and of nothing else", () => {
    const due: [string, number][] = [];
    const pace = new Pace<number>(
      (changes) => {
        due.push(...changes);
      },
      { perSecond: 0.001, burst: 0 },
    );
    for (const party of ["a", "b"])
      for (const [about, change] of [1, 7, 8].entries())
        pace.admit(place(party, `${party}${about}`, about), change);
    due.length = 0;
    pace.hurry(1);
    pace.hurry(1);
    expect(due).to.deep.equal([
      ["a1", 7],
      ["b1", 7],
    ]);
    pace.close();
  });

  it("holds back what is too much, the last change of each serve, and tells it when its time has come", async () => {
    const due: [string, number][] = [];
    const pace = new Pace<number>(
      (changes) => {
        due.push(...changes);
      },
      { perSecond: 100, burst: 2 },
    );
    const told = [0, 1, 2, 3].map((n) =>
      pace.admit(place("greedy", `s${n}`), n),
    );
    expect(told).to.deep.equal([true, true, true, false]);
    expect(pace.admit(place("greedy", "s3"), 4)).to.equal(false);
    expect(pace.admit(place("honest", "s9"), 9)).to.equal(true);
    while (due.length === 0) await setTimeout(5);
    expect(due).to.deep.equal([["s3", 4]]);
    pace.close();
  });
});
