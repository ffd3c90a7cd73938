// A hub that joins a node's leg as opener with that same node's leg as acceptor (the Selfie attack, RFC 9257).

import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import { channelKey, openedBy } from "../../src/keys/psk.js";
import { ChannelSecurity } from "../../src/node/channel-security.js";
import { failureOf } from "../support/failure.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";

describe("a node that a hub joins with itself", () => {
  afterEach(destroySocketPairs);

  for (const secret of ["", "a-secret-of-the-group"])
    it(`refuses itself on both ends, with ${secret === "" ? "no" : "a"} secret`, async () => {
      const security = new ChannelSecurity(Identity.generate(), () => ({
        encrypt: true,
        secret,
        group: "default",
      }));
      const other = {
        vnetid: 2,
        name: "other",
        key: Identity.generate().publicKey.toString("base64"),
        encrypt: true,
      };
      const { a, b } = await createSocketPair();
      const [opener, acceptor] = await Promise.all([
        failureOf(security.secure(a, other, "opener")),
        failureOf(security.secure(b, other, "acceptor")),
      ]);
      expect(opener.code).to.equal("refused");
      expect(acceptor.code).to.equal("refused");
      expect(security.isTrusted(other.key)).to.equal(false);
    });

  it("has another key for each direction of asking, the same one at both ends", () => {
    const [a, b] = [Identity.generate(), Identity.generate()];
    const ofA = channelKey(a, b.publicKey, null);
    const ofB = channelKey(b, a.publicKey, null);
    expect(openedBy(ofA, a.publicKey)).to.deep.equal(
      openedBy(ofB, a.publicKey),
    );
    expect(openedBy(ofA, a.publicKey)).not.to.deep.equal(
      openedBy(ofA, b.publicKey),
    );
  });
});
