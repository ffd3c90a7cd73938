import { expect } from "chai";
import { HostKey } from "../../src/keys/host-key.js";
import { Identity } from "../../src/keys/identity.js";
import { KnownHubs } from "../../src/keys/known-hubs.js";
import { HubTrust, type HubProof } from "../../src/node/hub-trust.js";
import { failureOf } from "../support/failure.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

const BINDING = Buffer.alloc(32, 5);
const ADDRESS = "hub:7749";

function proofOf(hostKey: HostKey, binding = BINDING): HubProof {
  return {
    type: "proof",
    protocol: OWN_ABILITIES.protocol,
    software: "vnet test",
    key: hostKey.publicKey.toString("base64"),
    signature: hostKey.prove(binding).toString("base64"),
    challenge: Identity.generate().publicKey.toString("base64"),
  };
}

describe("a node's trust in the hub", () => {
  const [real, fake] = [HostKey.generate(), HostKey.generate()];
  let trust: HubTrust;

  beforeEach(() => {
    trust = new HubTrust(new KnownHubs(null));
  });

  const verify = (proof: HubProof, pinned = "", address = ADDRESS) =>
    trust.verify({ address, pinned, proof, binding: BINDING });

  it("begins at first contact and holds for that key", async () => {
    const { fingerprint } = real;
    expect(await verify(proofOf(real))).to.deep.equal({
      fingerprint,
      isFirstContact: true,
    });
    expect(await verify(proofOf(real))).to.deep.equal({
      fingerprint,
      isFirstContact: false,
    });
  });

  it("is refused to a changed key, with both named and what to do", async () => {
    await verify(proofOf(real));
    const error = await failureOf(verify(proofOf(fake)));
    expect(error.code).to.equal("refused");
    for (const text of [
      "has CHANGED",
      `it is ${fake.fingerprint}`,
      `it was ${real.fingerprint}`,
      `write [route] fingerprint=${fake.fingerprint}`,
    ])
      expect(error.message).to.include(text);
    expect((await verify(proofOf(real))).isFirstContact).to.equal(false);
  });

  it("is for each address of its own", async () => {
    await verify(proofOf(real));
    const elsewhere = await verify(proofOf(fake), "", "other:7749");
    expect(elsewhere.isFirstContact).to.equal(true);
  });

  it("follows a pinned fingerprint, whatever was remembered", async () => {
    await verify(proofOf(fake));
    const pinned = await verify(proofOf(real), real.fingerprint);
    expect(pinned.isFirstContact).to.equal(false);
  });

  it("is refused to another key than the pinned one, also at first contact", async () => {
    const error = await failureOf(verify(proofOf(fake), real.fingerprint));
    expect(error.code).to.equal("refused");
    expect(error.message).to.include(
      `the hub's key is ${fake.fingerprint}, [route] fingerprint says ${real.fingerprint}`,
    );
    // What was refused is not remembered.
    expect((await verify(proofOf(real))).isFirstContact).to.equal(true);
  });

  it("is refused to a signature that was made for another connection", async () => {
    const proof = proofOf(real, Buffer.alloc(32, 6));
    for (const pinned of ["", real.fingerprint]) {
      const error = await failureOf(verify(proof, pinned));
      expect(error.message).to.include("did not prove that its key is its own");
    }
    expect((await verify(proofOf(fake))).isFirstContact).to.equal(true);
  });

  it("is refused to somebody else's key with a signature of his own", async () => {
    const key = real.publicKey.toString("base64");
    const error = await failureOf(verify({ ...proofOf(fake), key }));
    expect(error.message).to.include("did not prove that its key is its own");
  });

  it("is refused to another version of the protocol, with both named", async () => {
    const proof = { ...proofOf(real), protocol: 99, software: "vnet 9.9.9" };
    const error = await failureOf(verify(proof));
    expect(error.message).to.match(
      /vnet 9\.9\.9.*protocol 99.*update the older one/,
    );
  });
});
