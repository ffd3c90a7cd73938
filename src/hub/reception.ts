// Finds out what a new connection is, and lets it prove it: a control link by TLS with one of our keys, a leg by its
// ticket. Who proves nothing in time, or stands in too large a crowd, is turned away.
//
//   connection ──first byte──→ TLS ──key──→ onControl
//                         └──→ vnet-leg, ticket ──→ onLeg

import type net from "node:net";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import { readFirstBytes } from "../net/first-bytes.js";
import { secureAsServer, TLS_FIRST_BYTE } from "../net/secure.js";
import {
  isLegPreamble,
  LEG_PREAMBLE_BYTES,
  TICKET_BYTES,
} from "../wire/preamble.js";
import { Gate, type GateLimits } from "./gate.js";
import type { KeyRing, KeyRingEntry } from "./key-ring.js";

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

export interface ReceptionOptions {
  keys: KeyRing;
  limits: GateLimits & { handshakeMs: number };
  log: Log;
  onControl: (arrival: ControlArrival) => void;
  /** False: unknown ticket; the leg is closed then. */
  onLeg: (ticket: string, leg: Duplex) => boolean;
}

export class Reception {
  private readonly gate: Gate;

  constructor(private readonly options: ReceptionOptions) {
    this.gate = new Gate(options.limits);
  }

  /** connections that have not proved anything yet */
  get size(): number {
    return this.gate.size;
  }

  async receive(socket: net.Socket): Promise<void> {
    const { log } = this.options;
    const address = socket.remoteAddress ?? "?";
    const from = `${address}:${socket.remotePort ?? 0}`;
    socket.on("error", (error) => {
      log.debug(`connection from ${from}: ${error.message}`);
    });
    socket.once("close", () => {
      this.gate.leave(socket);
    });
    this.gate.enter(socket, address);
    try {
      await this.identify(socket, address, from);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      // Turned away by the gate: one line each would be the attacker's gain.
      if (!socket.destroyed || error.code !== "closed")
        log.warn(`connection from ${from}: ${error.message}`);
      socket.destroy();
    }
  }

  close(): void {
    this.gate.close();
  }

  private async identify(
    socket: net.Socket,
    address: string,
    from: string,
  ): Promise<void> {
    const { handshakeMs } = this.options.limits;
    const first = await readFirstBytes(socket, 1, handshakeMs);
    socket.unshift(first);
    if (first[0] === TLS_FIRST_BYTE) {
      await this.receiveControl(socket, address, from);
      return;
    }
    const preamble = await readFirstBytes(
      socket,
      LEG_PREAMBLE_BYTES,
      handshakeMs,
    );
    if (!isLegPreamble(preamble)) throw new VnetError("protocol", "is no vnet");
    const ticket = await readFirstBytes(socket, TICKET_BYTES, handshakeMs);
    if (!this.options.onLeg(ticket.toString("hex"), socket))
      throw new VnetError("refused", "a leg with an unknown or expired ticket");
    this.gate.leave(socket);
  }

  private async receiveControl(
    socket: net.Socket,
    address: string,
    from: string,
  ): Promise<void> {
    const { keys, limits, onControl } = this.options;
    // Whoever guesses keys gets slower; what is right at once never notices.
    const delayMs = this.gate.delayMs(address);
    if (delayMs > 0)
      await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (socket.destroyed) return;
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
      onControl({ ...secured, entry, from, leaveGate });
    } catch (error) {
      if (!(error instanceof VnetError) || error.code !== "refused")
        throw error;
      this.gate.failed(address);
      throw new VnetError("refused", "does not have the authkey", {
        cause: error,
      });
    }
  }
}
