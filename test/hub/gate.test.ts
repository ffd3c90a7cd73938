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
  return { gate, clock, arrive, enter };
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
    const { enter } = setUp({ all: 3, perAddress: 1 });
    const crowd = Array.from({ length: 4 }, () => enter(undefined));
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

  it("makes an address wait longer with each wrong key, up to two seconds", () => {
    const { gate } = setUp();
    const delays = Array.from({ length: 20 }, () => {
      gate.failed("a");
      return gate.delayMs("a");
    });
    expect(delays.slice(0, 5)).to.deep.equal([200, 400, 800, 1_600, 2_000]);
    expect(Math.max(...delays)).to.equal(2_000);
  });

  it("makes nobody else wait", () => {
    const { gate } = setUp();
    gate.failed("a");
    expect(gate.delayMs("b")).to.equal(0);
  });

  it("forgets wrong keys a minute after the last one", () => {
    const { gate, clock } = setUp();
    gate.failed("a");
    clock.ms += 59_000;
    gate.failed("a");
    clock.ms += 59_999;
    expect(gate.delayMs("a")).to.equal(400);
    clock.ms += 1;
    expect(gate.delayMs("a")).to.equal(0);
    gate.failed("a");
    expect(gate.delayMs("a")).to.equal(200);
  });

  it("remembers the newest ten thousand addresses and no more", () => {
    const { gate } = setUp();
    for (let at = 0; at <= 10_000; at++) gate.failed(`address ${at}`);
    expect(gate.delayMs("address 0")).to.equal(0);
    expect(gate.delayMs("address 1")).to.equal(200);
    expect(gate.delayMs("address 10000")).to.equal(200);
  });
});
