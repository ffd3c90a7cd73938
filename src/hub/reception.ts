// Finds out what a new connection is, and lets it prove it: a control link by one of our keys, a leg by its ticket.
// Who proves nothing in time, or stands in too large a crowd, is turned away.
//
//   connection ──(PROXY header)──(CONNECT line)──first bytes──→ ClientHello with a key of ours ──TLS──→ onControl
//                where the hub asks for them           ├──→ vnet-leg, ticket ──→ onLeg
//                                                      └──→ others, or silence ──→ onPlain

import type { Duplex } from "node:stream";
import { count } from "../count.js";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import { BoundedLog } from "../net/bounded-log.js";
import { networkOf } from "../net/address.js";
import { readFirst, readFirstBytes } from "../net/first-bytes.js";
import type { Networks } from "../net/networks.js";
import { formatPeer, UNIX_ADDRESS, type Peer } from "../net/peer.js";
import {
  acceptKeyOffer,
  declineKeyOffer,
  provesKey,
  readKeyOffer,
} from "../net/secure.js";
import { isHint } from "../keys/psk.js";
import {
  CLIENT_HELLO_MAX_BYTES,
  TLS_FIRST_BYTE,
  type KeyOffer,
} from "../wire/client-hello.js";
import { encodeConnectAnswer, parseConnectLine } from "../wire/connect-line.js";
import { describeStranger } from "../wire/stranger.js";
import {
  isLegPreamble,
  LEG_PREAMBLE_BYTES,
  mayBecomeLeg,
  TICKET_BYTES,
} from "../wire/preamble.js";
import {
  beginsWithProxyHeader,
  parseProxyHeader,
} from "../wire/proxy-header.js";
import { Gate, type GateLimits } from "./gate.js";
import type { KeyRing, KeyRingEntry } from "./key-ring.js";
import type { Shortage } from "./shortage.js";
import { UsedHints } from "./used-hints.js";

export interface ControlArrival {
  duplex: Duplex;
  /** what is unique to its TLS connection (RFC 9266) */
  binding: Buffer;
  entry: KeyRingEntry;
  /** address and port, for the log */
  from: string;
  /** its network, see networkOf; empty: that of nobody in particular */
  crowd: string;
  /** a node of the hub itself */
  isOwn: boolean;
  /** to be called when its node has proved its identity, or it is gone */
  leaveGate: () => void;
}

/** What connections begin with at this hub, besides what they are. */
export interface Prelude {
  /** from these addresses, and from a Unix socket, a PROXY header, of which the address counts for limits and the log */
  proxyFrom?: Networks;
  /** a line `CONNECT PORT`, as dialled through a hybrid vsock socket; behind the PROXY header */
  connectLine?: boolean;
}

export interface ReceptionOptions extends Prelude {
  keys: KeyRing;
  limits: GateLimits & { handshakeMs: number };
  log: Log;
  shortage: Shortage;
  onControl: (arrival: ControlArrival) => void;
  /**
   * False: unknown ticket; the leg is closed then.
   * @param hasRoom false: there is no descriptor for it
   */
  onLeg: (ticket: string, leg: Duplex, hasRoom: boolean) => boolean;
  /** Takes over what is no vnet, all its bytes unread. Without it, that is turned away. */
  onPlain?: (connection: Duplex, peer: Peer) => void;
}

/** The hub itself, at the far end of a connection within this process. */
export const OWN_PEER: Peer = { address: "the hub itself", port: 0 };

/** Who has said nothing by then waits for the service to speak first (SSH, SMTP): nodes speak at once. */
const SILENCE_MS = 1_000;

type Kind = "control" | "leg" | "plain";
type Judge = (head: Buffer) => { value: Kind; bytes: 0 } | null;

const NOT_THE_KEY =
  "does not have the authkey (its authkey= is another one than this hub's, or it has none)";

/** Whoever has none at all comes in there. */
const HUB_HAS_NONE =
  "has an authkey, and this hub has none of its own; write the same authkey= on both, or none";

/** Who has proved nothing for this long makes room for a channel between nodes. A leg needs milliseconds. */
const STRANGER_MS = 1_000;

export class Reception {
  private readonly gate: Gate;
  private readonly usedHints = new UsedHints();
  private readonly complaints: BoundedLog;
  private isClosed = false;

  constructor(private readonly options: ReceptionOptions) {
    this.gate = new Gate(options.limits);
    this.complaints = new BoundedLog({
      ...{ log: options.log, perSecond: 5, burst: 10 },
      sum: (n) => `${count(n, "more connection")} that came to nothing`,
    });
  }

  /** connections that have not proved anything yet */
  get size(): number {
    return this.gate.size;
  }

