import { once } from "node:events";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Identity } from "../../src/keys/identity.js";
import {
  ChannelSecurity,
  type ChannelPeer,
  type ChannelSettings,
} from "../../src/node/channel-security.js";
import {
  channelKey,
  channelProofKey,
  channelProofOf,
  openedBy,
  stretch,
} from "../../src/keys/psk.js";
import { secureAsClient, secureAsServer } from "../../src/net/secure.js";
import {
  encodeChannelFrame,
  FrameType,
  GreetingType,
} from "../../src/wire/channel-frame.js";
import { encodeChannelHello } from "../../src/wire/channel-hello.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";
import { within } from "../support/deadline.js";
import { failureOf } from "../support/failure.js";
import {
  createSocketPair,
  destroySocketPairs,
  type SocketPair,
} from "../support/socket-pair.js";

const SECRET = "a-secret-of-the-group";

/** One node: its security, its settings, and what others are told of it. */
function createEnd(
  name: string,
  settings: Partial<ChannelSettings> = {},
  place: string | null = null,
) {
  const identity = Identity.generate();
  const current = { encrypt: true, secret: "", group: "g", ...settings };
  const security = new ChannelSecurity(identity, () => current, place);
  const peer: ChannelPeer = {
    vnetid: 1,
    name,
    key: identity.publicKey.toString("base64"),
    encrypt: current.encrypt,
  };
  return { identity, security, settings: current, peer };
}

type End = ReturnType<typeof createEnd>;

