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
});