  async receive(connection: Duplex, peer: Peer): Promise<void> {
    const { log, shortage } = this.options;
    let from = peer;
    connection.on("error", (error) => {
      log.debug({
        who: `connection from ${formatPeer(from)}`,
        what: "broke",
        why: error.message,
      });
    });
    if (this.isClosed || connection.destroyed) {
      connection.destroy();
      return;
    }
    connection.once("close", () => {
      this.gate.leave(connection);
    });
    this.gate.enter(connection, crowdOf(peer));
    const hasRoom = !shortage.isThere() || this.gate.makeRoom(connection);
    try {
      const isProxied = this.comesThroughProxy(peer);
      if (isProxied) from = await this.readProxyHeader(connection, peer);
      await this.readConnectLine(connection, from);
      const isDirect = !isProxied && this.options.proxyFrom !== undefined;
      const judge = isDirect ? judgeDirect : judgeKind;
      await this.identify(connection, from, { judge, hasRoom });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      // Turned away by the gate: one line each would be the attacker's gain.
      if (!connection.destroyed || error.code !== "closed")
        this.complaints.warn({
          who: `connection from ${formatPeer(from)}`,
          what: "was turned away",
          why: error.message,
        });
      connection.destroy();
    }
  }

  /** There is hardly a descriptor left: somebody who has proved nothing goes. False: there is nobody. */
  makeRoom(): boolean {
    return this.gate.makeRoom(undefined, STRANGER_MS);
  }

  /** Turns everybody away who has proved nothing, and everybody from now on. */
  close(): void {
    this.isClosed = true;
    this.gate.close();
    this.complaints.close();
  }

  /** Until it is there, the connection counts for the proxy, which has half of all places: see the gate. */
  private async readProxyHeader(socket: Duplex, peer: Peer): Promise<Peer> {
    const { handshakeMs } = this.options.limits;
    const source = await readFirst(socket, parseProxyHeader, handshakeMs);
    if (source === null) return peer;
    this.gate.moveTo(socket, source.address);
    return source;
  }

  /** Whether that is one who says for whom it speaks. */
  private comesThroughProxy({ address }: Peer): boolean {
    const { proxyFrom } = this.options;
    if (proxyFrom === undefined || address === OWN_PEER.address) return false;
    return address === UNIX_ADDRESS || proxyFrom.has(address);
  }

  private async readConnectLine(socket: Duplex, peer: Peer): Promise<void> {
    const { connectLine, limits } = this.options;
    if (connectLine !== true || peer === OWN_PEER) return;
    const port = await readFirst(socket, parseConnectLine, limits.handshakeMs);
    socket.write(encodeConnectAnswer(port));
  }

  private async identify(
    socket: Duplex,
    peer: Peer,
    { judge, hasRoom }: { judge: Judge; hasRoom: boolean },
  ): Promise<void> {
    const onPlain = peer === OWN_PEER ? undefined : this.options.onPlain;
    const kind = await (onPlain === undefined
      ? this.kindOf(socket, judge)
      : this.kindOrPlain(socket, judge));
    if (kind === "leg") {
      await this.receiveLeg(socket, hasRoom);
      return;
    }
    const offer = kind === "control" ? await this.readOffer(socket) : null;
    // Others have keys of another form: those of a session that they had before.
    if (offer !== null && isHint(offer.identity))
      await this.receiveControl(socket, peer, offer);
    else if (onPlain === undefined)
      throw new VnetError("protocol", `is no vnet: ${strangerOf(socket)}`);
    else if (this.options.shortage.isThere()) socket.destroy();
    else {
      this.gate.leave(socket);
      onPlain(socket, peer);
    }
  }

  private async kindOf(socket: Duplex, judge: Judge): Promise<Kind> {
    const { handshakeMs } = this.options.limits;
    try {
      return await readFirst(socket, judge, handshakeMs);
    } catch (error) {
      const isSilent =
        error instanceof VnetError &&
        error.code === "timeout" &&
        socket.readableLength === 0;
      throw isSilent ? silence(handshakeMs) : error;
    }
  }

  /** As soon as it can be neither of ours it is plain; nothing is taken from it. */
  private async kindOrPlain(socket: Duplex, judge: Judge): Promise<Kind> {
    const { handshakeMs } = this.options.limits;
    try {
      await readFirst(
        socket,
        () => ({ value: null, bytes: 0 }),
        Math.min(SILENCE_MS, handshakeMs),
      );
      return await this.kindOf(socket, judge);
    } catch (error) {
      if (!(error instanceof VnetError) || socket.destroyed) throw error;
      // Silence, or an end behind bytes that were the beginning of nothing.
      if (error.code === "protocol") throw error;
      if (error.code === "timeout" || socket.readableLength > 0) return "plain";
      throw error;
    }
  }

