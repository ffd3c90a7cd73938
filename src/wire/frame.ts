// Frames of the control link: a 4-byte big-endian length, then that many bytes of JSON in UTF-8.
// Knows nothing of what the JSON means, and nothing of sockets.

import { VnetError } from "../errors.js";

/** The hard cap of one frame's JSON, in bytes, for both directions. */
export const MAX_FRAME_BYTES = 64 * 1024;

const HEADER_BYTES = 4;

/** A peer that sends byte by byte must not make us hold a buffer object for each byte. */
const MAX_PARTS = 64;

/** Throws VnetError `protocol` when the message is too large to be sent. */
export function encodeFrame(message: object): Buffer {
  const json = JSON.stringify(message);
  const bytes = Buffer.byteLength(json);
  if (bytes > MAX_FRAME_BYTES)
    throw new VnetError(
      "protocol",
      `a message of ${bytes} bytes is over the limit of ${MAX_FRAME_BYTES}`,
    );
  const frame = Buffer.allocUnsafe(HEADER_BYTES + bytes);
  frame.writeUInt32BE(bytes);
  frame.write(json, HEADER_BYTES, "utf8");
  return frame;
}

/**
 * Cuts a sequence of bytes into messages, however the bytes were cut into chunks.
 * Holds at most one unfinished frame.
 */
export class FrameDecoder {
  private parts: Buffer[] = [];
  private heldBytes = 0;

  /** @param maxBytes of one frame's JSON; may be changed between two frames */
  constructor(public maxBytes = MAX_FRAME_BYTES) {}

  add(chunk: Buffer): void {
    this.parts.push(chunk);
    this.heldBytes += chunk.length;
    if (this.parts.length > MAX_PARTS) this.join();
  }

  /** The next message that is complete. Throws VnetError `protocol`; after that the decoder is of no more use. */
  next(): { value: unknown } | undefined {
    if (this.heldBytes < HEADER_BYTES) return undefined;
    const first = this.parts[0];
    // Joining is put off until there is a whole frame, so that a large one is copied once.
    const head =
      first !== undefined && first.length >= HEADER_BYTES ? first : this.join();
    const bytes = head.readUInt32BE();
    if (bytes > this.maxBytes)
      throw new VnetError(
        "protocol",
        `a frame of ${bytes} bytes is over the limit of ${this.maxBytes}`,
      );
    if (this.heldBytes < HEADER_BYTES + bytes) return undefined;
    const all = this.join();
    const end = HEADER_BYTES + bytes;
    const value = parse(all.toString("utf8", HEADER_BYTES, end));
    this.parts = all.length > end ? [all.subarray(end)] : [];
    this.heldBytes -= end;
    return { value };
  }

  /** Every message that is complete now. Throws as `next` does. */
  push(chunk: Buffer): unknown[] {
    this.add(chunk);
    const messages: unknown[] = [];
    for (;;) {
      const message = this.next();
      if (message === undefined) return messages;
      messages.push(message.value);
    }
  }

  private join(): Buffer {
    const first = this.parts[0];
    if (this.parts.length === 1 && first !== undefined) return first;
    const all = Buffer.concat(this.parts);
    this.parts = [all];
    return all;
  }
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch (cause) {
    throw new VnetError("protocol", "a frame holds no valid JSON", { cause });
  }
}
