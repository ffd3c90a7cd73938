// The kinds of arguments that commands are made of: what is allowed, what is offered, what is asked.
// Each function returns a fresh Argument, so that a command can spread and change it.

import { SERVEID, SHARES, type Share } from "../config/config.js";
import {
  HOST,
  INFO,
  LABEL,
  PORT,
  SHARE,
  wholeNumber,
  type ValueKind,
} from "../config/value.js";
import { isIpv4, isIpv6 } from "../config/host.js";
import { VnetError } from "../errors.js";
import type { Argument } from "./command.js";

export const isNumber = (word: string) => /^\d+$/.test(word);
const isAddress = (word: string) => isIpv4(word) || isIpv6(word);

/** A usage error in one line: what was found, what is allowed. */
export function wrong(what: string, found: string, allowed: string): VnetError {
  const start = found === "" ? `${what} is missing` : `${what} "${found}"`;
  return new VnetError("usage", `${start}: give ${allowed}`);
}

/** More are no help on one line. */
const MAX_NAMED = 10;

/** The first of them in words, and where the others are listed. */
export function someOf<T>(
  all: Iterable<T>,
  describe: (one: T) => string,
  command: string,
): string {
  const named: string[] = [];
  let more = 0;
  for (const one of all)
    if (named.length < MAX_NAMED) named.push(describe(one));
    else more++;
  const some = named.join(", ");
  return more > 0 ? `${some} or ${more} more (\`${command}\`)` : some;
}

/** A kind of value of the configuration, with the words of an argument. Throws VnetError `usage`. */
export function read<T>(
  kind: ValueKind<T>,
  what: string,
  text: string,
  allowed = kind.allowed,
): T {
  const value = kind.parse(text);
  if (value === undefined) throw wrong(what, text, allowed);
  return value;
}

export function port(): Argument<number> {
  return {
    name: "port",
    ask: "port",
    doc: PORT.allowed,
    fits: isNumber,
    parse: (text) => read(PORT, "port", text),
  };
}

/** A host that this or another node dials: address or name. */
export function host(): Argument<string> {
  const allowed = "an IP address or a host name";
  return {
    name: "ip",
    ask: "ip",
    doc: allowed,
    fits: (word) => !isNumber(word),
    parse: (text) => read(HOST, "ip", text, allowed),
    fallback: () => ({ text: "127.0.0.1", value: "127.0.0.1" }),
  };
}

/** An address of this machine to listen on. */
export function listenIp(): Argument<string> {
  return {
    ...host(),
    doc: "address of this machine to listen on",
    parse(text) {
      const value = HOST.parse(text);
      if (value !== undefined && (isAddress(value) || value === "localhost"))
        return value;
      throw wrong(
        "ip",
        text,
        "an IP address of this machine, for example 127.0.0.1",
      );
    },
  };
}

const WANTED_SERVEIDS = wholeNumber(SERVEID.none, SERVEID.max);

/** The id to register a serve with. */
export function wantedServeid(): Argument<number> {
  return {
    name: "serveid",
    ask: "serveid",
    doc: "1–499 a preference, 500–999 exactly this one, 000 the hub chooses",
    fits: isNumber,
    parse: (text) => read(WANTED_SERVEIDS, "serveid", text),
    fallback: () => ({ text: "000", value: SERVEID.none }),
  };
}

/** A name; neither a number nor an address, which would be taken for something else on the line. */
export function label(name: string, what: string): Argument<string> {
  const allowed = `${LABEL.allowed}, not only digits`;
  return {
    name,
    ask: name,
    doc: `${what}; ${allowed}`,
    fits: (word) => !isAddress(word) && !isNumber(word),
    parse(text) {
      if (isNumber(text)) throw wrong(name, text, allowed);
      return read(LABEL, name, text, allowed);
    },
  };
}

/** A question that has to be answered with yes, before something is lost or written. */
export function consent(
  what: string,
  usual: "yes" | "no" = "no",
): Argument<boolean> {
  return {
    name: "answer",
    ask: `${what}: yes or no`,
    doc: "yes or no",
    parse(text) {
      const answer = text.toLowerCase();
      if (["y", "yes"].includes(answer)) return true;
      if (["n", "no"].includes(answer)) return false;
      throw wrong("answer", text, "yes or no");
    },
    fallback: () => ({ text: usual, value: usual === "yes" }),
  };
}

/** Whether a serve shares its id and name. */
export function share(): Argument<Share> {
  return {
    name: "share",
    ask: "share",
    doc: `${SHARE.allowed}: what happens when another serve wants its id or name`,
    fits: (word) => SHARES.some((known) => known === word),
    parse: (text) => read(SHARE, "share", text),
    fallback: () => ({ text: "exclusive", value: "exclusive" }),
    suggest: () => [...SHARES],
  };
}

/** Text up to the end of the line; may be empty. */
export function info(): Argument<string> {
  return {
    name: "info",
    ask: "info",
    doc: `more words for lists, ${INFO.allowed}`,
    rest: true,
    parse: (text) => read(INFO, "info", text),
    fallback: () => ({ text: "", value: "" }),
  };
}
