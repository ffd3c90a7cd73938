import { expect } from "chai";
import { networkInterfaces } from "node:os";
import { names } from "../../src/net/names.js";
import { placesOf } from "../../src/net/places.js";

describe("the places of a host", () => {
  it("are one for all addresses and names of this machine, however they are written", async () => {
    const own = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .map(({ address }) => address);
    for (const host of [
      ...own,
      ...["127.0.0.1", "127.8.9.10", "::1", "0:0:0:0:0:0:0:1", "::1%lo"],
      ...["0.0.0.0", "::", "0::0", "::ffff:127.0.0.1", "::ffff:0:0"],
      ...["localhost", "LOCALHOST", "localhost."],
    ])
      expect(await placesOf(host), host).to.deep.equal(["this machine"]);
  });

  it("are the addresses of other machines, each in one way of writing", async () => {
    for (const [host, place] of [
      ["192.0.2.1", "192.0.2.1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["2001:DB8:0::1", "2001:db8:0:0:0:0:0:1"],
      ["2001:db8::1", "2001:db8:0:0:0:0:0:1"],
    ] as const)
      expect(await placesOf(host), host).to.deep.equal([place]);
  });

  it("are all that a name means, and one of its own for a name that nobody knows", async () => {
    const lookup = names.lookup.bind(names);
    names.lookup = (host) =>
      host === "nas.example"
        ? Promise.resolve([
            { address: "127.0.0.1", family: 4 },
            { address: "192.0.2.1", family: 4 },
          ])
        : Promise.reject(new Error("no such name"));
    try {
      expect(await placesOf("nas.example")).to.deep.equal([
        "this machine",
        "192.0.2.1",
      ]);
      expect(await placesOf("Other.example.")).to.deep.equal([
        "name other.example",
      ]);
    } finally {
      names.lookup = lookup;
    }
  });
});
