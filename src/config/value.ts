// The kinds of value that a key (or a terminal's argument) can have: what is
// allowed, in words, and how its text becomes a typed value. Pure.

import { isFingerprint } from "../keys/fingerprint.js";
import {
  isName,
  isPlainText,
  isPrintable,
  withoutHidden,
} from "../printable.js";
import { MAX_PEERS, SERVEID, SHARES, type Share } from "./config.js";
import { isHost, isIpv4, isIpv6 } from "./host.js";
import {
  describeLink,
  isLink,
  LINK_FORMS,
  linkProblem,
  parseLink,
  type LinkScheme,
} from "./link.js";
import { parseName, parseTo } from "./target.js";

/** One kind of value. `allowed` completes the sentence "found …, allowed …". */
export interface ValueKind<T> {
  readonly allowed: string;
  /** true: the value is never shown, not even in an error about it */
  readonly isSecret?: true;
  /** `undefined` when the text is not such a value; never throws. */
  parse(text: string): T | undefined;
  /** Of a text that is not such a value: the reason where there is more to say than `allowed`; else null. */
  whyNot?(text: string): string | null;
  /** Of a value that is allowed: what is doubtful about it, in one line; else null. It becomes a warning. */
  doubt?(value: T): string | null;
  /** What of the text may be shown in an error about it; absent: all. */
  shown?(text: string): string;
}

const LABEL_CHARACTERS_MAX = 64;
const INFO_CHARACTERS_MAX = 256;

/** 1–64 printable characters, not beginning or ending with a space; see src/printable.ts. */
export function isLabel(text: string): boolean {
  return isName(text, LABEL_CHARACTERS_MAX);
}

/** What of `text` can be a label, or `fallback` when nothing can. */
export function fitLabel(text: string, fallback: string): string {
  const shown = withoutHidden(text.slice(0, 1024).normalize("NFC")).trim();
  const cut = Array.from(shown).slice(0, LABEL_CHARACTERS_MAX).join("");
  // The cut may have left half an emoji.
  const fitted = withoutHidden(cut).trim();
  return isLabel(fitted) ? fitted : fallback;
}

/** A text as people typed it, in the one form in which it is compared and sent (NFC). */
function composed(isValid: (text: string) => boolean) {
  return (text: string): string | undefined => {
    const form = text.normalize("NFC");
    return isValid(form) ? form : undefined;
  };
}

export const LABEL: ValueKind<string> = {
  allowed: `1–${LABEL_CHARACTERS_MAX} printable characters`,
  parse: composed(isLabel),
};

export const INFO: ValueKind<string> = {
  allowed: `up to ${INFO_CHARACTERS_MAX} printable characters`,
  parse: composed((text) => isPlainText(text, INFO_CHARACTERS_MAX)),
};

/** Below that a key is perhaps a word or two. */
const SECURE_CHARACTERS = 20;

/** A key that people share. Short ones can be guessed by whoever records a connection. */
export const SECRET: ValueKind<string> = {
  allowed: "8–256 printable characters (`keygen` prints a good one)",
  isSecret: true,
  parse(text) {
    const length = Array.from(text).length;
    // As typed: another form would be another key than the one that stands in other files.
    const isValid = text.length >= 8 && length <= 256 && isPrintable(text);
    return isValid ? text : undefined;
  },
  doubt: (text) =>
    text.length < SECURE_CHARACTERS
      ? `a key of ${text.length} characters can be guessed offline by whoever recorded or relayed a connection once; \`keygen\` prints a good one`
      : null,
};

/** As SECRET, or `auto`: the program makes one and keeps it. */
export const AUTO = "auto";
export const SECRET_OR_AUTO: ValueKind<string> = {
  ...SECRET,
  allowed: `${SECRET.allowed}, or ${AUTO} (hub: made at the first start)`,
  parse: (text) => (text === AUTO ? text : SECRET.parse(text)),
  doubt: (text) => (text === AUTO ? null : (SECRET.doubt?.(text) ?? null)),
};

export const FINGERPRINT: ValueKind<string> = {
  allowed:
    "a key's fingerprint: SHA256: and 43 characters, as `show vnet` and the hub print it",
  parse: (text) => (isFingerprint(text) ? text : undefined),
};

/** Fingerprints with commas or spaces between; kept as text with single spaces. */
function fingerprints(max: number): ValueKind<string> {
  return {
    allowed: `one to ${max} of: ${FINGERPRINT.allowed}; commas between`,
    parse(text) {
      const words = text.split(/[\s,]+/).filter((word) => word !== "");
      const isList = words.length > 0 && words.length <= max;
      return isList && words.every(isFingerprint) ? words.join(" ") : undefined;
    },
  };
}

export const FINGERPRINTS: ValueKind<string> = fingerprints(100);

/** They go into one frame of a channel. */
export const PEERS: ValueKind<string> = fingerprints(MAX_PEERS);

