// `./route forget NAME|ID`: what the hub remembers of it, and the request to end that, which the hub finds in its state
// folder.

import { SERVEID } from "./config/config.js";
import { VnetError } from "./errors.js";
import { askToForget, readClaims } from "./hub/claims-file.js";
import type { KeptHolder } from "./hub/claims.js";
import { fingerprintOf } from "./keys/fingerprint.js";
import { quoted } from "./printable.js";

export interface ForgetOptions {
  /** the hub's state folder */
  folder: string;
  /** a node's or serve's name, or an id */
  text: string;
  /** undefined: the one in which it is */
  group: string | undefined;
}

interface Found {
  group: string;
  title: string;
}

const TITLES: Record<string, string> = {
  node: "the node name",
  serveid: "serveid",
  name: "the serve name",
};

/** What is to be told, and whether there was something to forget. Throws VnetError where that cannot be known. */
export function forget({ folder, text, group }: ForgetOptions): {
  said: string[];
  isFound: boolean;
} {
  const holders = readHolders(folder);
  const what = isId(text) ? String(Number(text)) : text.normalize("NFC");
  const all = holders.flatMap((holder) => find(holder, what));
  const found = all.filter((each) => each.group === (group ?? each.group));
  const groups = [...new Set(found.map((each) => each.group))];
  const [only] = groups;
  if (only === undefined)
    return {
      said: [
        `the hub remembers nobody with ${quoted(text)}${group === undefined ? "" : ` in group ${quoted(group)}`} (${folder}); what changed a second ago may not be written yet`,
      ],
      isFound: false,
    };
  if (groups.length > 1)
    throw new VnetError(
      "usage",
      `route forget: ${quoted(text)} is remembered in groups ${groups.map(quoted).join(", ")}; say which with --group`,
    );
  askToForget(folder, { group: only, what });
  return {
    said: [
      ...found.map(({ title }) => title),
      "forgotten; a hub that runs does it within seconds, and who is there keeps what it has until it leaves",
    ],
    isFound: true,
  };
}

/** Digits, in the range of ids. */
function isId(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= SERVEID.max;
}

function find(holder: KeptHolder, what: string): Found[] {
  const { group, key, name, seen } = holder;
  const fingerprint = fingerprintOf(Buffer.from(key, "base64"));
  const who = `vnet ${quoted(name)} (${fingerprint}), last seen ${new Date(seen).toISOString()}`;
  return holder.claims.flatMap(([kind, text]) =>
    text === what
      ? {
          group,
          title: `${TITLES[kind] ?? kind} ${quoted(what)} in group ${quoted(group)}: ${who}`,
        }
      : [],
  );
}

function readHolders(folder: string): KeptHolder[] {
  try {
    return readClaims(folder);
  } catch (cause) {
    throw new VnetError(
      "config",
      `${folder}: cannot read what the hub remembers; run this as the hub's user`,
      { cause },
    );
  }
}
