import { expect } from "chai";
import type { Stream } from "../../src/channel/stream.js";
import { VnetError } from "../../src/errors.js";
import { Visitors } from "../../src/node/visitors.js";
import { useSettings } from "../support/settings.js";

const peer = (address: string) => ({ address, port: 1 });

function refusalOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof VnetError) return error.message;
    throw error;
  }
  return "";
}

describe("the visitors of a use", () => {
  const create = (bounds: object) =>
    new Visitors({
      ...useSettings("echo", { serveid: 7, port: 1 }),
      ...bounds,
    });

  it("are let in from the networks of from= only, and through a socket file", () => {
    const visitors = create({ from: "10.0.0.0/8 2001:db8::/32" });
    for (const address of ["10.1.2.3", "2001:db8::7", "unix"])
      expect(refusalOf(() => visitors.admit(peer(address)))).to.equal("");
    for (const address of ["11.1.2.3", "2001:db9::7", "?"])
      expect(refusalOf(() => visitors.admit(peer(address)))).to.equal(
        `${address} is not in from=`,
      );
  });

  it("are as many as max_connections says, and then one for each that leaves", () => {
    const visitors = create({ maxConnections: 2 });
    const leave = visitors.admit(peer("10.0.0.1"));
    visitors.admit(peer("10.0.0.2"));
    const third = () => visitors.admit(peer("10.0.0.3"));
    expect(refusalOf(third)).to.include("(max_connections)");
    leave();
    expect(refusalOf(third)).to.equal("");
    expect(refusalOf(third)).to.include("(max_connections)");
  });

  it("are as many of one address, or of one IPv6 network, as max_per_address says", () => {
    const visitors = create({ maxPerAddress: 1 });
    const leave = visitors.admit(peer("10.0.0.1"));
    visitors.admit(peer("2001:db8::1"));
    expect(refusalOf(() => visitors.admit(peer("10.0.0.1")))).to.include(
      "(max_per_address)",
    );
    expect(refusalOf(() => visitors.admit(peer("2001:db8::2")))).to.include(
      "2001:db8:0:0::/64 already",
    );
    expect(refusalOf(() => visitors.admit(peer("10.0.0.2")))).to.equal("");
    leave();
    expect(refusalOf(() => visitors.admit(peer("10.0.0.1")))).to.equal("");
  });

  it("may be idle for a year, which is more than a timer can wait", () => {
    const periods: number[] = [];
    const { setInterval } = globalThis;
    const caught = (_look: () => void, ms = 0) => {
      periods.push(ms);
    };
    Object.assign(globalThis, { setInterval: caught });
    try {
      const stream = { bytes: 0, isOver: false, on: () => undefined };
      for (const idleTimeoutSeconds of [60, 31_536_000])
        create({ idleTimeoutSeconds }).watch(stream as unknown as Stream);
    } finally {
      Object.assign(globalThis, { setInterval });
    }
    expect(periods).to.deep.equal([15_000, 3_600_000]);
  });
});
