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
  const enter = (address: string) => {
    const socket = new PassThrough();
    gate.enter(socket, address);
    return socket;
  };
  return { gate, clock, enter };
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
