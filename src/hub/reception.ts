// Finds out what a new connection is, and lets it prove it: a control link by TLS with one of our keys, a leg by its
// ticket. Who proves nothing in time, or stands in too large a crowd, is turned away.
//
//   connection ──(PROXY header)──(CONNECT line)──first bytes──→ TLS ──key──→ onControl
//                where the hub asks for them           ├──→ vnet-leg, ticket ──→ onLeg
//                                                      └──→ others, or silence ──→ onPlain

import type { Duplex } from "node:stream";
import { count } from "../count.js";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import { BoundedLog } from "../net/bounded-log.js";
import { readFirst, readFirstBytes } from "../net/first-bytes.js";
import { formatPeer, UNIX_ADDRESS, type Peer } from "../net/peer.js";
import { secureAsServer, TLS_FIRST_BYTE } from "../net/secure.js";
import { encodeConnectAnswer, parseConnectLine } from "../wire/connect-line.js";
import {
  isLegPreamble,
  LEG_PREAMBLE_BYTES,
  mayBecomeLeg,
  TICKET_BYTES,
} from "../wire/preamble.js";
import { parseProxyHeader } from "../wire/proxy-header.js";
import { Gate, type GateLimits } from "./gate.js";
import type { KeyRing, KeyRingEntry } from "./key-ring.js";
import type { Shortage } from "./shortage.js";

export interface ControlArrival {
  duplex: Duplex;
  /** what is unique to its TLS connection (RFC 9266) */
  binding: Buffer;
  entry: KeyRingEntry;
  /** address and port, for the log */
  from: string;
  /** to be called when its node has proved its identity, or it is gone */
  leaveGate: () => void;
}

/** What connections begin with at this hub, besides what they are. */
export interface Prelude {
  /** a PROXY header, of which the address counts for limits and the log */
  proxyProtocol?: boolean;
  /** a line `CONNECT PORT`, as dialled through a hybrid vsock socket; behind the PROXY header */
  connectLine?: boolean;
}

export interface ReceptionOptions extends Prelude {
  keys: KeyRing;
  limits: GateLimits & { handshakeMs: number };
  log: Log;
  shortage: Shortage;
  onControl: (arrival: ControlArrival) => void;
  /** False: unknown ticket; the leg is closed then. */
  onLeg: (ticket: string, leg: Duplex) => boolean;
  /** Takes over what is no vnet, all its bytes unread. Without it, that is turned away. */
  onPlain?: (connection: Duplex, peer: Peer) => void;
}

/** The hub itself, at the far end of a connection within this process. */
export const OWN_PEER: Peer = { address: "the hub itself", port: 0 };

/** Who has said nothing by then waits for the service to speak first (SSH, SMTP): nodes speak at once. */
const SILENCE_MS = 1_000;

/** More than a client may say before it is answered: one TLS record (RFC 8446, 5.1). */
const HELLO_MAX_BYTES = 5 + 16_384;

type Kind = "control" | "leg" | "plain";

