// The first record of a TLS connection, as a client of ours sends it: one ClientHello that offers one external
// pre-shared key (RFC 8446, 4.1.2 and 4.2.11). Looks at bytes only, so that no TLS object is made for anything else.

import { VnetError } from "../errors.js";

/** The first byte of a TLS connection: a handshake record (RFC 8446, 5.1). */
export const TLS_FIRST_BYTE = 0x16;

/** Ours have some 310 bytes, 1,530 where the client's OpenSSL offers X25519MLKEM768 as well. */
export const CLIENT_HELLO_MAX_BYTES = 4_096;

export interface KeyOffer {
  /** what the client says of the key that it means */
  identity: string;
  /** the client's proof that it has that key, 32 bytes */
  binder: Buffer;
  /** what the binder is made of: the handshake message up to where the binders begin */
  bound: Buffer;
}

const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const CLIENT_HELLO = 1;
const RANDOM_BYTES = 32;
const BINDER_BYTES = 32;
const PRE_SHARED_KEY = 41;
const SERVER_NAME = 0;
const SUPPORTED_VERSIONS = 43;
const TLS_1_3 = 0x0304;
/** of a DNS name (RFC 6066, 3) */
const SERVER_NAME_MAX_BYTES = 255;

/** What a ClientHello that is none of ours says of its sender. */
export interface TlsHello {
  /** It does not offer TLS 1.3. */
  isOld: boolean;
  /** whom it means to speak to; empty: it does not say */
  serverName: string;
}

/** Null where it is no ClientHello, or not whole: one that is cut into records counts as not whole. */
export function readTlsHello(head: Buffer): TlsHello | null {
  try {
    const start = RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES;
    if (head[0] !== TLS_FIRST_BYTE) return null;
    if (head[RECORD_HEADER_BYTES] !== CLIENT_HELLO) return null;
    const until = start + (head.readUInt32BE(RECORD_HEADER_BYTES) & 0xffffff);
    const fields = new Fields(head.subarray(0, until), start);
    takeBeforeExtensions(fields);
    let [isOld, serverName] = [true, ""];
    // Before TLS 1.3 they may be missing.
    const extensions = fields.isAtEnd ? fields : fields.takeVector(2);
    while (!extensions.isAtEnd) {
      const type = extensions.takeNumber(2);
      const body = extensions.takeVector(2);
      if (type === SERVER_NAME) serverName = readServerName(body);
      if (type === SUPPORTED_VERSIONS) isOld = !readVersions(body);
    }
    return { isOld, serverName };
  } catch (error) {
    if (error instanceof VnetError || error instanceof RangeError) return null;
    throw error;
  }
}

/** Version, random, session id, cipher suites, compression methods. */
function takeBeforeExtensions(fields: Fields): void {
  fields.take(2 + RANDOM_BYTES);
  fields.takeVector(1);
  fields.takeVector(2);
  fields.takeVector(1);
}

/** The first name; there is one kind of them, 0. */
function readServerName(body: Fields): string {
  const names = body.takeVector(2);
  names.take(1);
  const name = names.takeVector(2).rest();
  return name.length > SERVER_NAME_MAX_BYTES ? "" : name.toString("latin1");
}

/** Whether TLS 1.3 is among them. */
function readVersions(body: Fields): boolean {
  const versions = body.takeVector(1);
  while (!versions.isAtEnd) if (versions.takeNumber(2) === TLS_1_3) return true;
  return false;
}

/** Null while more has to come. Throws VnetError `protocol` as soon as it can become no ClientHello of ours. */
export function parseClientHello(
  head: Buffer,
): { value: KeyOffer; bytes: 0 } | null {
  if (head[0] !== undefined && head[0] !== TLS_FIRST_BYTE) throw notOurs();
  if (head[1] !== undefined && head[1] !== 3) throw notOurs();
  if (head.length < RECORD_HEADER_BYTES) return null;
  const end = RECORD_HEADER_BYTES + head.readUInt16BE(3);
  if (end > CLIENT_HELLO_MAX_BYTES) throw notOurs();
  if (head.length >= RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES) {
    const bytes = head.readUInt32BE(RECORD_HEADER_BYTES);
    // The whole message, and nothing else: none that goes on in a further record.
    const isWhole =
      RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES + (bytes & 0xffffff) === end;
    if (bytes >>> 24 !== CLIENT_HELLO || !isWhole) throw notOurs();
  }
  if (head.length < end) return null;
  const message = head.subarray(RECORD_HEADER_BYTES, end);
  return { value: readMessage(message), bytes: 0 };
}

function readMessage(message: Buffer): KeyOffer {
  const fields = new Fields(message, MESSAGE_HEADER_BYTES);
  takeBeforeExtensions(fields);
  const extensions = fields.takeVector(2);
  fields.end();
  while (!extensions.isAtEnd) {
    const type = extensions.takeNumber(2);
    const body = extensions.takeVector(2);
    if (type !== PRE_SHARED_KEY) continue;
    // It is the last one, as its binders are over everything before them.
    extensions.end();
    return readKeyOffer(message, body);
  }
  throw notOurs();
}

function readKeyOffer(message: Buffer, body: Fields): KeyOffer {
  const identities = body.takeVector(2);
  const identity = identities.takeVector(2).rest();
  // Its age, which external keys do not have.
  identities.take(4);
  identities.end();
  const bound = message.subarray(0, body.at);
  const binders = body.takeVector(2);
  const binder = binders.takeVector(1).rest();
  binders.end();
  body.end();
  if (binder.length !== BINDER_BYTES) throw notOurs();
  return { identity: identity.toString("latin1"), binder, bound };
}

/** Fields of a TLS message, one after the other (RFC 8446, 3.4). Throws where they do not fit. */
class Fields {
  constructor(
    private readonly bytes: Buffer,
    /** where the next one begins */
    public at: number,
    private readonly until = bytes.length,
  ) {}

  get isAtEnd(): boolean {
    return this.at === this.until;
  }

  take(count: number): Buffer {
    if (this.at + count > this.until) throw notOurs();
    return this.bytes.subarray(this.at, (this.at += count));
  }

  takeNumber(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  /** @param lengthBytes of the length in front of it */
  takeVector(lengthBytes: number): Fields {
    const count = this.takeNumber(lengthBytes);
    const from = this.at;
    this.take(count);
    return new Fields(this.bytes, from, this.at);
  }

  rest(): Buffer {
    return this.take(this.until - this.at);
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.isAtEnd) throw notOurs();
  }
}

function notOurs(): VnetError {
  return new VnetError("protocol", "what speaks there is no vnet");
}
