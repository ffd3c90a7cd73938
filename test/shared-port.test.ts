import { PassThrough } from "node:stream";
import { expect } from "chai";
import { ALL_ADDRESSES } from "../src/config/config.js";
import { SharedPort } from "../src/shared-port.js";

describe("The hub's own port as a public port", () => {
  const cases: [hub: string, ...hosts: string[]][] = [
    ["127.0.0.1", "127.0.0.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    [ALL_ADDRESSES, "0.0.0.0", "::"],
  ];
  for (const [ip, ...hosts] of cases)
    it(`is that of ${ip === ALL_ADDRESSES ? "all addresses" : ip} at ${hosts.join(" and ")} only`, () => {
      const port = new SharedPort({ ip, port: 7749 });
      for (const host of ["127.0.0.1", "0.0.0.0", "::", "192.0.2.1"]) {
        expect(port.isAt({ host, port: 7749 })).to.equal(hosts.includes(host));
        expect(port.isAt({ host, port: 7750 })).to.equal(false);
      }
    });

  it("is for users of IPv4 only where it says 0.0.0.0, though the hub is reached by IPv6 too", async () => {
    const port = new SharedPort({ ip: ALL_ADDRESSES, port: 7749 });
    const taken: string[] = [];
    await port.listen({
      ...{ host: "0.0.0.0", port: 7749, onError: () => undefined },
      onConnection: (_, { address }) => taken.push(address),
    });
    const turnedAway: string[] = [];
    for (const address of ["192.0.2.1", "2001:db8::1", "unix"]) {
      const connection = new PassThrough();
      port.take(connection, { address, port: 4_000 });
      if (connection.destroyed) turnedAway.push(address);
    }
    expect(taken).to.deep.equal(["192.0.2.1", "unix"]);
    expect(turnedAway).to.deep.equal(["2001:db8::1"]);
  });
});
