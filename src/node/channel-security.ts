// The encryption of a node's channels, end to end: TLS 1.3 inside the channel, its key derived from the two nodes'
// identities and, where one is set, from the group's secret. The hub between them has neither.

import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import { fingerprintOf } from "../keys/fingerprint.js";
import type { Identity } from "../keys/identity.js";
import { channelKey, openedBy, stretch } from "../keys/psk.js";
import { quoted } from "../printable.js";
import { secureAsClient, secureAsServer } from "../net/secure.js";
import { greet } from "./channel-greeting.js";
import { Standings } from "./standings.js";

/** The node at the other end, as the hub tells of it. */
export interface ChannelPeer {
  vnetid: number;
  name: string;
  /** public identity key, base64 */
  key: string;
  encrypt: boolean;
}

export interface ChannelSettings {
  encrypt: boolean;
  /** `[vnet] secret`, or empty */
  secret: string;
  group: string;
}

/** Longer than a ticket lives: whoever waits for the other leg waits within this. */
const HANDSHAKE_TIMEOUT_MS = 12_000;

/** Nodes whose shared key is remembered, as an agreement of keys is a good part of what a channel costs. */
const MAX_DERIVED = 1_000;

/** Says nothing to who listens: which key is meant is clear from the ticket. */
const HINT = "vnet";

export class ChannelSecurity {
  private stretched:
    { secret: string; group: string; key: Promise<Buffer> } | undefined;
  /** the keys shared with other nodes, under the secret of the moment, by their public keys; oldest first */
  private readonly derived = new Map<string, Buffer>();
  /** the group and the secret that they are for */
  private derivedScope = "";
  readonly standings = new Standings();
  private readonly ownKey: string;

  constructor(
    private readonly identity: Identity,
    private readonly settings: () => ChannelSettings,
    /** where the secret of a hub's own node is written; null: in `[vnet]`, as everywhere else */
    private readonly hubsPlace: string | null = null,
  ) {
    this.ownKey = identity.publicKey.toString("base64");
  }

  get fingerprint(): string {
    return this.identity.fingerprint;
  }

  /** Whether that node has shown that it has the group's secret, so that not even the hub can have put it there. */
  isTrusted(key: string): boolean {
    return key === this.ownKey || this.standings.of(key) === "trusted";
  }

  /** The secret or the keys changed: nobody is trusted because of the old ones. */
  forget(): void {
    this.standings.forget();
  }

  /** Throws VnetError `refused` when one of the two wants encryption and the other one does not. */
  refuseMismatch(peer: ChannelPeer): void {
    const { encrypt } = this.settings();
    if (encrypt === peer.encrypt) return;
    throw new VnetError("refused", mismatchOf(peer, encrypt));
  }

  /**
   * Throws VnetError `refused` when a node under another number has this node's own key: both ends of a channel to it would
   * be this node. @param ownVnetid this node's number; it may use its own serves
   */
  refuseOwnKey(peer: ChannelPeer, ownVnetid: number): void {
    const ownKey = this.identity.publicKey.toString("base64");
    if (peer.key !== ownKey || peer.vnetid === ownVnetid) return;
    throw new VnetError(
      "refused",
      `vnet ${quoted(peer.name)} has this node's own key: it runs with the same configuration or with a copy of identity.key, or the hub is not honest`,
    );
  }

  /** See Standings.isMet. */
  isMet(key: string): boolean {
    return this.standings.isMet(key, this.settings());
  }

  /** The duplex that a channel to this peer runs on. Rejects with VnetError, the leg closed. */
  async secure(
    leg: Duplex,
    peer: ChannelPeer,
    role: "opener" | "acceptor",
  ): Promise<Duplex> {
    const { encrypt, secret, group } = this.settings();
    const title = titleOf(peer);
    const timeoutMs = HANDSHAKE_TIMEOUT_MS;
    // It may break while the key is being made.
    leg.on("error", () => undefined);
    try {
      if (!encrypt) {
        await greet({ duplex: leg, role, title, proof: null, timeoutMs });
        // Nobody has proved anything; that it answers is all that is known.
        this.standings.worked(peer.key, false);
        return leg;
      }
      const peerKey = Buffer.from(peer.key, "base64");
      const shared = await this.derive(peer.key, peerKey, secret, group);
      if (leg.destroyed)
        throw new VnetError("closed", "closed before the handshake");
      const ownKey = this.identity.publicKey;
      const psk = openedBy(shared, role === "opener" ? ownKey : peerKey);
      const key = { identity: HINT, psk };
      const { duplex, binding } = await (
        role === "opener"
          ? secureAsClient(leg, key, timeoutMs)
          : secureAsServer(leg, () => psk, timeoutMs)
      ).catch((error: unknown) => {
        throw this.explain(error, title);
      });
      const proof = { own: this.identity, peerKey, binding };
      await greet({ duplex, role, title, proof, timeoutMs });
      this.standings.worked(peer.key, secret !== "");
      return duplex;
    } catch (error) {
      leg.destroy();
      if (encrypt && error instanceof VnetError && error.code === "refused")
        this.standings.refused(peer.key, error.message);
      throw error;
    }
  }

  private async derive(
    name: string,
    peerKey: Buffer,
    secret: string,
    group: string,
  ): Promise<Buffer> {
    const stretched = secret === "" ? null : await this.stretch(secret, group);
    const scope = `${group}\0${secret}`;
    if (this.derivedScope !== scope) this.derived.clear();
    this.derivedScope = scope;
    let shared = this.derived.get(name);
    if (shared !== undefined) return shared;
    shared = channelKey(this.identity, peerKey, stretched);
    const [oldest] = this.derived.keys();
    if (this.derived.size >= MAX_DERIVED && oldest !== undefined)
      this.derived.delete(oldest);
    this.derived.set(name, shared);
    return shared;
  }

  private explain(error: unknown, title: string): unknown {
    if (!(error instanceof VnetError) || error.code !== "refused") return error;
    const own = this.settings().secret === "" ? "has none" : "has one";
    const same =
      this.hubsPlace === null
        ? `[vnet] secret must be the same on both (this node ${own}), else the hub is not honest`
        : `${this.hubsPlace} of this hub's file must be what [vnet] secret is there (this hub ${own})`;
    return new VnetError(
      "refused",
      `${title} and this node do not have the same key: ${same}`,
      { cause: error },
    );
  }

  /** Slow, so once for each secret. */
  private stretch(secret: string, group: string): Promise<Buffer> {
    const last = this.stretched;
    if (last?.secret === secret && last.group === group) return last.key;
    const key = stretch(secret, "group secret", group);
    this.stretched = { secret, group, key };
    return key;
  }
}

/** `vnet home (SHA256:…)` */
function titleOf({ name, key }: ChannelPeer): string {
  return `vnet ${quoted(name)} (${fingerprintOf(Buffer.from(key, "base64"))})`;
}

/** Why no channel can be had to a node that does not encrypt as this one does. */
export function mismatchOf({ name }: { name: string }, own: boolean): string {
  return own
    ? `vnet ${quoted(name)} has encrypt=false and this node has not; set it on both or on neither`
    : `this node has encrypt=false and vnet ${quoted(name)} has not; set it on both or on neither`;
}
