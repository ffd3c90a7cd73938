// The fields that messages are made of, each with its bounds. What arrives outside of them is a protocol error.

import * as v from "valibot";
import { SERVEID, SHARES } from "../config/config.js";
import { isHost } from "../config/host.js";
import { isLink } from "../config/link.js";
import {
  isName,
  isPlainText,
  isPrintable,
  withoutHidden,
} from "../printable.js";

const MAX_REASON = 1000;

/** @param isAllowed see src/printable.ts, whose rule is that of configurations, too */
const text = (isAllowed: (text: string) => boolean, allowed: string) =>
  v.pipe(v.string(), v.check(isAllowed, allowed));

const whole = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

export const label = text(
  (name) => isName(name, 64),
  "1 to 64 printable characters in Unicode's form NFC, no space at the ends",
);
export const optionalText = text(
  (info) => isPlainText(info, 256),
  "0 to 256 printable characters in Unicode's form NFC",
);
/** A path may be in any form. */
export const host = text(
  (host) => isPrintable(host) && isWithin(host, 1, 255),
  "1 to 255 printable characters",
);
export const reason = text(
  (reason) => isPrintable(reason) && isWithin(reason, 0, MAX_REASON),
  `0 to ${MAX_REASON} printable characters`,
);
/** As much of a text as `reason` allows. */
export function clipReason(text: string): string {
  const shown = withoutHidden(text.slice(0, 2 * MAX_REASON));
  // The cut may have left half an emoji.
  return withoutHidden(Array.from(shown).slice(0, MAX_REASON).join(""));
}

function isWithin(text: string, min: number, max: number): boolean {
  if (text.length > 2 * max) return false;
  const characters = Array.from(text).length;
  return characters >= min && characters <= max;
}

export const port = whole(1, 65535);
/** 0: its target is a link, which has no port */
const servePort = whole(0, 65535);
export const serveid = whole(SERVEID.min, SERVEID.max);
export const wantedServeid = whole(SERVEID.none, SERVEID.max);
export const vnetid = whole(1, 1_000_000);
export const optionalVnetid = whole(0, 1_000_000);
export const request = whole(0, Number.MAX_SAFE_INTEGER);
/** 128 bits as 32 hex digits: tickets and session tokens */
export const token = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
/** a raw public key of 32 bytes in base64 */
export const publicKey = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{43}=$/));
/** an Ed25519 signature of 64 bytes in base64 */
export const signature = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/]{86}==$/));
/** an HMAC-SHA256 as 64 hex digits */
export const mac = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
export const flag = v.boolean();
/** when a serve was registered: milliseconds by the hub's clock */
export const since = whole(0, Number.MAX_SAFE_INTEGER);
export const version = whole(0, 1_000_000);
/** Abilities beyond the version, see version.ts. */
export const features = v.pipe(
  v.array(v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,32}$/))),
  v.maxLength(64),
);
/** What a build can speak; one without the last two speaks its one version only. */
export const abilities = {
  protocol: version,
  oldest: v.optional(version),
  features: v.optional(features),
};

const particularFields = v.object({
  name: label,
  type: label,
  /** a host, or a link as it may be shown */
  ip: host,
  port: servePort,
  info: optionalText,
  share: v.picklist(SHARES),
  /** whether the service behind it is there, as far as its node knows; absent: up */
  service: v.optional(v.picklist(["up", "down"])),
});

const hasItsPort = ({ ip, port }: { ip: string; port: number }) =>
  isLink(ip) ? port === 0 : port !== 0 && isHost(ip);
const ITS_PORT = "a host with a port, or a link with 0";

/** What a node tells of a serve. */
export const particulars = v.pipe(
  particularFields,
  v.check((serve) => hasItsPort(serve), ITS_PORT),
);

/** A serve of a node: where serves are shared, several nodes have the same serveid. */
export const serveOf = v.object({ serveid, vnetid });

export const directoryNode = v.object({
  vnetid,
  name: label,
  /** its identity, which the hub has seen proved */
  key: publicKey,
  /** whether it wants its channels encrypted */
  encrypt: flag,
});

export const directoryServe = v.pipe(
  v.object({
    serveid,
    vnetid,
    ...particularFields.entries,
    /** true: another node had its name first, so a use by the bare name does not mean this one */
    namesake: v.optional(flag),
    /** with share=takeover: of several the latest is meant */
    since: v.optional(since),
  }),
  v.check((serve) => hasItsPort(serve), ITS_PORT),
);

export type ServeOf = v.InferOutput<typeof serveOf>;
export type ServeParticulars = v.InferOutput<typeof particulars>;
export type DirectoryNode = v.InferOutput<typeof directoryNode>;
export type DirectoryServe = v.InferOutput<typeof directoryServe>;
