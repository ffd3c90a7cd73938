import { expect } from "chai";
import { needsUnix } from "../support/find-program.js";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { formatPeer, peerOf } from "../../src/net/peer.js";
import { makeFolder, removeFolder } from "../support/folder.js";

type Place = { host: string; port: number } | { path: string };

describe("the peer of a connection", () => {
  const folder = makeFolder();
  after(() => removeFolder(folder));

  async function peerAt(place: Place, dialled: string) {
    const server = createServer();
    server.listen(place);
    await once(server, "listening");
    const accepted = once(server, "connection") as Promise<[Socket]>;
    const address = server.address();
    const client =
      typeof address === "string" || address === null
        ? connect(dialled)
        : connect(address.port, dialled);
    const [[socket]] = await Promise.all([accepted, once(client, "connect")]);
    const found = { peer: peerOf(socket), port: client.localPort ?? 0 };
    for (const end of [client, socket]) end.destroy();
    server.close();
    return found;
  }

  for (const [what, host, dialled, address] of [
    ["of IPv4", "127.0.0.1", "127.0.0.1", "127.0.0.1"],
    ["of IPv6", "::1", "::1", "::1"],
    ["of IPv4 at a listener of both", "::", "127.0.0.1", "127.0.0.1"],
  ] as const)
    it(`${what} is its address and port`, async () => {
      const { peer, port } = await peerAt({ host, port: 0 }, dialled);
      expect(peer).to.deep.equal({ address, port });
    });

  it("of a Unix socket is no address", async function () {
    needsUnix(this, "Unix sockets");
    const path = join(folder, "socket");
    const { peer } = await peerAt({ path }, path);
    expect(peer).to.deep.equal({ address: "unix", port: 0 });
    expect(formatPeer(peer)).to.equal("unix");
  });

  it("is written as addresses are", () => {
    expect(formatPeer({ address: "::1", port: 22 })).to.equal("[::1]:22");
    expect(formatPeer({ address: "127.0.0.1", port: 22 })).to.equal(
      "127.0.0.1:22",
    );
  });
});