export class Reception {
  private readonly gate: Gate;
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
    if (shortage.isThere()) this.gate.makeRoom(connection);
    try {
      from = await this.readProxyHeader(connection, peer);
      await this.readConnectLine(connection, from);
      await this.identify(connection, from);
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

  /** Turns everybody away who has proved nothing, and everybody from now on. */
  close(): void {
    this.isClosed = true;
    this.gate.close();
    this.complaints.close();
  }

  /** Until it is there, the connection counts for the proxy, which has half of all places: see the gate. */
  private async readProxyHeader(socket: Duplex, peer: Peer): Promise<Peer> {
    const { proxyProtocol, limits } = this.options;
    if (proxyProtocol !== true || peer === OWN_PEER) return peer;
    const source = await readFirst(
      socket,
      parseProxyHeader,
      limits.handshakeMs,
    );
    if (source === null) return peer;
    this.gate.moveTo(socket, source.address);
    return source;
  }

  private async readConnectLine(socket: Duplex, peer: Peer): Promise<void> {
    const { connectLine, limits } = this.options;
    if (connectLine !== true || peer === OWN_PEER) return;
    const port = await readFirst(socket, parseConnectLine, limits.handshakeMs);
    socket.write(encodeConnectAnswer(port));
  }

  private async identify(socket: Duplex, peer: Peer): Promise<void> {
    const onPlain = peer === OWN_PEER ? undefined : this.options.onPlain;
    const kind = await (onPlain === undefined
      ? this.kindOf(socket)
      : this.kindOrPlain(socket));
    if (kind === "control") await this.receiveControl(socket, peer);
    else if (kind === "leg") await this.receiveLeg(socket);
    else if (onPlain === undefined)
      throw new VnetError("protocol", "is no vnet");
    else if (this.options.shortage.isThere()) socket.destroy();
    else {
      this.gate.leave(socket);
      onPlain(socket, peer);
    }
  }

  private kindOf(socket: Duplex): Promise<Kind> {
    const { handshakeMs } = this.options.limits;
    return readFirst(socket, judgeKind, handshakeMs);
  }

  /** As soon as it can be neither of ours it is plain; nothing is taken from it. */
  private async kindOrPlain(socket: Duplex): Promise<Kind> {
    const { handshakeMs } = this.options.limits;
    try {
      await readFirst(
        socket,
        () => ({ value: null, bytes: 0 }),
        Math.min(SILENCE_MS, handshakeMs),
      );
      return await this.kindOf(socket);
    } catch (error) {
      if (!(error instanceof VnetError) || socket.destroyed) throw error;
      // Silence, or an end behind bytes that were the beginning of nothing.
      if (error.code === "timeout" || socket.readableLength > 0) return "plain";
      throw error;
    }
  }

  private async receiveLeg(socket: Duplex): Promise<void> {
    const { limits, onLeg } = this.options;
    await readFirstBytes(socket, LEG_PREAMBLE_BYTES, limits.handshakeMs);
    const ticket = await readFirstBytes(
      socket,
      TICKET_BYTES,
      limits.handshakeMs,
    );
    if (!onLeg(ticket.toString("hex"), socket))
      throw new VnetError("refused", "a leg with an unknown or expired ticket");
    this.gate.leave(socket);
  }

  private async receiveControl(socket: Duplex, peer: Peer): Promise<void> {
    const { keys, limits, onControl } = this.options;
    this.gate.beginHandshake(socket, crowdOf(peer));
    // Whoever guesses keys gets slower; what is right at once never notices.
    const delayMs = this.gate.delayMs(peer.address);
    if (delayMs > 0) await letWait(socket, delayMs);
    let entry: KeyRingEntry | undefined;
    const findKey = (hint: string): Buffer | null => {
      entry = keys.find(hint);
      return entry?.key.psk ?? null;
    };
    try {
      const secured = await secureAsServer(socket, findKey, limits.handshakeMs);
      if (entry === undefined) throw new Error("no key, yet a handshake");
      const leaveGate = () => {
        this.gate.leave(socket);
      };
      onControl({ ...secured, entry, from: formatPeer(peer), leaveGate });
    } catch (error) {
      if (!(error instanceof VnetError) || error.code !== "refused")
        throw error;
      this.gate.failed(peer.address);
      throw new VnetError("refused", "does not have the authkey", {
        cause: error,
      });
    }
  }
}

/** Behind a Unix socket may stand a proxy or a machine's whole household, and its address would be one for all. */
function crowdOf({ address }: Peer): string | undefined {
  const isOfMany = [UNIX_ADDRESS, OWN_PEER.address].includes(address);
  return isOfMany ? undefined : address;
}

/** Rejects with VnetError `closed` when it goes meanwhile: TLS would not notice an end that came before it began. */
async function letWait(socket: Duplex, delayMs: number): Promise<void> {
  try {
    await readFirst(socket, waitForEnd, delayMs);
  } catch (error) {
    if (!(error instanceof VnetError) || error.code !== "timeout") throw error;
  }
}

function waitForEnd(head: Buffer): null {
  if (head.length <= HELLO_MAX_BYTES) return null;
  throw new VnetError("protocol", "says too much before its handshake");
}

function judgeKind(head: Buffer): { value: Kind; bytes: 0 } | null {
  if (head[0] === TLS_FIRST_BYTE) return { value: "control", bytes: 0 };
  if (!mayBecomeLeg(head)) return { value: "plain", bytes: 0 };
  const isLeg = isLegPreamble(head.subarray(0, LEG_PREAMBLE_BYTES));
  return isLeg ? { value: "leg", bytes: 0 } : null;
}
