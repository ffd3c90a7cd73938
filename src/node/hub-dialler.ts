// One attempt at the hub: connect, prove the authkey by TLS, check the hub's own key, and say hello with a proof of this
// node's identity. Gives a link whose next message is the hub's answer; keeps nothing but the derived key.

import type { Duplex } from "node:stream";
import type { RouteSettings } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { Identity } from "../keys/identity.js";
import {
  createKeyHint,
  createLinkKey,
  identityProof,
  type LinkKey,
} from "../keys/psk.js";
import { addressKey } from "../net/address.js";
import { ControlLink } from "../net/control-link.js";
import { dial } from "../net/dial.js";
import type { ProgramLimit } from "../net/program-limit.js";
import { secureAsClient, type SecureDuplex } from "../net/secure.js";
import type { ToHub } from "../wire/to-hub.js";
import { decodeToNode, type ToNode } from "../wire/to-node.js";
import { OWN_ABILITIES } from "../wire/version.js";
import type { HubProof, HubTrust, TrustedHub } from "./hub-trust.js";

export interface HubDiallerOptions {
  route: RouteSettings;
  name: string;
  group: string;
  guest: boolean;
  /** name and version, for hello */
  software: string;
  identity: Identity;
  /** whether this node wants its channels encrypted */
  encrypt: boolean;
  hubTrust: HubTrust;
  /** another way to the hub than the network: for nodes in its own process */
  dialHub?: () => Promise<Duplex>;
  /** a line of stderr, where the way to the hub is a program */
  onLine?: (text: string) => void;
}

export interface ReachedHub extends TrustedHub {
  link: ControlLink<ToNode, ToHub>;
}

const DIAL_TIMEOUT_MS = 5_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;

/**
 * A new connection to the hub. Rejects with VnetError.
 * @param programs how many there may be where the way to the hub is a program; absent: no bound
 */
export function dialHub(
  {
    route,
    dialHub,
    onLine,
  }: Pick<HubDiallerOptions, "route" | "dialHub" | "onLine">,
  programs?: ProgramLimit,
): Promise<Duplex> {
  if (dialHub !== undefined) return dialHub();
  return dial({
    host: route.ip,
    port: route.port,
    timeoutMs: DIAL_TIMEOUT_MS,
    isHub: true,
    ...(onLine && { onLine }),
    ...(programs && { programs }),
  });
}

export class HubDialler {
  private derived: { authkey: string; key: Promise<LinkKey> } | undefined;
  /** the connection of an attempt that is not over */
  private pending: Duplex | undefined;
  private attempt = 0;

  /** Something has taken the connection, and not shown yet that it is the hub. */
  get isTaken(): boolean {
    return this.pending !== undefined;
  }

  /** Rejects with VnetError that says which step failed and what to do. */
  async reach(
    options: HubDiallerOptions,
    earlier: { vnetid: number; session: string },
  ): Promise<ReachedHub> {
    const attempt = ++this.attempt;
    try {
      return await this.greetOn(
        await this.secure(options, attempt),
        options,
        earlier,
      );
    } finally {
      if (attempt === this.attempt) this.pending = undefined;
    }
  }

  /** Nobody wants the hub any more: an attempt that waits for it fails now, and not after its deadline. Idempotent. */
  giveUp(): void {
    this.attempt++;
    this.pending?.destroy();
    this.pending = undefined;
  }

  private async greetOn(
    secured: SecureDuplex,
    options: HubDiallerOptions,
    earlier: { vnetid: number; session: string },
  ): Promise<ReachedHub> {
    const link = new ControlLink<ToNode, ToHub>({
      duplex: secured.duplex,
      decode: decodeToNode,
      heartbeat: {
        intervalMs: options.route.heartbeatIntervalMs,
        timeoutMs: options.route.heartbeatTimeoutMs,
      },
    });
    try {
      const hub = await greet(link, secured.binding, options, earlier);
      // While the hub's key was looked up nobody listened.
      if (!link.isOpen) throw new VnetError("closed", "the hub was lost");
      return { ...hub, link };
    } catch (error) {
      link.close(
        error instanceof VnetError
          ? error
          : new VnetError("closed", "the attempt failed"),
      );
      throw error;
    }
  }

  private async secure(
    options: HubDiallerOptions,
    attempt: number,
  ): Promise<SecureDuplex> {
    const { route } = options;
    const key = await this.linkKey(route.authkey);
    const socket = await dialHub(options);
    if (attempt !== this.attempt) {
      socket.destroy();
      throw new VnetError("closed", "the attempt was given up");
    }
    this.pending = socket;
    try {
      return await secureAsClient(
        socket,
        { identity: createKeyHint(key), psk: key.psk },
        HANDSHAKE_TIMEOUT_MS,
      );
    } catch (error) {
      if (!(error instanceof VnetError) || error.code !== "refused")
        throw error;
      const has = route.authkey === "" ? "has none" : "has one";
      throw new VnetError(
        "refused",
        `the hub does not take this node's authkey; [route] authkey must be the same on both (this node ${has}); the hub's log says why`,
        { cause: error },
      );
    }
  }

  /** Slow to derive, so once for each authkey. */
  private linkKey(authkey: string): Promise<LinkKey> {
    if (this.derived?.authkey !== authkey)
      this.derived = {
        authkey,
        key: createLinkKey(authkey === "" ? null : authkey),
      };
    return this.derived.key;
  }
}

/** Nothing is said before the hub has proved itself. */
async function greet(
  link: ControlLink<ToNode, ToHub>,
  binding: Buffer,
  options: HubDiallerOptions,
  earlier: { vnetid: number; session: string },
): Promise<TrustedHub> {
  const { route, name, group, guest, software, identity, encrypt } = options;
  const proof = await firstMessage(link);
  const trusted = await options.hubTrust.verify({
    address: addressKey(route.ip, route.port),
    pinned: route.fingerprint,
    proof,
    binding,
  });
  const shared = identity.agree(Buffer.from(proof.challenge, "base64"));
  link.send({
    type: "hello",
    ...OWN_ABILITIES,
    features: [...OWN_ABILITIES.features],
    software,
    name,
    group,
    guest,
    ...earlier,
    key: identity.publicKey.toString("base64"),
    proof: identityProof(shared, binding),
    encrypt,
  });
  return trusted;
}

function firstMessage(link: ControlLink<ToNode, ToHub>): Promise<HubProof> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      link.removeAllListeners();
    };
    const fail = (error: VnetError) => {
      stop();
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new VnetError("timeout", "the hub did not prove its key in time"));
    }, HANDSHAKE_TIMEOUT_MS);
    link.once("message", (message) => {
      stop();
      if (message.type === "proof") resolve(message);
      else if (message.type === "goodbye")
        reject(new VnetError("refused", message.reason));
      else reject(new VnetError("protocol", "the hub did not prove its key"));
    });
    link.once("close", fail);
    link.open();
  });
}
