// The fields that messages are made of, each with its bounds. What arrives outside of them is a protocol error.

import * as v from "valibot";
import { SERVEID } from "../config/config.js";

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

/** What a node tells of a serve. */
export const particulars = v.strictObject({
  name: label,
  type: label,
  ip: host,
  port,
  info: optionalText,
});

export const directoryNode = v.strictObject({
  vnetid,
  name: label,
  /** its identity, which the hub has seen proved */
  key: publicKey,
  /** whether it wants its channels encrypted */
  encrypt: flag,
});

export const directoryServe = v.strictObject({
  serveid,
  vnetid,
  ...particulars.entries,
  /** an unserve, which only its requester is told of */
  temporary: flag,
});

export type ServeParticulars = v.InferOutput<typeof particulars>;
export type DirectoryNode = v.InferOutput<typeof directoryNode>;
export type DirectoryServe = v.InferOutput<typeof directoryServe>;