describe("a channel's encryption", () => {
  let legs: SocketPair;

  beforeEach(async () => {
    legs = await createSocketPair();
  });

  afterEach(destroySocketPairs);

  const secureBoth = (a: End, b: End, seenOfA = a.peer, seenOfB = b.peer) =>
    [
      a.security.secure(legs.a, seenOfB, "opener"),
      b.security.secure(legs.b, seenOfA, "acceptor"),
    ] as const;

  async function expectEcho(a: Duplex, b: Duplex): Promise<void> {
    a.write("hello");
    const [heard] = (await within("bytes", once(b, "data"))) as [Buffer];
    expect(String(heard)).to.equal("hello");
  }

  async function refusals(a: End, b: End, ...seen: ChannelPeer[]) {
    const made = secureBoth(a, b, ...seen).map(failureOf);
    const [ofA, ofB] = await Promise.all(made);
    expect([legs.a.destroyed, legs.b.destroyed]).to.deep.equal([true, true]);
    return [ofA, ofB] as [VnetError, VnetError];
  }

  for (const secret of ["", SECRET])
    it(`works between nodes with ${secret === "" ? "no" : "the same"} secret`, async () => {
      const [a, b] = [createEnd("a", { secret }), createEnd("b", { secret })];
      const [x, y] = await Promise.all(secureBoth(a, b));
      expect(x).not.to.equal(legs.a);
      await expectEcho(x, y);
      const isTrusted = secret !== "";
      expect(a.security.isTrusted(b.peer.key)).to.equal(isTrusted);
      expect(b.security.isTrusted(a.peer.key)).to.equal(isTrusted);
    });

  for (const role of ["opener", "acceptor"] as const)
    it(`ends nothing but the channel when its leg breaks while the ${role} makes the secret's key`, async () => {
      const [a, b] = [createEnd("a", { secret: SECRET }), createEnd("b")];
      const failed = failureOf(a.security.secure(legs.a, b.peer, role));
      legs.b.resetAndDestroy();
      expect(await within("its failure", failed)).to.include({
        code: "closed",
      });
      expect(legs.a.destroyed).to.equal(true);
    });

  it("trusts oneself, nobody unseen, and nobody after the secret changed", async () => {
    const secret = SECRET;
    const [a, b] = [createEnd("a", { secret }), createEnd("b", { secret })];
    expect(a.security.isTrusted(a.peer.key)).to.equal(true);
    expect(a.security.isTrusted(b.peer.key)).to.equal(false);
    await Promise.all(secureBoth(a, b));
    a.security.forget();
    expect(a.security.isTrusted(b.peer.key)).to.equal(false);
    expect(a.security.isTrusted(a.peer.key)).to.equal(true);
  });

  for (const [own, other] of [
    [SECRET, "another-secret"],
    [SECRET, ""],
    ["", SECRET],
  ] as const)
    it(`is refused by both with secrets "${own}" and "${other}", and both say why`, async () => {
      const a = createEnd("node-a", { secret: own });
      const b = createEnd("node-b", { secret: other });
      const [ofA, ofB] = await refusals(a, b);
      for (const [error, peer, secret] of [
        [ofA, b, own],
        [ofB, a, other],
      ] as const) {
        expect(error.code).to.equal("refused");
        expect(error.message).to.include(
          `vnet ${peer.peer.name} (${peer.identity.fingerprint}) and this node do not have the same key: [vnet] secret must be the same on both (this node ${secret === "" ? "has none" : "has one"})`,
        );
        expect(error.message).not.to.match(/a-secret|another-secret/);
      }
      expect(a.security.isTrusted(b.peer.key)).to.equal(false);
      expect(b.security.isTrusted(a.peer.key)).to.equal(false);
    });

  it("is refused by a hub's own node with the section that its secret belongs into", async () => {
    const hub = createEnd("hub", {}, "[group.our] secret");
    const [ofHub] = await refusals(hub, createEnd("b", { secret: SECRET }));
    expect(ofHub.message)
      .to.include("[group.our] secret of this hub's file must be")
      .and.include("(this hub has none)")
      .and.not.include("on both");
  });

  it("is refused by both when each was told another key for the other", async () => {
    const secret = SECRET;
    const [a, b] = [createEnd("a", { secret }), createEnd("b", { secret })];
    const key = Identity.generate().publicKey.toString("base64");
    const [ofA, ofB] = await refusals(
      a,
      b,
      { ...a.peer, key },
      {
        ...b.peer,
        key,
      },
    );
    for (const error of [ofA, ofB])
      expect(error.message).to.include("else the hub is not honest");
    expect(a.security.isTrusted(key)).to.equal(false);
  });

  it("is refused when the hub joins a node's own two legs to each other", async () => {
    const secret = SECRET;
    const [a, b] = [createEnd("a", { secret }), createEnd("b", { secret })];
    const [asOpener, asAcceptor] = await Promise.all([
      failureOf(a.security.secure(legs.a, b.peer, "opener")),
      failureOf(a.security.secure(legs.b, b.peer, "acceptor")),
    ]);
    expect([asOpener.code, asAcceptor.code]).to.deep.equal([
      "refused",
      "refused",
    ]);
    expect(a.security.isTrusted(b.peer.key)).to.equal(false);
  });

  it("is refused with a key that is none, and the leg closed", async () => {
    const a = createEnd("a");
    const key = Buffer.alloc(32).toString("base64");
    const peer = { ...a.peer, key };
    const error = await failureOf(a.security.secure(legs.a, peer, "opener"));
    expect(error.code).to.equal("protocol");
    expect(legs.a.destroyed).to.equal(true);
  });

  it("follows a changed secret", async () => {
    const secret = SECRET;
    const [a, b] = [createEnd("a"), createEnd("b", { secret })];
    await refusals(a, b);
    a.settings.secret = secret;
    legs = await createSocketPair();
    const [x, y] = await Promise.all(secureBoth(a, b));
    await expectEcho(x, y);
  });

  it("is left out with encrypt=false on both, and nobody is trusted by that", async () => {
    const settings = { encrypt: false, secret: SECRET };
    const [a, b] = [createEnd("a", settings), createEnd("b", settings)];
    a.security.refuseMismatch(b.peer);
    const [made, other] = await Promise.all(secureBoth(a, b));
    expect(made).to.equal(legs.a);
    await expectEcho(made, other);
    expect(a.security.isTrusted(b.peer.key)).to.equal(false);
  });

  it("refuses encrypt=false on one side only, and says which", () => {
    const [plain, normal] = [
      createEnd("plain", { encrypt: false }),
      createEnd("normal"),
    ];
    expect(() => plain.security.refuseMismatch(normal.peer)).to.throw(
      "this node has encrypt=false and vnet normal has not; set it on both or on neither",
    );
    expect(() => normal.security.refuseMismatch(plain.peer)).to.throw(
      "vnet plain has encrypt=false and this node has not; set it on both or on neither",
    );
    normal.security.refuseMismatch(normal.peer);
  });

  it("refuses its own key under another number, and not under its own", () => {
    const a = createEnd("a");
    const mirror = { ...a.peer, vnetid: 7, name: "mirror" };
    expect(() => a.security.refuseOwnKey(mirror, a.peer.vnetid))
      .to.throw(VnetError, "vnet mirror has this node's own key")
      .with.property("code", "refused");
    a.security.refuseOwnKey(a.peer, a.peer.vnetid);
    a.security.refuseOwnKey(createEnd("b").peer, 9);
  });

  describe("with somebody who has a copy of a node's identity", () => {
    /** Whoever has the private half of `stolen` and the secret, and says that its own key is `claimed`. */
    async function impostor(
      stolen: End,
      claimed: End,
      role: "opener" | "acceptor",
      prove: (binding: Buffer) => Buffer,
    ): Promise<VnetError> {
      // It can make the channel's key, which the two identities have in common, from either half.
      const secret = await stretch(SECRET, "group secret", "g");
      const shared = channelKey(
        stolen.identity,
        claimed.identity.publicKey,
        secret,
      );
      const { publicKey } =
        role === "opener" ? claimed.identity : stolen.identity;
      const psk = openedBy(shared, publicKey);
      const attempt =
        role === "opener"
          ? secureAsClient(legs.a, { identity: "vnet", psk }, 5_000)
          : secureAsServer(legs.a, () => psk, 5_000);
      const victim = failureOf(
        stolen.security.secure(
          legs.b,
          claimed.peer,
          role === "opener" ? "acceptor" : "opener",
        ),
      );
      const { duplex, binding } = await within("the handshake", attempt);
      const heard: Buffer[] = [];
      duplex.on("data", (chunk: Buffer) => heard.push(chunk));
      duplex.on("error", () => undefined);
      const ephemeral = Identity.generate();
      duplex.write(
        encodeChannelFrame(
          GreetingType.hello,
          encodeChannelHello({ ...OWN_ABILITIES, key: ephemeral.publicKey }),
        ),
      );
      duplex.write(encodeChannelFrame(GreetingType.proof, prove(binding)));
      duplex.write(encodeChannelFrame(FrameType.open, '{"serveid":700}'));
      const error = await within("the victim's refusal", victim);
      expect(legs.b.destroyed).to.equal(true);
      // A hello, and for an opener the acceptor's proof, which says nothing; no stream and no byte of a user.
      const bytes = Buffer.concat(heard).length;
      expect(bytes).to.be.below(400);
      return error;
    }

    for (const role of ["opener", "acceptor"] as const)
      it(`is not taken for another node as the ${role}: the copy does not make that node's proof`, async () => {
        const [a, b] = [
          createEnd("a", { secret: SECRET }),
          createEnd("b", { secret: SECRET }),
        ];
        const error = await impostor(b, a, role, (binding) =>
          // The best guess: the proof with the stolen key in place of the one that it claims to have.
          channelProofOf(
            channelProofKey({
              own: b.identity,
              peerKey: b.identity.publicKey,
              role,
              ephemeral: Identity.generate(),
              peerEphemeral: Identity.generate().publicKey,
              hellos: [Buffer.alloc(0), Buffer.alloc(0)],
              binding,
            }),
            role,
          ),
        );
        expect(error.code).to.equal("refused");
        expect(error.message).to.include(
          "did not prove that its key is its own",
        );
        expect(b.security.isTrusted(a.peer.key)).to.equal(false);
      });
  });

  describe("whose first frame is not a hello", () => {
    const wrong: Record<string, Buffer> = {
      "an OPEN": encodeChannelFrame(FrameType.open, '{"serveid":700}'),
      "user bytes": Buffer.from([4, 0, 0, 1, 0x61]),
      "a hello of 16 MB": Buffer.from([9, 255, 255, 255]),
      "a hello that is no JSON": encodeChannelFrame(GreetingType.hello, "{"),
      "a hello without a key": encodeChannelFrame(
        GreetingType.hello,
        '{"protocol":4}',
      ),
    };
    for (const [what, bytes] of Object.entries(wrong))
      it(`refuses ${what}, and closes the leg`, async () => {
        const [a, b] = [createEnd("a"), createEnd("b")];
        const shared = channelKey(a.identity, b.identity.publicKey, null);
        const psk = openedBy(shared, a.identity.publicKey);
        const key = { identity: "vnet", psk };
        const made = secureAsClient(legs.a, key, 5_000);
        const refused = failureOf(
          b.security.secure(legs.b, a.peer, "acceptor"),
        );
        const { duplex } = await made;
        duplex.on("error", () => undefined);
        duplex.write(bytes);
        const error = await within("the refusal", refused);
        expect(error.code).to.equal("protocol");
        expect(legs.b.destroyed).to.equal(true);
      });
  });
});
