// The fields that messages are made of, each with its bounds. What arrives outside of them is a protocol error.

import * as v from "valibot";
import { SERVEID, SHARES } from "../config/config.js";
import { isLink } from "../config/link.js";

/** Characters that show as themselves: no controls, no line ends, no lone surrogates. */
const PRINTABLE = /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u;

const MAX_REASON = 1000;

const printable = (min: number, max: number) =>
  v.pipe(
    v.string(),
    v.check((text) => {
      const characters = Array.from(text).length;
      return characters >= min && characters <= max;
    }, `${min} to ${max} characters`),
    v.regex(PRINTABLE, "printable characters only"),
  );

const whole = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

export const label = printable(1, 64);
export const optionalText = printable(0, 256);
export const host = printable(1, 255);
export const reason = printable(0, MAX_REASON);
/** As much of a text as `reason` allows. */
export function clipReason(text: string): string {
  return Array.from(text.slice(0, 2 * MAX_REASON))
    .filter((character) => PRINTABLE.test(character))
    .slice(0, MAX_REASON)
    .join("");
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
});

const hasItsPort = ({ ip, port }: { ip: string; port: number }) =>
  isLink(ip) === (port === 0);
const ITS_PORT = "a port for a host, 0 for a link";

/** What a node tells of a serve. */
export const particulars = v.pipe(
  particularFields,
  v.check((serve) => hasItsPort(serve), ITS_PORT),
);

/** A serve of a node: where serves are balanced, several nodes have the same serveid. */
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
    /** an unserve, which only its requester is told of */
    temporary: flag,
  }),
  v.check((serve) => hasItsPort(serve), ITS_PORT),
);

export type ServeOf = v.InferOutput<typeof serveOf>;
export type ServeParticulars = v.InferOutput<typeof particulars>;
export type DirectoryNode = v.InferOutput<typeof directoryNode>;
export type DirectoryServe = v.InferOutput<typeof directoryServe>;
