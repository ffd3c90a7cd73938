// Frames of the control link that are wrong in the ways of JSON: fields that fit their bounds but make no sense, fields
// that do not fit, are missing or too many, deep nesting, and lengths that lie. Pure, as mutator.ts is.

import { encodeFrame } from "../../src/wire/frame.js";
import type { Random } from "../support/random.js";
import { MAGIC } from "./magic.js";
import { mutate, pick } from "./mutator.js";

export type Message = Record<string, unknown> & { type: string };

const TEXTS = [
  ...["a", "b", "serve", "🦊", "x".repeat(64), "ﷺ", "..", "%s", "__proto__"],
  ...["a b", "-", "constructor", "'", '"', "\\", "é", "001", "toString"],
];
const HOSTS = [
  ...["127.0.0.1", "localhost", "::1", "unix:/nowhere", "exec:nothing", "0"],
  ...["vsock:1:2", "hvsock:/nowhere:1", "[::1]", "256.1.1.1", "a".repeat(255)],
];
/** Of a point that is on no curve, and of small order: not every 32 bytes are a key. */
const KEYS = [
  Buffer.alloc(32),
  Buffer.alloc(32, 1),
  Buffer.alloc(32, 0xff),
  Buffer.concat([Buffer.from([1]), Buffer.alloc(31)]),
].map((key) => key.toString("base64"));

/** What a field of that name may be. */
const PLAUSIBLE: Record<string, (random: Random) => unknown> = {
  request: (random) =>
    random.chance(0.05) ? Number.MAX_SAFE_INTEGER : random.between(0, 40),
  serveid: (random) => random.between(1, random.chance(0.5) ? 12 : 999),
  vnetid: (random) => (random.chance(0.05) ? 1_000_000 : random.between(1, 20)),
  port: (random) => pick(random, [1, 9, 65_535]),
  ip: (random) => pick(random, HOSTS),
  name: (random) => pick(random, TEXTS),
  type: (random) => pick(random, TEXTS),
  info: (random) => pick(random, [...TEXTS, "", "i".repeat(256)]),
  reason: (random) => pick(random, [...TEXTS, "", "r".repeat(1_000)]),
  share: (random) => pick(random, ["exclusive", "takeover", "balance"]),
  guest: (random) => random.chance(0.2),
  encrypt: (random) => random.chance(0.5),
  complete: (random) => random.chance(0.8),
  ticket: (random) => random.bytes(16).toString("hex"),
  key: (random) =>
    random.chance(0.5)
      ? pick(random, [...KEYS, MAGIC.key])
      : random.bytes(32).toString("base64"),
};

const HOSTILE: readonly unknown[] = [
  ...[null, true, -1, 0, 1.5, 1e308, -0, 2 ** 53, "", "0", [], {}, [[]]],
  ...["\u0000", "\ud800", "\u2028", "x".repeat(1_001), "x".repeat(60_000)],
  ...[{ type: "ping" }, { __proto__: null, toString: 1 }, [null], "1e9"],
];

/** Fits the table of messages: so it is acted on, and the link goes on. */
export function plausible(random: Random, message: Message): Buffer {
  return encodeFrame(vary(random, message, 0));
}

/** Nearly always a protocol error. */
export function broken(
  random: Random,
  message: Message,
  donor: Message,
): Buffer {
  switch (random.between(0, 7)) {
    case 0:
      return mutate(random, encodeFrame(message), encodeFrame(donor));
    case 1:
      return framed(mutate(random, json(message), json(donor)));
    case 2:
      return framed(Buffer.from(nested(random)));
    case 3:
      return lying(random, json(message));
    case 4:
      return framed(json({ ...message, ...without(random, donor) }));
    case 5:
      return framed(json(without(random, message)));
    case 6:
      return framed(
        json({ ...message, [pick(random, TEXTS)]: pick(random, HOSTILE) }),
      );
    default:
      return framed(json(spoil(random, message)));
  }
}

function vary<T>(random: Random, value: T, depth: number): T {
  if (Array.isArray(value)) {
    const list = value.map((each: unknown) => vary(random, each, depth + 1));
    if (list.length > 0 && random.chance(0.3))
      list.push(vary(random, pick(random, list), depth + 1));
    return (random.chance(0.1) ? [] : list) as T;
  }
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, field] of Object.entries(value)) {
    // At the top `type` says what the message is.
    const make = key === "type" && depth === 0 ? undefined : PLAUSIBLE[key];
    copy[key] =
      make !== undefined && random.chance(0.5)
        ? make(random)
        : vary(random, field, depth + 1);
  }
  // A link has no port, a host has one.
  if ("ip" in copy && "share" in copy)
    copy.port = /^(?:unix|exec|vsock|hvsock):/.test(String(copy.ip)) ? 0 : 9;
  return copy as T;
}

function spoil(random: Random, message: object): object {
  const copy = structuredClone(message) as Record<string, unknown>;
  const key = pick(random, Object.keys(copy));
  const inner = copy[key];
  const goesDeeper =
    typeof inner === "object" && inner !== null && random.chance(0.7);
  copy[key] =
    goesDeeper && Object.keys(inner).length > 0
      ? spoil(random, inner)
      : pick(random, HOSTILE);
  return copy;
}

function without(random: Random, message: object): object {
  const gone = pick(random, Object.keys(message));
  return Object.fromEntries(
    Object.entries(message).filter(([key]) => key !== gone),
  );
}

function nested(random: Random): string {
  const depth = random.between(1, 30_000);
  if (random.chance(0.3)) return "[".repeat(2 * depth);
  if (random.chance(0.5)) return "[".repeat(depth) + "]".repeat(depth);
  const levels = Math.floor(depth / 4);
  return `${'{"a":'.repeat(levels)}0${"}".repeat(levels)}`;
}

function lying(random: Random, body: Buffer): Buffer {
  const frame = framed(body);
  const lies = [0, 1, body.length - 1, body.length + 1, 65_536, 65_537];
  frame.writeUInt32BE(pick(random, [...lies, 0x7fff_ffff, 0xffff_ffff]));
  return frame;
}

function framed(body: Buffer): Buffer {
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length);
  body.copy(frame, 4);
  return frame;
}

function json(message: object): Buffer {
  return Buffer.from(JSON.stringify(message));
}
