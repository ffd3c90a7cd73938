import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { fingerprintOf } from "../../src/keys/fingerprint.js";
import { HostKey } from "../../src/keys/host-key.js";
import { Identity, PUBLIC_KEY_BYTES } from "../../src/keys/identity.js";
import { failureOf } from "../support/failure.js";
import { makeFolder, removeFolder } from "../support/folder.js";

describe("a node's identity", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "identity.key");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it("is made at the first start and the same at every later one", async () => {
    const first = await Identity.load(path);
    const again = await Identity.load(path);
    expect(again.publicKey).to.deep.equal(first.publicKey);
    expect(again.fingerprint).to.equal(fingerprintOf(first.publicKey));
    const other = Identity.generate();
    expect(again.agree(other.publicKey)).to.deep.equal(
      first.agree(other.publicKey),
    );
  });

  it("agrees with another on what a third one cannot compute", () => {
    const [a, b, c] = [0, 1, 2].map(() => Identity.generate());
    expect(a!.publicKey).to.have.length(PUBLIC_KEY_BYTES);
    const shared = a!.agree(b!.publicKey);
    expect(shared).to.have.length(32);
    expect(b!.agree(a!.publicKey)).to.deep.equal(shared);
    expect(c!.agree(a!.publicKey)).not.to.deep.equal(shared);
    expect(c!.agree(b!.publicKey)).not.to.deep.equal(shared);
  });

  const unusable: [what: string, key: Buffer][] = [
    ["nothing", Buffer.alloc(0)],
    ["31 bytes", Buffer.alloc(31, 9)],
    ["33 bytes", Buffer.alloc(33, 9)],
    // Points with which every secret would be the same (RFC 7748, 6.1).
    ["the point 0", Buffer.alloc(32)],
    ["the point 1", Buffer.from([1, ...new Array<number>(31).fill(0)])],
  ];
  for (const [what, key] of unusable)
    it(`agrees on nothing with ${what}`, () => {
      expect(() => Identity.generate().agree(key)).to.throw(
        VnetError,
        "not a usable public key",
      );
    });

  const damaged: [what: string, text: (pem: string) => string][] = [
    ["empty", () => ""],
    ["cut short", (pem) => pem.slice(0, 60)],
    ["of other bytes", (pem) => pem.replace(/[A-Za-z]{8}/, "????????")],
    ["no PEM", () => "hello\n"],
  ];
  for (const [what, text] of damaged)
    it(`is not read from a file that is ${what}, and what is in it not shown`, async () => {
      await Identity.load(path);
      const pem = readFileSync(path, "utf8");
      writeFileSync(path, text(pem));
      const error = await failureOf(Identity.load(path));
      expect(error.code).to.equal("config");
      expect(error.message).to.match(/identity\.key: this key file is damaged/);
      const secret = pem.split("\n")[1] ?? "?";
      expect(error.message + String(error.cause)).not.to.include(secret);
    });

  it("is not read from a file with another kind of key", async () => {
    await HostKey.load(path);
    const error = await failureOf(Identity.load(path));
    expect(error.message).to.include("damaged");
  });
});
