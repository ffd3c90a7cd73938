import type { LookupAddress } from "node:dns";
import { expect } from "chai";
import { addressesIn, Names, type LookupOptions } from "../../src/net/names.js";
import { withCaughtTimers } from "../support/caught-timers.js";

const SOME: LookupAddress[] = [{ address: "192.0.2.1", family: 4 }];
const OTHERS: LookupAddress[] = [{ address: "192.0.2.2", family: 4 }];
const NOBODY = Object.assign(new Error("EAI_AGAIN"), { code: "EAI_AGAIN" });
const NO_SUCH = Object.assign(new Error("ENOTFOUND"), { code: "ENOTFOUND" });

/** The system's error as it is, or ours. */
async function failureOf(
  promise: Promise<unknown>,
): Promise<NodeJS.ErrnoException> {
  const outcome = await promise.catch((error: unknown) => error);
  if (outcome instanceof Error) return outcome;
  throw new Error("expected a failure", { cause: outcome });
}

/** Eight lookups at once. */
const THREADS = 16;

describe("Names", () => {
  let names: Names;
  /** what the system was asked and has not answered, oldest first */
  let asked: {
    host: string;
    answer: (addresses: LookupAddress[]) => void;
    fail: (error: Error) => void;
  }[];
  let hosts: string;
  let now: number;

  beforeEach(() => {
    asked = [];
    hosts = "";
    now = 1_000;
    names = new Names({
      lookup: (host) =>
        new Promise((answer, fail) => asked.push({ host, answer, fail })),
      hosts: async () => hosts,
      now: () => now,
    });
    names.setThreads(THREADS);
  });

  const hostsAsked = () => asked.map(({ host }) => host);
  const lookup = (host: string, options: Partial<LookupOptions> = {}) =>
    names.lookup(host, { timeoutMs: 60_000, ...options });
  /** For those whose end is of no interest. */
  const begin = (host: string) => void lookup(host).catch(() => undefined);
  const settle = async () => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };

  /** The oldest question gets its answer, or none for that long. */
  async function answer(addresses = SOME): Promise<void> {
    asked.shift()?.answer(addresses);
    await settle();
  }
  async function stay(silentMs: number, error = NOBODY): Promise<void> {
    now += silentMs;
    asked.shift()?.fail(error);
    await settle();
  }

  it("asks nobody for addresses and for localhost", async () => {
    expect(await lookup("192.0.2.7")).to.deep.equal([
      { address: "192.0.2.7", family: 4 },
    ]);
    expect(await lookup("2001:db8::1")).to.deep.equal([
      { address: "2001:db8::1", family: 6 },
    ]);
    const both = [
      { address: "::1", family: 6 },
      { address: "127.0.0.1", family: 4 },
    ];
    expect(await lookup("LocalHost")).to.deep.equal(both);
    expect(asked).to.deep.equal([]);
  });

  it("asks once at a time for a name, however many ask, and anew each time", async () => {
    const all = ["a.test", "A.test", "a.test"].map((host) => lookup(host));
    expect(hostsAsked()).to.deep.equal(["a.test"]);
    await answer();
    expect(await Promise.all(all)).to.deep.equal([SOME, SOME, SOME]);
    const again = lookup("a.test");
    await answer(OTHERS);
    expect(await again).to.deep.equal(OTHERS);
  });

  it("leaves a place for names that were there before, and one for the hub's, however many others are silent", async () => {
    const before = lookup("before.test");
    await answer();
    await before;
    for (let n = 0; n < 100; n++) begin(`${n}.silent.test`);
    expect(asked).to.have.length(6);
    begin("before.test");
    begin("new.test");
    expect(hostsAsked().slice(6)).to.deep.equal(["before.test"]);
    void lookup("hub.test", { isHub: true }).catch(() => undefined);
    expect(hostsAsked().slice(7)).to.deep.equal(["hub.test"]);
  });

  it("gives a name that was silent two places of eight, and others all but one", async () => {
    for (let n = 0; n < 6; n++) begin(`${n}.silent.test`);
    for (let n = 0; n < 6; n++) await stay(2_000);
    now += 5_000;
    for (let n = 0; n < 6; n++) begin(`${n}.silent.test`);
    expect(asked).to.have.length(2);
    for (let n = 0; n < 9; n++) begin(`${n}.new.test`);
    expect(hostsAsked().slice(2)).to.deep.equal([
      "0.new.test",
      "1.new.test",
      "2.new.test",
      "3.new.test",
    ]);
  });

  it("never asks for more than the threads can do, and for some where there are few", () => {
    names.setThreads(1);
    for (let n = 0; n < 9; n++) begin(`${n}.test`);
    void lookup("hub.test", { isHub: true }).catch(() => undefined);
    expect(hostsAsked()).to.deep.equal(["0.test"]);
  });

  it("forgets who has given up: of a name that nobody waits for the system is not asked", async () => {
    await withCaughtTimers(async (timers) => {
      const all = Array.from({ length: 100 }, (_, n) =>
        failureOf(lookup(`${n}.silent.test`, { timeoutMs: 10_000 })),
      );
      timers.fire();
      const errors = await Promise.all(all);
      expect(new Set(errors.map(({ message }) => message))).to.deep.equal(
        new Set([
          "the host name cannot be looked up: no answer within 10 s from the name server",
        ]),
      );
      for (let n = 0; n < 6; n++) await stay(20_000);
      expect(asked).to.deep.equal([]);
    });
  });

  it("remembers for 5 s that a name was silent, but asks each time for the hub's", async () => {
    const first = failureOf(lookup("a.test"));
    await stay(10_000);
    expect(await first).to.equal(NOBODY);
    now += 4_999;
    const { code, message } = await failureOf(lookup("a.test"));
    expect(code).to.equal("timeout");
    expect(message).to.include("cannot be looked up");
    expect(asked).to.deep.equal([]);
    now += 1;
    begin("a.test");
    expect(hostsAsked()).to.deep.equal(["a.test"]);

    const hub = failureOf(lookup("hub.test", { isHub: true }));
    asked.shift();
    await stay(10_000);
    await hub;
    void lookup("hub.test", { isHub: true }).catch(() => undefined);
    expect(hostsAsked()).to.deep.equal(["hub.test"]);
  });

  it("remembers nothing of a failure that came at once", async () => {
    for (const error of [NOBODY, NO_SUCH]) {
      const failed = failureOf(lookup("a.test"));
      await stay(10, error);
      expect(await failed).to.equal(error);
      begin("a.test");
      expect(hostsAsked()).to.deep.equal(["a.test"]);
      await stay(10, error);
    }
  });

  describe("a name that was there before", () => {
    beforeEach(async () => {
      const before = lookup("a.test");
      await answer();
      await before;
    });

    it("keeps its addresses while its server is silent, at once from the second time on", async () => {
      await withCaughtTimers(async (timers) => {
        const first = lookup("a.test");
        expect(timers.delays).to.deep.equal([1_800]);
        timers.fire();
        expect(await first).to.deep.equal(SOME);
        now += 1_800;
        const second = lookup("a.test");
        expect(timers.delays).to.deep.equal([0]);
        timers.fire();
        expect(await second).to.deep.equal(SOME);
        expect(hostsAsked()).to.deep.equal(["a.test"]);
        await stay(10_000);
        expect(await lookup("a.test")).to.deep.equal(SOME);
        expect(asked).to.deep.equal([]);
      });
    });

    it("keeps them while nobody can be asked, for a day", async () => {
      const kept = lookup("a.test");
      await stay(10);
      expect(await kept).to.deep.equal(SOME);
      now += 24 * 3_600_000;
      const old = failureOf(lookup("a.test"));
      await stay(10);
      expect(await old).to.equal(NOBODY);
    });

    it("loses them when it is said that there is no such name", async () => {
      for (const error of [NO_SUCH, NOBODY]) {
        const lost = failureOf(lookup("a.test"));
        await stay(10, error);
        expect(await lost).to.equal(error);
      }
    });
  });

  it("finds a name of the hosts file also while all places are taken", async () => {
    hosts = "127.0.0.1 localhost\n192.0.2.9\tnas.lan NAS # at home\n";
    for (let n = 0; n < 8; n++) begin(`${n}.silent.test`);
    expect(await lookup("nas")).to.deep.equal([
      { address: "192.0.2.9", family: 4 },
    ]);
    expect(asked).to.have.length(6);
  });

  it("remembers the last thousand names", async () => {
    for (let n = 0; n < 1_001; n++) {
      const found = lookup(`${n}.test`);
      await answer();
      await found;
    }
    for (const host of ["0.test", "1000.test"]) {
      const again = lookup(host).catch(() => "forgotten");
      await stay(10);
      expect(await again).to.deep.equal(host === "0.test" ? "forgotten" : SOME);
    }
  });

  it("reads a hosts file as the system does", () => {
    const text = [
      "# 192.0.2.1 a",
      "192.0.2.2 a b # c",
      "  2001:db8::2\tB  A\r",
      "bad a",
      "192.0.2.3",
    ].join("\n");
    expect(addressesIn(text, "a")).to.deep.equal([
      { address: "192.0.2.2", family: 4 },
      { address: "2001:db8::2", family: 6 },
    ]);
    expect(addressesIn(text, "c")).to.deep.equal([]);
  });
});
