// Applies the differences between what a node runs and a new configuration, and touches nothing else.

import {
  SERVEID,
  type NodeConfig,
  type ServeSettings,
  type UseSettings,
} from "../config/config.js";
import { diffNodeConfig, type ConfigChange } from "../config/diff.js";
import { targetOf } from "../config/target.js";
import { VnetError } from "../errors.js";
import type { Origin } from "./control.js";
import type { Channels } from "./channels.js";
import type { ChannelSecurity } from "./channel-security.js";
import type { Directory } from "./directory.js";
import type { HubLink } from "./hub-link.js";
import type { Inquiries } from "./inquiries.js";
import type { Serves } from "./serves.js";
import type { Unserves } from "./unserves.js";
import type { Uses } from "./uses.js";

export interface ReloadParts {
  link: HubLink;
  directory: Directory;
  security: ChannelSecurity;
  channels: Channels;
  inquiries: Inquiries;
  serves: Serves;
  uses: Uses;
  unserves: Unserves;
}

const REASON = "the configuration changed";

interface Coming<Settings> {
  settings: Settings;
  /** what the reload adds, as at the start; what it changes, where it was open and nobody says otherwise */
  opens: boolean;
}

/**
 * The differences from what came from the file before and is still there. Throws VnetError `usage`, with nothing
 * changed, where the file would overwrite what was made in the terminal.
 */
export function planReload(
  parts: ReloadParts,
  before: NodeConfig,
  after: NodeConfig,
): ConfigChange[] {
  const serves = parts.serves.all();
  const uses = parts.uses.all();
  refuseClash("serve", serves.filter(madeHere), after.serves, true);
  refuseClash("use", uses.filter(madeHere), after.uses, false);
  const running = {
    ...before,
    serves: serves.filter(fromFile).map((serve) => serve.settings),
    uses: uses.filter(fromFile).map((use) => use.settings),
  };
  return diffNodeConfig(running, after);
}

/** Resolves when all of it is applied; what the hub or a port refuses is told as a notice and in `show`. */
export async function applyReload(
  parts: ReloadParts,
  after: NodeConfig,
  changes: ConfigChange[],
): Promise<void> {
  const { link, directory, security, channels, inquiries } = parts;
  const { serves, uses, unserves } = parts;
  const { startserve, startuse, name, group, encrypt } = after.vnet;
  // All that goes does so before anything comes: ids and ports may change hands.
  const newServes: Coming<ServeSettings>[] = [];
  const newUses: Coming<UseSettings>[] = [];
  for (const change of changes) {
    if (change.kind === "serve-added")
      newServes.push({
        settings: change.serve,
        opens: startserve && change.serve.active,
      });
    if (change.kind === "use-added")
      newUses.push({
        settings: change.use,
        opens: startuse && change.use.active,
      });
    if (change.kind === "serve-removed")
      serves.drop(serves.get(change.serve.label), REASON);
    if (change.kind === "use-removed")
      await uses.drop(uses.get(change.use.label), REASON);
    if (change.kind === "serve-changed") {
      const serve = serves.get(change.before.label);
      if (keepsRegistration(change)) serve.update(change.after);
      else {
        const { isOpen } = serve.registration;
        const opens = staysOpen(change, isOpen, startserve);
        // Who shares its id gets it for good where it is given up.
        const comesBack = opens && !change.changed.includes("serveid");
        serves.drop(serve, REASON, comesBack ? "own" : undefined);
        newServes.push({ settings: change.after, opens });
      }
    }
    if (change.kind === "use-changed") {
      const use = uses.get(change.before.label);
      const isOpen = use.view().state !== "inactive";
      const opens = staysOpen(change, isOpen, startuse);
      await uses.drop(use, REASON);
      newUses.push({ settings: change.after, opens });
    }
  }
  if (changes.some(movesElsewhere)) {
    // Numbers of another group or hub mean nothing here, nor do channels to its nodes; their last words leave first.
    await uses.leave("this node went to another group or hub");
    await unserves.revokeAll();
    channels.destroy(new VnetError("closed", REASON));
    directory.clear();
  }
  if (changes.some(changesKeys)) {
    channels.destroy(new VnetError("closed", REASON));
    security.forget();
    inquiries.forgetAll();
  }
  unserves.allowAgain();
  unserves.settle();
  if (changes.some(needsRejoin))
    link.rejoin({ route: after.route, name, group, encrypt });
  const opening: Promise<void>[] = [];
  for (const { settings, opens } of newServes) {
    const serve = serves.add(settings, "config");
    if (opens) opening.push(serve.open().catch(() => undefined));
  }
  for (const { settings, opens } of newUses) {
    const use = uses.add(settings, "config");
    if (opens && targetOf(settings).kind !== "none")
      opening.push(uses.open(use));
  }
  if (changes.some(changesKeys)) uses.lookAgain();
  await Promise.all(opening);
}

