// The one error class of the project. At the bottom: imports nothing.
// Its code says whose fault it is, and so what becomes of it (see docs/architecture.md, "three fates").

/**
 * - `usage`    the person's command or command line; one line that says what to do
 * - `config`   the configuration file; names file, line, section and key
 * - `protocol` the peer broke the protocol; its connection is closed and logged once
 * - `refused`  a peer or a service said no; the message is its reason
 * - `timeout`  nothing came within the deadline
 * - `closed`   the thing asked is closed, or its connection is gone
 * - `obstacle` this machine cannot do it just now, and that may pass by itself: a full disk, a folder that is not there yet
 * - `network`  the operating system refused: no route, port taken, no descriptors
 */
export type VnetErrorCode =
  | "usage"
  | "config"
  | "protocol"
  | "refused"
  | "timeout"
  | "closed"
  | "obstacle"
  | "network";

export class VnetError extends Error {
  override readonly name = "VnetError";

  constructor(
    readonly code: VnetErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

/** The text of anything thrown, in one line. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return messageOf(error.errors[0]);
  const text =
    error instanceof Error ? error.message || error.name : String(error);
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => line !== "").join(" ");
}

/** What the system says of a trouble that can pass without a change of any setting. */
const PASSING = new Set([
  ...["ENOSPC", "EDQUOT", "EROFS", "EIO", "ENOMEM", "EMFILE", "ENFILE"],
  ...["EAGAIN", "EBUSY", "EINTR", "ESTALE", "ETIMEDOUT"],
]);

/** The code for what a file operation threw: starting again may help (`obstacle`), or something has to be mended (`config`). */
export function fileErrorCode(error: unknown): "obstacle" | "config" {
  const { code = "" } = error as NodeJS.ErrnoException;
  return PASSING.has(code) ? "obstacle" : "config";
}
