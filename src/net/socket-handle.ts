// Puts the handle of a socket, plain or TLS, into a new net.Socket that reads into buffers of ours. Node offers that
// (`onread`, see net.Socket) for sockets that it makes, not for those that a server accepted or that TLS wraps.
// This is the only file that touches a handle; a socket that does not look as expected is left as it is.

import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";

export interface OnRead {
  /** where the next read goes; asked for after each read */
  buffer: () => Buffer;
  /** False: no more reading for now. TLS still brings what it has decrypted. */
  callback: (bytes: number) => boolean;
}

export interface TakenSocket {
  /** paused */
  socket: net.Socket;
  isSecure: boolean;
  /** what the old one had read, and nobody had consumed */
  unread: Buffer | null;
  /** The next read goes there after all. */
  readInto: (buffer: Buffer) => void;
}

/** So long what a peer said before it reset may wait for whoever is to read it. */
const HEAR_OUT_MS = 5_000;

interface Handle {
  useUserBuffer?: (buffer: Buffer) => void;
  /** 0: it reads again */
  readStart(): number;
  onerror?: (error: Error) => void;
  /** TLS: the socket below */
  _parentWrap?: unknown;
}

type WithHandle = net.Socket & {
  _handle: Handle | null;
  /** TLS: the handle once more; with it Node frees OpenSSL's state */
  ssl?: Handle | null;
  _readableState?: { ended: boolean };
};

/** Null: this duplex cannot be read so, and nothing has happened to it. Else the old one is of no use any more. */
export function takeHandle(duplex: Duplex, onread: OnRead): TakenSocket | null {
  if (!(duplex instanceof net.Socket)) return null;
  const old = duplex as WithHandle;
  const { _handle: handle, readableLength } = old;
  const isSecure = old instanceof tls.TLSSocket;
  const isFit =
    typeof handle?.useUserBuffer === "function" &&
    !(old.destroyed || old.connecting || old.writableEnded) &&
    old.writableLength === 0 &&
    (!isSecure || isFitForTls(old, handle));
  if (!isFit) return null;
  old.pause();
  // All of it: without a number newer Nodes give one chunk at a time.
  const unread: unknown = readableLength > 0 ? old.read(readableLength) : null;
  // The old one's end must not close the handle, which is not its own any more.
  old._handle = null;
  if (isSecure) old.ssl = null;
  else old.destroy();
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread };
  const socket = new net.Socket(options);
  if (isSecure) becomeSecure(socket, handle, old);
  else hearOut(socket);
  const readInto = (buffer: Buffer) => {
    (socket as WithHandle)._handle?.useUserBuffer?.(buffer);
  };
  return { socket, isSecure, unread: unread as Buffer | null, readInto };
}

/**
 * From now on its `end` is a FIN. libuv says "end" also of a reset when bytes waited in front of it (EPOLLHUP after a
 * partial read), and half an answer would pass for a whole one. Read once more, the system says which it was.
 * Of what is not a plain socket it is true already, or not to be had.
 */
export function tellTrueEnd(duplex: Duplex): void {
  if (!(duplex instanceof net.Socket) || duplex instanceof tls.TLSSocket)
    return;
  const push = duplex.push.bind(duplex);
  let hasAsked = false;
  duplex.push = (chunk: unknown, encoding?: BufferEncoding) => {
    const { _handle: handle } = duplex as unknown as WithHandle;
    if (chunk !== null || hasAsked || handle === null)
      return push(chunk, encoding);
    hasAsked = true;
    return handle.readStart() === 0 ? false : push(null);
  };
}

/**
 * From now on what its peer said before it reset is read to the end, and the reset comes behind it. Node throws a socket
 * away at the first write that fails, with everything that waits unread in the kernel: the answer of a service that
 * closed while the request still came. Includes tellTrueEnd.
 */
export function hearOut(duplex: Duplex): void {
  tellTrueEnd(duplex);
  if (!(duplex instanceof net.Socket) || duplex instanceof tls.TLSSocket)
    return;
  let failure: Error | undefined;
  const fail = (cause: Error) => {
    failure = cause;
    const timer = setTimeout(() => duplex.destroy(cause), HEAR_OUT_MS);
    // It ended in good order before, and that is still to be told.
    duplex.once("end", () => duplex.destroy(cause));
    duplex.once("close", () => {
      clearTimeout(timer);
    });
  };
  // What is written into a connection that is broken leads nowhere; only its reader still has something to do.
  const outlive =
    (done: (error?: Error | null) => void) => (error?: Error | null) => {
      if (error == null || duplex.destroyed || duplex.readableEnded) {
        done(error);
        return;
      }
      if (failure === undefined) fail(error);
      done();
    };
  const write = duplex._write.bind(duplex);
  duplex._write = (chunk, encoding, done) => {
    if (failure === undefined) write(chunk, encoding, outlive(done));
    else done();
  };
  const writev = duplex._writev?.bind(duplex);
  if (writev !== undefined)
    duplex._writev = (chunks, done) => {
      if (failure === undefined) writev(chunks, outlive(done));
      else done();
    };
  const push = duplex.push.bind(duplex);
  duplex.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (chunk !== null || failure === undefined) return push(chunk, encoding);
    // The write has taken the error that this read would have brought.
    duplex.destroy(failure);
    return false;
  };
}

function isFitForTls(old: WithHandle, handle: Handle): boolean {
  // TLS tells of its end once (TCP, whenever it is read), and the old one has heard it.
  const hasEnded = old._readableState?.ended !== false;
  return !hasEnded && handle._parentWrap instanceof net.Socket;
}

/** What Node's own TLS socket does for its handle, as far as it matters after the handshake. */
function becomeSecure(
  socket: net.Socket,
  handle: Handle,
  old: net.Socket,
): void {
  (socket as WithHandle).ssl = handle;
  handle.onerror = (error) => {
    socket.destroy(error);
  };
  // The old one still hears of what the socket below suffers.
  old.on("error", (error) => socket.destroy(error));
  (handle._parentWrap as net.Socket).once("close", () => {
    socket.destroy();
  });
}