  /** Null: it is TLS, but none of ours: a user's. */
  private async readOffer(socket: Duplex): Promise<KeyOffer | null> {
    try {
      return await readKeyOffer(socket, this.options.limits.handshakeMs);
    } catch (error) {
      if (error instanceof VnetError && error.code === "protocol") return null;
      // Whoever leaves within its handshake leaves no word in the log.
      socket.destroy();
      throw error;
    }
  }

  private async receiveLeg(socket: Duplex, hasRoom: boolean): Promise<void> {
    const { limits, onLeg } = this.options;
    await readFirstBytes(socket, LEG_PREAMBLE_BYTES, limits.handshakeMs);
    const ticket = await readFirstBytes(
      socket,
      TICKET_BYTES,
      limits.handshakeMs,
    );
    if (!onLeg(ticket.toString("hex"), socket, hasRoom))
      throw new VnetError("refused", "a leg with an unknown or expired ticket");
    this.gate.leave(socket);
  }

  private async receiveControl(
    socket: Duplex,
    peer: Peer,
    offer: KeyOffer,
  ): Promise<void> {
    const { keys, limits, onControl } = this.options;
    const entry = keys.find(offer.identity);
    // Both are asked of each, so that the answer to a hint without its key is no quicker.
    const isProved = provesKey(offer, entry?.key.psk ?? NO_KEY);
    if (entry === undefined || !isProved) {
      await this.decline(
        socket,
        peer,
        keys.hasOwn ? NOT_THE_KEY : HUB_HAS_NONE,
      );
      return;
    }
    if (!this.usedHints.use(offer.identity)) {
      await this.decline(socket, peer, "repeats somebody's handshake");
      return;
    }
    this.gate.beginHandshake(socket, crowdOf(peer));
    const secured = await acceptKeyOffer(
      socket,
      entry.key.psk,
      limits.handshakeMs,
    );
    const leaveGate = () => {
      this.gate.leave(socket);
    };
    const address = crowdOf(peer);
    onControl({
      ...secured,
      entry,
      from: formatPeer(peer),
      crowd: address === undefined ? "" : networkOf(address),
      isOwn: peer === OWN_PEER,
      leaveGate,
    });
  }

  /** Whoever guesses keys gets slower; who has one does not notice. */
  private async decline(
    socket: Duplex,
    peer: Peer,
    why: string,
  ): Promise<void> {
    const who = `connection from ${formatPeer(peer)}`;
    this.complaints.warn({ who, what: "was turned away", why });
    const delayMs = this.gate.fail(socket, crowdOf(peer));
    if (await staysSilent(socket, delayMs)) declineKeyOffer(socket);
    else socket.destroy();
  }
}

/** Of one that is turned away: its bytes are of no other use. */
function strangerOf(socket: Duplex): string {
  const head = socket.read(socket.readableLength) as Buffer | null;
  return describeStranger(head ?? Buffer.alloc(0));
}

function silence(ms: number): VnetError {
  const text = `said nothing within ${ms / 1000} s; nodes speak at once, so it may wait for a service that speaks first (SSH, MySQL), which is here only behind a public port ([public.X]) with the hub's own ip= and port=`;
  return new VnetError("timeout", text);
}

/** Nobody's. */
const NO_KEY = Buffer.alloc(32);

/** Behind a Unix socket may stand a proxy or a machine's whole household, and its address would be one for all. */
function crowdOf({ address }: Peer): string | undefined {
  const isOfMany = [UNIX_ADDRESS, OWN_PEER.address].includes(address);
  return isOfMany ? undefined : address;
}

/** Resolves false as soon as it goes, or says more than a ClientHello. */
async function staysSilent(socket: Duplex, delayMs: number): Promise<boolean> {
  try {
    await readFirst(socket, waitForEnd, delayMs);
  } catch (error) {
    if (!(error instanceof VnetError)) throw error;
    return error.code === "timeout";
  }
  return false;
}

function waitForEnd(head: Buffer): null {
  if (head.length <= CLIENT_HELLO_MAX_BYTES) return null;
  throw new VnetError("protocol", "says too much before its handshake");
}

/** Of one who comes directly where others come through a proxy: nobody chooses an address. */
function judgeDirect(head: Buffer): { value: Kind; bytes: 0 } | null {
  const begins = beginsWithProxyHeader(head);
  if (begins === false) return judgeKind(head);
  if (begins === null) return null;
  throw new VnetError(
    "protocol",
    "sent a PROXY header, and its address is not in [route] proxy_from=, where the proxies in front of this hub are",
  );
}

function judgeKind(head: Buffer): { value: Kind; bytes: 0 } | null {
  if (head[0] === TLS_FIRST_BYTE) return { value: "control", bytes: 0 };
  if (!mayBecomeLeg(head)) return { value: "plain", bytes: 0 };
  const isLeg = isLegPreamble(head.subarray(0, LEG_PREAMBLE_BYTES));
  return isLeg ? { value: "leg", bytes: 0 } : null;
}
