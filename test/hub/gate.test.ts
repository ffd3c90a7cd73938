import { PassThrough } from "node:stream";
import { expect } from "chai";
import { Gate } from "../../src/hub/gate.js";

function setUp(limits: { all?: number; perAddress?: number } = {}) {
  const clock = { ms: 1_000 };
  const gate = new Gate(
    {
      maxUnauthenticated: limits.all ?? 100,
      maxUnauthenticatedPerAddress: limits.perAddress ?? 100,
    },
    () => clock.ms,
  );
  /** one that has said nothing */
  const arrive = (address: string | undefined) => {
    const socket = new PassThrough();
    gate.enter(socket, address);
    return socket;
  };
  /** one that began a handshake */
  const enter = (address: string | undefined) => {
    const socket = arrive(address);
    gate.beginHandshake(socket, address);
    return socket;
  };
  /** one that showed no key */
  const fail = (address: string | undefined) => {
    const socket = arrive(address);
    return { socket, delayMs: gate.fail(socket, address) };
  };
  return { gate, clock, arrive, enter, fail };
}

const states = (sockets: PassThrough[]) =>
  sockets.map(({ destroyed }) => (destroyed ? "out" : "in")).join(" ");

describe("the hub's gate", () => {
  it("turns away the longest waiting of an address that has too many", () => {
    const { gate, enter } = setUp({ perAddress: 2 });
    const other = enter("b");
    const crowd = [enter("a"), enter("a"), enter("a"), enter("a")];
    expect(states(crowd)).to.equal("out out in in");
    expect(other.destroyed).to.equal(false);
    expect(gate.size).to.equal(3);
  });

  it("holds one of an address where one is allowed, and forgets none of them", () => {
    const { gate, enter } = setUp({ perAddress: 1 });
    const crowd = [enter("a"), enter("a"), enter("a")];
    expect(states(crowd)).to.equal("out out in");
    expect(gate.size).to.equal(1);
  });

  it("turns away the longest waiting of all when there are too many in all", () => {
    const { gate, enter } = setUp({ all: 3 });
    const crowd = ["a", "b", "c", "d", "e"].map(enter);
    expect(states(crowd)).to.equal("out out in in in");
    expect(gate.size).to.equal(3);
  });

  it("leaves alone who has proved himself", () => {
    const { gate, enter } = setUp({ all: 2, perAddress: 2 });
    const proved = enter("a");
    gate.leave(proved);
    gate.leave(proved);
    const crowd = [enter("a"), enter("a"), enter("a")];
    expect(proved.destroyed).to.equal(false);
    expect(states(crowd)).to.equal("out in in");
  });

  it("lets half of all be silent ones of one address, as a burst of legs is until it is read", () => {
    const { arrive } = setUp({ all: 10, perAddress: 2 });
    const crowd = Array.from({ length: 6 }, () => arrive("a"));
    expect(states(crowd)).to.equal("out in in in in in");
  });

  it("lets no fewer be silent than may make a handshake", () => {
    const { arrive } = setUp({ all: 4, perAddress: 3 });
    const crowd = Array.from({ length: 4 }, () => arrive("a"));
    expect(states(crowd)).to.equal("out in in in");
  });

  it("keeps handshakes within their own bound, and silent ones are not cut for them", () => {
    const { gate, arrive, enter } = setUp({ all: 100, perAddress: 2 });
    const silent = Array.from({ length: 10 }, () => arrive("a"));
    const crowd = [enter("a"), enter("a"), enter("a")];
    expect(states(crowd)).to.equal("out in in");
    expect(states(silent)).to.equal(Array(10).fill("in").join(" "));
    for (const leg of silent) gate.leave(leg);
    expect(states([enter("a")])).to.equal("in");
    expect(states(crowd)).to.equal("out out in");
    expect(gate.size).to.equal(2);
  });

  it("counts one for its true address once its proxy has told it", () => {
    const { gate, arrive } = setUp({ all: 4, perAddress: 1 });
    const moved = arrive("proxy");
    gate.moveTo(moved, "client");
    const others = [arrive("proxy"), arrive("proxy")];
    expect(states([moved, ...others])).to.equal("in in in");
    const third = arrive("proxy");
    expect(states([moved, ...others, third])).to.equal("in out in in");
  });

  it("bounds those without an address of their own by the bound of all only", () => {
    const { arrive } = setUp({ all: 3, perAddress: 1 });
    const crowd = Array.from({ length: 4 }, () => arrive(undefined));
    expect(states(crowd)).to.equal("out in in in");
  });

  it("takes nobody back whom it turned away", () => {
    const { gate, arrive } = setUp({ all: 2 });
    const [first] = [arrive("a"), arrive("b"), arrive("c")];
    gate.beginHandshake(first, "a");
    gate.moveTo(first, "d");
    expect(gate.size).to.equal(2);
  });

  it("counts to zero when all have gone", () => {
    const { gate, enter } = setUp();
    for (const socket of [enter("a"), enter("a"), enter("b")])
      gate.leave(socket);
    expect(gate.size).to.equal(0);
  });

  it("turns everybody away when it closes", () => {
    const { gate, enter } = setUp();
    const crowd = [enter("a"), enter("b")];
    gate.close();
    expect(states(crowd)).to.equal("out out");
    expect(gate.size).to.equal(0);
  });

  it("bounds handshakes in all by a quarter of all places", () => {
    const { enter } = setUp({ all: 8, perAddress: 2 });
    const crowd = ["a", "b", "c"].map(enter);
    expect(states(crowd)).to.equal("out in in");
  });

  describe("and who showed no key", () => {
    it("lets it wait longer with each one from its address, up to two seconds", () => {
      const { fail } = setUp();
      const delays = Array.from({ length: 20 }, () => fail("a").delayMs);
      expect(delays.slice(0, 5)).to.deep.equal([200, 400, 800, 1_600, 2_000]);
      expect(Math.max(...delays)).to.equal(2_000);
      expect(fail("b").delayMs).to.equal(200);
    });

    it("forgets that a minute after the last one", () => {
      const { fail, clock } = setUp();
      fail("a");
      clock.ms += 59_000;
      expect(fail("a").delayMs).to.equal(400);
      clock.ms += 60_000;
      expect(fail("a").delayMs).to.equal(200);
    });

    it("remembers the newest ten thousand addresses and no more", () => {
      const { fail } = setUp();
      for (let at = 0; at <= 10_000; at++) fail(`address ${at}`);
      expect(fail("address 10000").delayMs).to.equal(400);
      expect(fail("address 0").delayMs).to.equal(200);
    });

    it("holds 64 of an address, and 1,024 in all, whatever else there is room for", () => {
      const { fail } = setUp({ all: 10_000 });
      const ofOne = Array.from({ length: 70 }, () => fail("a").socket);
      expect(ofOne.filter(({ destroyed }) => !destroyed)).to.have.length(64);
      const others = Array.from({ length: 1_030 }, (_, n) => fail(`b${n}`));
      const left = [...ofOne, ...others.map(({ socket }) => socket)].filter(
        ({ destroyed }) => !destroyed,
      );
      expect(left).to.have.length(1_024);
    });

    it("takes no place of those who show one, from the same address too", () => {
      const { enter, fail } = setUp({ perAddress: 2 });
      const honest = [enter("a"), enter("a")];
      for (let count = 0; count < 1_000; count++) fail("a");
      expect(states(honest)).to.equal("in in");
    });

    it("turns it away before anybody else where there is no room", () => {
      const { gate, arrive, fail } = setUp({ all: 3 });
      const oldest = arrive("a");
      const { socket } = fail("b");
      const crowd = [oldest, socket, arrive("a"), arrive("a")];
      expect(states(crowd)).to.equal("in out in in");
      expect(gate.makeRoom(oldest)).to.equal(true);
      expect(states(crowd)).to.equal("in out out in");
    });

    it("makes no room where there is nobody but the newcomer", () => {
      const { gate, arrive } = setUp();
      expect(gate.makeRoom(arrive("a"))).to.equal(false);
    });
  });
});
