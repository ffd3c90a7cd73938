// A value → its text in a file: the counterpart of what ini.ts reads. Pure.

// Spaces may stand inside; anything else that could mean something to the reader stands in quotes.
const PLAIN = /^[\p{L}\p{N}_./:@+%=,-]+(?: +[\p{L}\p{N}_./:@+%=,-]+)*$/u;

/** What stands behind `KEY = `, so that reading it gives `value` again. The value is printable text of one line. */
export function encodeValue(value: string): string {
  if (PLAIN.test(value)) return value;
  // Between quotes only the quote itself is special, and three of them at the start are refused.
  const quote = value.includes("'") && !value.startsWith('"') ? '"' : "'";
  return quote + value.replaceAll(quote, quote + quote) + quote;
}