/** The change, with whether what it is about is active now; as it was where that is gone again. */
export function withOutcome(
  { serves, uses }: Pick<ReloadParts, "serves" | "uses">,
  change: ConfigChange,
): ConfigChange {
  const activeOf = (
    entries: { label: string; view(): { active: boolean } }[],
    { label }: { label: string },
  ) => {
    const entry = entries.find((each) => each.label === label);
    return entry === undefined ? {} : { active: entry.view().active };
  };
  switch (change.kind) {
    case "serve-added":
      return { ...change, ...activeOf(serves.all(), change.serve) };
    case "serve-changed":
      return { ...change, ...activeOf(serves.all(), change.after) };
    case "use-added":
      return { ...change, ...activeOf(uses.all(), change.use) };
    case "use-changed":
      return { ...change, ...activeOf(uses.all(), change.after) };
    default:
      return change;
  }
}

/** Nobody is closed for a change of something else; and what is open by itself at the start is so here, too. */
function staysOpen(
  { changed, after }: { changed: string[]; after: { active: boolean } },
  isOpen: boolean,
  opensAtStart: boolean,
): boolean {
  if (isOpen && !changed.includes("active")) return true;
  return after.active && (opensAtStart || isOpen);
}

function fromFile(entry: { origin: Origin }): boolean {
  return entry.origin === "config";
}

function madeHere(entry: { origin: Origin }): boolean {
  return entry.origin !== "config";
}

type ServeChanged = Extract<ConfigChange, { kind: "serve-changed" }>;

function keepsRegistration({ changed, after }: ServeChanged): boolean {
  // Where it is shared, the name decides with whom.
  const decides = ["serveid", "active", "share"];
  if (after.share !== "exclusive") decides.push("name");
  return !decides.some((key) => changed.includes(key));
}

function movesElsewhere(change: ConfigChange): boolean {
  return (
    touches(change, "route", "ip", "port") || touches(change, "vnet", "group")
  );
}

/** Channels run under the old secret, or without encryption. */
function changesKeys(change: ConfigChange): boolean {
  return touches(change, "vnet", "secret", "encrypt");
}

/** Keys of `[route]` that are nothing to a node. */
const OF_HUBS = ["proxy_protocol", "connect_line"];

function needsRejoin(change: ConfigChange): boolean {
  if (change.kind === "route")
    return change.changed.some((key) => !OF_HUBS.includes(key));
  return touches(change, "vnet", "group", "name", "encrypt");
}

function touches(
  change: ConfigChange,
  kind: "route" | "vnet",
  ...keys: string[]
): boolean {
  return (
    change.kind === kind && keys.some((key) => change.changed.includes(key))
  );
}

function refuseClash(
  kind: string,
  made: { label: string; settings: { serveid: number } }[],
  wanted: { label: string; serveid: number }[],
  idsAreUnique: boolean,
): void {
  for (const { label, settings } of made)
    for (const entry of wanted) {
      const sameId =
        idsAreUnique &&
        entry.serveid !== SERVEID.none &&
        entry.serveid === settings.serveid;
      if (entry.label !== label && !sameId) continue;
      throw new VnetError(
        "usage",
        `nothing changed: ${kind} ${entry.label} of the file clashes with ${kind} ${label} made in this terminal (same ${sameId ? "serveid" : "name"}); delete one of them`,
      );
    }
}
