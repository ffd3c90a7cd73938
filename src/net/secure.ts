// TLS 1.3 with an external pre-shared key and no certificate (RFC 8446, 2.2 and 4.2.11; psk_dhe_ke, so that keys that
// leak later open nothing that was recorded before). Wraps a connection that is there; opens none.

import { constants } from "node:crypto";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { VnetError } from "../errors.js";
import { isBoundWith } from "../keys/binder.js";
import { parseClientHello, type KeyOffer } from "../wire/client-hello.js";
import { networkReason } from "./address.js";
import { readFirst } from "./first-bytes.js";

const OPTIONS = {
  // The second name is what makes OpenSSL offer external keys at all; TLS 1.3 uses the first.
  ciphers: "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256",
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/**
 * No session is ever resumed: each connection proves the key anew. OpenSSL still names a session to the client, but with
 * that option the name stands for a session that nobody kept. One context for all, as making one is slow.
 */
const context = tls.createSecureContext(OPTIONS);

/** A fatal alert, handshake_failure (RFC 8446, 6.2): what OpenSSL says, too, where it knows no key. */
const HANDSHAKE_FAILURE = Buffer.from("15030300020228", "hex");

/** How long the other side has to take that. */
const DECLINE_TIMEOUT_MS = 1_000;

export interface SecureDuplex {
  duplex: Duplex;
  /** what is unique to this connection and the same at both ends (RFC 9266), 32 bytes */
  binding: Buffer;
}

/** The side that dialled. Rejects with VnetError `refused` when the keys differ, `closed` or `timeout`. */
export function secureAsClient(
  socket: Duplex,
  key: { identity: string; psk: Buffer },
  timeoutMs: number,
): Promise<SecureDuplex> {
  const secured = tls.connect({
    ...OPTIONS,
    socket,
    secureContext: context,
    pskCallback: () => key,
    // Never reached: without a pre-shared key the connection is refused below.
    checkServerIdentity: () => new Error("a certificate is not wanted"),
  });
  return established(secured, socket, "secureConnect", timeoutMs);
}

/**
 * The side that was dialled, first step: what the client says of its key. Nothing is taken, and there is no TLS yet.
 * Rejects with VnetError `protocol` as soon as what comes is no ClientHello of ours, `closed` or `timeout`.
 */
export function readKeyOffer(
  socket: Duplex,
  timeoutMs: number,
): Promise<KeyOffer> {
  return readFirst(socket, parseClientHello, timeoutMs);
}

/** Whether the client has shown that it has this key. Somebody who repeats what it recorded shows that, too. */
export function provesKey(offer: KeyOffer, psk: Buffer): boolean {
  return isBoundWith(psk, offer.bound, offer.binder);
}

/** The second step: the handshake, with the key that the client has shown to have. Rejects as secureAsClient does. */
export function acceptKeyOffer(
  socket: Duplex,
  psk: Buffer,
  timeoutMs: number,
): Promise<SecureDuplex> {
  const secured = new tls.TLSSocket(socket, {
    ...OPTIONS,
    isServer: true,
    secureContext: context,
    pskCallback: () => psk,
  } as tls.TLSSocketOptions);
  return established(secured, socket, "secure", timeoutMs);
}

/** Or the answer to a client without it, and the end. */
export function declineKeyOffer(socket: Duplex): void {
  socket.on("error", () => undefined);
  const timer = setTimeout(() => {
    socket.destroy();
  }, DECLINE_TIMEOUT_MS);
  socket.once("close", () => {
    clearTimeout(timer);
  });
  socket.end(HANDSHAKE_FAILURE, () => {
    socket.destroy();
  });
}

/**
 * All of it, for the side that was dialled. Rejects as secureAsClient does.
 * @param findKey the key for what the client says, or null to refuse it
 */
export async function secureAsServer(
  socket: Duplex,
  findKey: (identity: string) => Buffer | null,
  timeoutMs: number,
): Promise<SecureDuplex> {
  let psk: Buffer | null;
  try {
    const offer = await readKeyOffer(socket, timeoutMs);
    psk = findKey(offer.identity);
    if (psk !== null && !provesKey(offer, psk)) psk = null;
  } catch (error) {
    socket.on("error", () => undefined);
    socket.destroy();
    throw error;
  }
  if (psk !== null) return acceptKeyOffer(socket, psk, timeoutMs);
  declineKeyOffer(socket);
  throw keysDiffer();
}

function established(
  secured: tls.TLSSocket,
  socket: Duplex,
  event: "secureConnect" | "secure",
  timeoutMs: number,
): Promise<SecureDuplex> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      secured.off("end", closed);
      secured.off("close", closed);
      secured.off("error", failed);
    };
    const fail = (error: VnetError) => {
      stop();
      secured.on("error", () => undefined);
      socket.on("error", () => undefined);
      secured.destroy();
      socket.destroy();
      reject(error);
    };
    const failed = (cause: NodeJS.ErrnoException) => {
      // What has shown a certificate is a web server, say.
      const isOther = secured.authorizationError != null;
      fail(isOther ? noVnet(OF_CERTIFICATE, cause) : handshakeError(cause));
    };
    const closed = () => {
      fail(new VnetError("closed", "closed during the handshake"));
    };
    const timer = setTimeout(() => {
      const text = `no handshake within ${timeoutMs / 1000} s`;
      fail(new VnetError("timeout", text));
    }, timeoutMs);
    secured.on("error", failed);
    // A half-open socket does not close by itself when its other side ends within the handshake.
    secured.on("end", closed);
    secured.on("close", closed);
    secured.once(event, () => {
      // Anything but the key that we meant would show itself by a session that is no "reused" one.
      if (!secured.isSessionReused() || secured.getProtocol() !== "TLSv1.3") {
        fail(new VnetError("refused", "the other side did not use our key"));
        return;
      }
      stop();
      resolve({
        duplex: secured,
        binding: secured.exportKeyingMaterial(
          32,
          "EXPORTER-Channel-Binding",
          Buffer.alloc(0),
        ),
      });
    });
  });
}

/** OpenSSL's words for: what answers speaks no TLS at all, or another version of it. */
const NOT_OURS =
  /WRONG_VERSION_NUMBER|PACKET_LENGTH|UNEXPECTED_MESSAGE|UNSUPPORTED_PROTOCOL|RECORD_TOO|HTTP_REQUEST/;

function handshakeError(cause: NodeJS.ErrnoException): VnetError {
  const code = cause.code ?? "";
  if (!code.startsWith("ERR_SSL_"))
    return new VnetError("closed", networkReason(cause), { cause });
  if (NOT_OURS.test(code)) return noVnet("", cause);
  return keysDiffer(cause);
}

const OF_CERTIFICATE =
  "; it speaks TLS with a certificate, as web servers do (see ip= and port=)";

function noVnet(why: string, cause: unknown): VnetError {
  return new VnetError("protocol", `what answers there is no vnet${why}`, {
    cause,
  });
}

function keysDiffer(cause?: unknown): VnetError {
  return new VnetError("refused", "the keys do not match", { cause });
}
