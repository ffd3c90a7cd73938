import { expect } from "chai";
import { SECRET } from "../../src/config/value.js";
import { createSecret } from "../../src/keys/secret.js";

describe("a secret that was made", () => {
  it("is 32 characters that need no quotes, and good enough for the configuration", () => {
    for (let round = 0; round < 100; round++) {
      const secret = createSecret();
      expect(secret).to.match(/^[A-Za-z0-9_-]{32}$/);
      expect(SECRET.parse(secret)).to.equal(secret);
    }
  });

  it("is another one each time", () => {
    const made = new Set(Array.from({ length: 100 }, createSecret));
    expect(made.size).to.equal(100);
  });
});
