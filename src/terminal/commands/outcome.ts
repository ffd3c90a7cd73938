// What a command did, in one line that always has the same parts: `serve web (012, 127.0.0.1:80) is registered: …`.
// What it is, its name in this node, id, address, the state that `show` has too; then why, or what to do. Pure.

import { formatServeid, SERVEID } from "../../config/config.js";
import { VnetError } from "../../errors.js";
import type { ServeView, UseView } from "../../node/control.js";
import type { CommandContext } from "../command.js";
import { formatAddress } from "../address.js";
import { quoteWord } from "../words.js";
import { describeRemote, formatId, useId } from "./rows.js";

/** `serve web (012, 127.0.0.1:80)` */
export function nameServe(serve: ServeView): string {
  return `serve ${serve.label} (${formatId(serve)}, ${formatAddress(serve.ip, serve.port)})`;
}

/** `use db (mysql@home, 127.0.0.1:3306)`: with what it wants, as `show use` has it */
export function nameUse(use: UseView): string {
  return `use ${use.label} (${useId(use)}, ${formatAddress(use.ip, use.port)})`;
}

/** Asks before connections are cut that run through an entry. */
export async function confirmLoss(
  context: CommandContext,
  { streams }: ServeView | UseView,
): Promise<void> {
  if (streams > 0)
    await context.confirm(
      streams === 1
        ? "1 connection runs, and is cut"
        : `${streams} connections run, and are cut`,
    );
}

/** @param wanted the serveid asked for, to say so when the hub gave another */
export function serveOutcome(
  serve: ServeView,
  wanted: number = SERVEID.none,
): string {
  const what = `${nameServe(serve)} is ${serve.state}`;
  const why = serve.error === null ? "" : `; ${serve.error}`;
  switch (serve.state) {
    case "lent":
      return what;
    case "registered":
      return wanted === SERVEID.none || wanted === serve.serveid
        ? what
        : `${what}: ${formatServeid(wanted)} was wanted, and is taken`;
    case "waiting":
      return `${what}: it is registered as soon as the hub is there${why}`;
    case "inactive":
      if (serve.origin === "unserve")
        return `${nameServe(serve)} is taken back`;
      return `${what}: \`serve open ${quoteWord(serve.label)}\` registers it`;
    case "refused":
      return `${what}: ${serve.error ?? "the hub says no more"}`;
  }
}

/** Throws VnetError `network` for a use that could not listen. */
export function useOutcome(use: UseView): string {
  const what = `${nameUse(use)} is ${use.state}`;
  switch (use.state) {
    case "listening":
      return use.remote
        ? `${what}: it reaches ${describeRemote(use.remote)}`
        : what;
    case "waiting":
      return use.error === null ? what : `${what}: ${use.error}`;
    case "inactive":
      if (use.origin === "unserve")
        return `${nameUse(use)} is removed: what it had borrowed is given back`;
      return `${what}: \`use open ${quoteWord(use.label)}\` listens`;
    case "error": {
      const failed = `${nameUse(use)} is not listening: ${use.error ?? "no reason is known"}`;
      if (use.refusedKey !== null) throw new VnetError("refused", failed);
      throw new VnetError(
        "network",
        `${failed}; it is tried again, \`use close ${quoteWord(use.label)}\` gives it up`,
      );
    }
  }
}
