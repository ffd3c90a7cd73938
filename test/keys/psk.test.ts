import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Identity } from "../../src/keys/identity.js";
import {
  channelKey,
  createKeyHint,
  createLinkKey,
  identityProof,
  isHintFor,
  openedBy,
  stretch,
  type LinkKey,
} from "../../src/keys/psk.js";

const AUTHKEY = "an-authkey-to-derive-from";

describe("a key stretched from what a person wrote", () => {
  it("is the same for the same text and use, and another one for any other", async () => {
    const key = await stretch("a text", "a use");
    expect(key).to.have.length(32);
    expect(await stretch("a text", "a use")).to.deep.equal(key);
    expect(await stretch("a text ", "a use")).not.to.deep.equal(key);
    expect(await stretch("a text", "another use")).not.to.deep.equal(key);
    expect(await stretch("a text", "a use", "a group")).not.to.deep.equal(key);
  });
});

describe("the key of a control link", () => {
  let key: LinkKey;
  let other: LinkKey;
  let open: LinkKey;

  before(async () => {
    key = await createLinkKey(AUTHKEY);
    other = await createLinkKey("another-authkey");
    open = await createLinkKey(null);
  });

  it("is the same on both sides, and has one part for each use", async () => {
    expect(await createLinkKey(AUTHKEY)).to.deep.equal(key);
    expect(key.psk).to.have.length(32);
    expect(key.psk).not.to.deep.equal(key.hint);
  });

  it("differs with the authkey, and from that of an open hub", async () => {
    for (const [a, b] of [
      [key, other],
      [key, open],
      [open, await createLinkKey("vnet: a hub without authkey")],
      [open, await createLinkKey("")],
    ] as const) {
      expect(a.psk).not.to.deep.equal(b.psk);
      expect(a.hint).not.to.deep.equal(b.hint);
    }
  });

  it("is found by its hint, and no other key is", () => {
    for (const [a, b] of [
      [key, other],
      [other, open],
      [open, key],
    ] as const) {
      const hint = createKeyHint(a);
      expect(isHintFor(hint, a)).to.equal(true);
      expect(isHintFor(hint, b)).to.equal(false);
    }
  });

  it("shows nothing by its hints: each is another, and nothing of them comes again", () => {
    const hints = Array.from({ length: 50 }, () =>
      Buffer.from(createKeyHint(key), "base64url"),
    );
    for (const half of [0, 16]) {
      const halves = hints.map((hint) =>
        hint.subarray(half, half + 16).toString("hex"),
      );
      expect(new Set(halves).size).to.equal(hints.length);
    }
    const all = Buffer.concat(hints).toString("latin1");
    for (const secret of [key.psk, key.hint, Buffer.from(AUTHKEY)])
      expect(all).not.to.include(secret.subarray(0, 8).toString("latin1"));
  });

  it("has hints of one length, whatever the authkey", () => {
    for (const each of [key, other, open])
      expect(createKeyHint(each)).to.match(/^[A-Za-z0-9_-]{43}$/);
  });

  it("is not found by a hint that was changed anywhere, or is none", () => {
    const hint = Buffer.from(createKeyHint(key), "base64url");
    for (let at = 0; at < hint.length; at++) {
      const changed = Buffer.from(hint);
      changed[at]! ^= 1;
      expect(isHintFor(changed.toString("base64url"), key)).to.equal(false);
    }
    const short = hint.subarray(1).toString("base64url");
    const long = `${hint.toString("base64url")}AA`;
    for (const text of ["", "vnet", "\0", short, long, "é".repeat(43)])
      expect(isHintFor(text, key)).to.equal(false);
  });
});

describe("the key of a channel", () => {
  const [a, b, c] = [0, 1, 2].map(() => Identity.generate()) as [
    Identity,
    Identity,
    Identity,
  ];
  const secret = Buffer.alloc(32, 1);
  const wrong = Buffer.alloc(32, 2);

  for (const [what, stretched] of [
    ["without a secret", null],
    ["with a secret", secret],
  ] as const)
    it(`${what} is the same on both sides, whoever asks`, () => {
      const key = channelKey(a, b.publicKey, stretched);
      expect(key).to.have.length(32);
      expect(channelKey(b, a.publicKey, stretched)).to.deep.equal(key);
    });

  it("is another one without the secret, with another, and for every other pair", () => {
    const keys = [
      channelKey(a, b.publicKey, null),
      channelKey(a, b.publicKey, secret),
      channelKey(a, b.publicKey, wrong),
      channelKey(a, b.publicKey, Buffer.alloc(0)),
      channelKey(a, c.publicKey, null),
      channelKey(a, c.publicKey, secret),
      channelKey(c, b.publicKey, secret),
    ].map((key) => key.toString("hex"));
    expect(new Set(keys).size).to.equal(keys.length);
  });

  it("is another one for each direction of asking", () => {
    const shared = channelKey(a, b.publicKey, secret);
    const byA = openedBy(shared, a.publicKey);
    expect(byA).to.have.length(32);
    expect(openedBy(shared, a.publicKey)).to.deep.equal(byA);
    expect(openedBy(shared, b.publicKey)).not.to.deep.equal(byA);
    expect(byA).not.to.deep.equal(shared);
  });

  it("is not made with a key that is none", () => {
    expect(() => channelKey(a, Buffer.alloc(32), secret)).to.throw(
      VnetError,
      "not a usable public key",
    );
  });
});

describe("a node's proof of its identity", () => {
  it("is what the hub computes from its side, for this connection only", () => {
    const [node, hub, other] = [0, 1, 2].map(() => Identity.generate()) as [
      Identity,
      Identity,
      Identity,
    ];
    const binding = Buffer.alloc(32, 3);
    const proof = identityProof(node.agree(hub.publicKey), binding);
    expect(proof).to.match(/^[0-9a-f]{64}$/);
    expect(identityProof(hub.agree(node.publicKey), binding)).to.equal(proof);
    const elsewhere = Buffer.alloc(32, 4);
    for (const wrong of [
      identityProof(hub.agree(node.publicKey), elsewhere),
      identityProof(hub.agree(other.publicKey), binding),
      identityProof(other.agree(node.publicKey), binding),
    ])
      expect(wrong).not.to.equal(proof);
  });
});
