import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { HostKey, verifyHostProof } from "../../src/keys/host-key.js";
import { Identity } from "../../src/keys/identity.js";
import { failureOf } from "../support/failure.js";
import { makeFolder, removeFolder } from "../support/folder.js";

const BINDING = Buffer.alloc(32, 7);

describe("the hub's key", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "hub.key");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it("is made at the first start and the same at every later one", async () => {
    const first = await HostKey.load(path);
    const again = await HostKey.load(path);
    expect(again.fingerprint).to.equal(first.fingerprint);
    const proof = again.prove(BINDING);
    expect(verifyHostProof(first.publicKey, BINDING, proof)).to.equal(true);
  });

  it("is proved by a signature that holds for this key and this connection only", () => {
    const key = HostKey.generate();
    const proof = key.prove(BINDING);
    const { publicKey } = HostKey.generate();
    const elsewhere = Buffer.alloc(32, 8);
    const changed = Buffer.from(proof);
    changed[0]! ^= 1;
    expect(verifyHostProof(key.publicKey, BINDING, proof)).to.equal(true);
    expect(verifyHostProof(publicKey, BINDING, proof)).to.equal(false);
    expect(verifyHostProof(key.publicKey, elsewhere, proof)).to.equal(false);
    expect(verifyHostProof(key.publicKey, BINDING, changed)).to.equal(false);
  });

  for (const [what, key, proof] of [
    ["no key", Buffer.alloc(0), Buffer.alloc(64)],
    ["zeros", Buffer.alloc(32), Buffer.alloc(64)],
    ["a key that is too long", Buffer.alloc(33, 1), Buffer.alloc(64)],
    ["an X25519 key", Identity.generate().publicKey, Buffer.alloc(64)],
    ["no signature", HostKey.generate().publicKey, Buffer.alloc(0)],
  ] as const)
    it(`is not proved by ${what}`, () => {
      expect(verifyHostProof(key, BINDING, proof)).to.equal(false);
    });

  it("is not read from a damaged file", async () => {
    writeFileSync(path, "-----BEGIN PRIVATE KEY-----\n", { mode: 0o600 });
    const error = await failureOf(HostKey.load(path));
    expect(error.code).to.equal("config");
    expect(error.message).to.include("hub.key: this key file is damaged");
  });

  it("is not read from a file with another kind of key", async () => {
    await Identity.load(path);
    expect((await failureOf(HostKey.load(path))).message).to.include("damaged");
  });
});
