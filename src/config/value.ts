// The kinds of value that a key (or a terminal's argument) can have: what is
// allowed, in words, and how its text becomes a typed value. Pure.

import { isFingerprint } from "../keys/fingerprint.js";
import { SERVEID } from "./config.js";
import { isHostName, isIpv4, isIpv6 } from "./host.js";

/** One kind of value. `allowed` completes the sentence "found …, allowed …". */
export interface ValueKind<T> {
  readonly allowed: string;
  /** true: the value is never shown, not even in an error about it */
  readonly isSecret?: true;
  /** `undefined` when the text is not such a value; never throws. */
  parse(text: string): T | undefined;
}

const LABEL_CHARACTERS_MAX = 64;
const INFO_CHARACTERS_MAX = 256;

// Joiners (U+200C, U+200D) are format characters that words and emoji need; the
// others reorder or hide text.
const UNPRINTABLE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

function isPrintable(text: string, charactersMax: number): boolean {
  // Length in code units first, which bounds the work.
  if (text.length > 2 * charactersMax) return false;
  return Array.from(text).length <= charactersMax && !UNPRINTABLE.test(text);
}

/** 1–64 printable characters, not beginning or ending with a space. */
export function isLabel(text: string): boolean {
  return (
    text !== "" &&
    text === text.trim() &&
    isPrintable(text, LABEL_CHARACTERS_MAX)
  );
}

/** What of `text` can be a label, or `fallback` when nothing can. */
export function fitLabel(text: string, fallback: string): string {
  const printable = Array.from(text.slice(0, 1024)).filter(
    (character) => !UNPRINTABLE.test(character),
  );
  const fitted = printable
    .join("")
    .trim()
    .match(/./gu)
    ?.slice(0, LABEL_CHARACTERS_MAX)
    .join("")
    .trim();
  return fitted === undefined || fitted === "" ? fallback : fitted;
}

export const LABEL: ValueKind<string> = {
  allowed: `1–${LABEL_CHARACTERS_MAX} printable characters`,
  parse: (text) => (isLabel(text) ? text : undefined),
};

export const INFO: ValueKind<string> = {
  allowed: `up to ${INFO_CHARACTERS_MAX} printable characters`,
  parse: (text) => (isPrintable(text, INFO_CHARACTERS_MAX) ? text : undefined),
};

/** A key that people share. Short ones can be guessed by whoever records a connection. */
export const SECRET: ValueKind<string> = {
  allowed: "8–256 printable characters (`./vnet keygen` prints a good one)",
  isSecret: true,
  parse(text) {
    const isLongEnough = text.length >= 8;
    return isLongEnough && isPrintable(text, 256) ? text : undefined;
  },
};

/** As SECRET, or `auto`: the program makes one and keeps it. */
export const AUTO = "auto";
export const SECRET_OR_AUTO: ValueKind<string> = {
  ...SECRET,
  allowed: `${SECRET.allowed}, or ${AUTO} (hub: made at the first start)`,
  parse: (text) => (text === AUTO ? text : SECRET.parse(text)),
};

export const FINGERPRINT: ValueKind<string> = {
  allowed:
    "a key's fingerprint: SHA256: and 43 characters, as `show vnet` and the hub print it",
  parse: (text) => (isFingerprint(text) ? text : undefined),
};

/** Any number of fingerprints with commas or spaces between; kept as text with single spaces. */
export const FINGERPRINTS: ValueKind<string> = {
  allowed: `one or more of: ${FINGERPRINT.allowed}; commas between`,
  parse(text) {
    const words = text.split(/[\s,]+/).filter((word) => word !== "");
    const isList = words.length > 0 && words.length <= 100;
    return isList && words.every(isFingerprint) ? words.join(" ") : undefined;
  },
};

const TRUE = new Set(["true", "yes", "on", "1"]);
const FALSE = new Set(["false", "no", "off", "0"]);

export const BOOLEAN: ValueKind<boolean> = {
  allowed: "true or false (also yes/no, on/off, 1/0)",
  parse(text) {
    const word = text.toLowerCase();
    if (TRUE.has(word)) return true;
    return FALSE.has(word) ? false : undefined;
  },
};

/** A whole number in decimal digits, `min` and `max` included. `007` is 7. */
export function wholeNumber(min: number, max: number): ValueKind<number> {
  return {
    allowed: `${min}–${max}`,
    parse(text) {
      if (!/^[0-9]{1,15}$/.test(text)) return undefined;
      const number = Number(text);
      return number >= min && number <= max ? number : undefined;
    },
  };
}

export const PORT = wholeNumber(1, 65535);

export const SERVE_SERVEID: ValueKind<number> = {
  ...wholeNumber(SERVEID.none, SERVEID.max),
  allowed: `${SERVEID.min}–${SERVEID.staticMin - 1} (dynamic), ${SERVEID.staticMin}–${SERVEID.max} (static) or 000 (the hub chooses)`,
};

export const USE_SERVEID: ValueKind<number> = {
  ...wholeNumber(SERVEID.none, SERVEID.max),
  allowed: `${SERVEID.min}–${SERVEID.max}, or 000 (disabled)`,
};

/** An IPv4 or IPv6 address or a host name, no port. IPv6 loses its brackets. */
export const HOST: ValueKind<string> = {
  allowed:
    "an IPv4 or IPv6 address or a host name, without a port (that has a key of its own)",
  parse(text) {
    const inside = /^\[(.*)\]$/.exec(text)?.[1];
    if (inside !== undefined) return isIpv6(inside) ? inside : undefined;
    return isIpv4(text) || isIpv6(text) || isHostName(text) ? text : undefined;
  },
};