/** Any number of networks with commas or spaces between; kept as text with single spaces. */
export const NETWORKS: ValueKind<string> = {
  allowed:
    "IP addresses and networks, commas between, as in 10.0.0.0/8, 192.0.2.7, 2001:db8::/32",
  parse(text) {
    const words = text.split(/[\s,]+/).filter((word) => word !== "");
    const isList = words.length > 0 && words.length <= 100;
    return isList && words.every(isNetwork) ? words.join(" ") : undefined;
  },
};

function isNetwork(text: string): boolean {
  const [, address = "", bits = "0"] =
    /^([0-9a-f:.]+)(?:\/([0-9]{1,3}))?$/i.exec(text) ?? [];
  if (isIpv4(address)) return Number(bits) <= 32;
  return isIpv6(address) && Number(bits) <= 128;
}

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

/** One of these words. */
export function oneOf<T extends string>(words: readonly T[]): ValueKind<T> {
  return {
    allowed: words.join(", "),
    parse: (text) => words.find((word) => word === text),
  };
}

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
    return isHost(text) ? text : undefined;
  },
};

export const SHARE: ValueKind<Share> = oneOf(SHARES);

/** A file's path. */
export const PATH: ValueKind<string> = {
  allowed: "the path of a file",
  parse(text) {
    const isValid = text !== "" && text.length <= 4_096 && isPrintable(text);
    return isValid ? text : undefined;
  },
};

/** A folder's path. No shell replaces a ~ here. */
export const FOLDER: ValueKind<string> = {
  allowed: "the path of a folder; ~ means nothing here",
  parse: (text) => (/^~(?:\/|$)/.test(text) ? undefined : PATH.parse(text)),
};

export const SERVE_NAME: ValueKind<string> = {
  allowed: "a serve's name, or NAME@NODE with the name of its node",
  parse: composed((text) => {
    const { name, node } = parseName(text);
    return isLabel(name) && (node === null || isLabel(node));
  }),
};

export const TO: ValueKind<string> = {
  allowed: "NODE:PORT or NODE:IP:PORT, an IPv6 address in brackets",
  parse: composed((text) => {
    const to = parseTo(text);
    if (to === null || !isLabel(to.node)) return false;
    return HOST.parse(to.ip) !== undefined && PORT.parse(to.port) !== undefined;
  }),
};
const HOST_WORDS =
  "an IPv4 or IPv6 address or a host name (the port has a key of its own)";

/** A host, or a link of one of these schemes. */
function hostOrLink(
  allowed: string,
  schemes: readonly LinkScheme[],
  otherwise: string,
): ValueKind<string> {
  const whyNot = (text: string): string | null => {
    const problem = linkProblem(text);
    if (problem !== null) return problem;
    const link = parseLink(text);
    return link === null || schemes.includes(link.scheme) ? null : otherwise;
  };
  return {
    allowed: `${HOST_WORDS}, or ${allowed}`,
    whyNot,
    shown: describeLink,
    parse(text) {
      if (!isLink(text)) return HOST.parse(text);
      return whyNot(text) === null ? text : undefined;
    },
  };
}

/** What can be dialled: where a serve leads, and a node's way to its hub. */
export const DIAL_HOST: ValueKind<string> = hostOrLink(
  LINK_FORMS,
  ["unix", "exec", "vsock", "hvsock"],
  "",
);

/** Where a use listens. */
export const LISTEN_HOST: ValueKind<string> = hostOrLink(
  "unix:/PATH",
  ["unix"],
  "nothing can listen on that",
);

/**
 * `[route] ip` in a file that both programs read: the node dials it, and the hub listens on it where that is possible
 * (see canListenOn).
 */
export const HUB_HOST: ValueKind<string> = DIAL_HOST;

/** Whether a listener can be had there: a host, `unix:` or `hvsock:`. */
export function canListenOn(host: string): boolean {
  if (linkProblem(host) !== null) return false;
  const scheme = parseLink(host)?.scheme;
  return scheme === undefined || scheme === "unix" || scheme === "hvsock";
}
/** What a Host header says: as HOST, with a port where that is not 80; IPv6 keeps its brackets. */
export const HOST_HEADER: ValueKind<string> = {
  allowed:
    "a host name or an address, with :PORT behind it if needed; IPv6 in brackets",
  parse(text) {
    const [, host = "", port] = /^(\[.*\]|[^:]*)(?::(.*))?$/.exec(text) ?? [];
    const isPort = port === undefined || PORT.parse(port) !== undefined;
    // Headers are ASCII: an international name is written in its xn-- form.
    const isHost = HOST.parse(host) !== undefined && /^[!-~]*$/.test(host);
    return isPort && isHost && !host.includes("%") ? text : undefined;
  },
};

/** Any number of host names with commas or spaces between; kept as text with single spaces. */
export const HOST_NAMES: ValueKind<string> = {
  allowed:
    "host names with commas between, *.example.org for all below it, or * for any",
  parse(text) {
    const words = text.split(/[\s,]+/).filter((word) => word !== "");
    const isName = (word: string) =>
      word === "*" ||
      HOST_HEADER.parse(word.replace(/^\*\./, "")) !== undefined;
    const isList = words.length > 0 && words.length <= 100;
    return isList && words.every(isName) ? words.join(" ") : undefined;
  },
};
