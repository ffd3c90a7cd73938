// What the ACCEPT frame of a channel says: who else may have this serve's id or name, as its node wants it. Told in the
// channel and not by the hub, so that only who has been reached can let others in.

import { MAX_PEERS } from "../config/config.js";
import { VnetError } from "../errors.js";
import { isFingerprint } from "../keys/fingerprint.js";
import type { Consent } from "../keys/known-nodes.js";

/** Nobody else is what an empty payload says. */
export function encodeAccept(consent: Consent): string {
  return consent === "alone" ? "" : JSON.stringify({ peers: consent });
}

/** Throws VnetError `protocol`. What a later build says besides is ignored. */
export function decodeAccept(payload: Buffer): Consent {
  if (payload.length === 0) return "alone";
  try {
    const { peers = "alone" } = JSON.parse(payload.toString()) as {
      peers?: unknown;
    };
    if (peers === "alone" || peers === "any") return peers;
    if (isList(peers)) return peers;
  } catch {
    // falls through to the one error
  }
  throw new VnetError("protocol", "a malformed ACCEPT");
}

function isList(peers: unknown): peers is string[] {
  return (
    Array.isArray(peers) &&
    peers.length <= MAX_PEERS &&
    peers.every((peer) => typeof peer === "string" && isFingerprint(peer))
  );
}
