// Text from bytes, where nothing is guessed: what is not UTF-8 is refused, and told with the place of its first wrong byte.
// Pure; files and lines of standard input are read by it.

/** What files and terminals here are in when they are not in UTF-8. */
export const OTHER_ENCODINGS = "GBK or CP949 perhaps?";

/** What a decoder that refuses nothing puts in place of bytes that are not UTF-8. */
export const REPLACEMENT = "\ufffd";

/** Without a byte order mark; null: it is not UTF-8. */
export function strictText(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** Where the first character that is not UTF-8 begins; -1: all of it is UTF-8. */
export function firstBadByte(bytes: Uint8Array): number {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  for (let at = -1; ;) {
    at = text.indexOf(REPLACEMENT, at + 1);
    if (at < 0) return -1;
    // All before it was decoded as it is, so it has the same length in bytes.
    const offset = Buffer.byteLength(text.slice(0, at));
    const isItself =
      bytes[offset] === 0xef &&
      bytes[offset + 1] === 0xbf &&
      bytes[offset + 2] === 0xbd;
    if (!isItself) return offset;
  }
}

/** Whether a text begins with the byte order mark of UTF-16. */
export function isUtf16([first, second]: Uint8Array): boolean {
  return (
    (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)
  );
}
