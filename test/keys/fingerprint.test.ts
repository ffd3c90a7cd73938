import { expect } from "chai";
import { fingerprintOf, isFingerprint } from "../../src/keys/fingerprint.js";

describe("a fingerprint", () => {
  it("is SHA-256 in base64 without padding, as ssh shows it", () => {
    // SHA-256 of nothing.
    expect(fingerprintOf(Buffer.alloc(0))).to.equal(
      "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU",
    );
  });

  it("is recognised, and differs with its key", () => {
    const a = fingerprintOf(Buffer.alloc(32, 1));
    expect(isFingerprint(a)).to.equal(true);
    expect(a).not.to.equal(fingerprintOf(Buffer.alloc(32, 2)));
  });

  for (const text of [
    "",
    "SHA256:",
    `SHA256:${"A".repeat(42)}`,
    `SHA256:${"A".repeat(44)}`,
    `SHA256:${"A".repeat(42)}=`,
    `SHA256:${"A".repeat(42)}-`,
    `sha256:${"A".repeat(43)}`,
    `SHA256:${"A".repeat(43)}\n`,
    ` SHA256:${"A".repeat(43)}`,
  ])
    it(`is not ${JSON.stringify(text)}`, () => {
      expect(isFingerprint(text)).to.equal(false);
    });
});
