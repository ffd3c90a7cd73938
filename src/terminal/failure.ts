// What is told of a command that failed, line by line. Pure.

import type { VnetError } from "../errors.js";
import { printable } from "../printable.js";

/** One line; of a configuration one for each of its mistakes. */
export function failureLines({ code, message }: VnetError): string[] {
  // Elsewhere a line end is foreign, and written out.
  const lines = code === "config" ? message.split("\n") : [message];
  return lines.map(printable);
}
