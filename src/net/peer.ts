// The other end of a connection that somebody else opened: who counts as one, and how it is written in the log.

import type net from "node:net";
import { formatAddress } from "./address.js";

export interface Peer {
  /** an IP address, UNIX_ADDRESS, or `?` where it was gone before it could be asked */
  address: string;
  /** 0 where there is none */
  port: number;
}

/** Everybody who comes through a Unix socket; who that is the system does not tell. */
export const UNIX_ADDRESS = "unix";

export function peerOf(socket: net.Socket): Peer {
  const address = socket.remoteAddress ?? unknownAddress(socket);
  return {
    // A listener on `::` shows IPv4 addresses in the form of IPv6.
    address: address.replace(/^::ffff:(?=[0-9.]+$)/i, ""),
    port: socket.remotePort ?? 0,
  };
}

/** Of a TCP connection that is gone already at least our own end is known. */
function unknownAddress(socket: net.Socket): string {
  return socket.localPort === undefined ? UNIX_ADDRESS : "?";
}

/** `127.0.0.1:50412`, `[::1]:50412`, `unix` */
export function formatPeer({ address, port }: Peer): string {
  return port === 0 ? address : formatAddress(address, port);
}
