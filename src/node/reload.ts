// Applies the differences between what a node runs and a new configuration, and touches nothing else.

import type { NodeConfig } from "../config/config.js";
import { diffNodeConfig, type ConfigChange } from "../config/diff.js";
import { VnetError } from "../errors.js";
import type { HubLink } from "./hub-link.js";
import type { Serves } from "./serves.js";
import type { Uses } from "./uses.js";

export interface ReloadParts {
  link: HubLink;
  serves: Serves;
  uses: Uses;
}

const REASON = "the configuration changed";

/**
 * The differences from what came from the file before and is still there. Throws VnetError `usage`, with nothing
 * changed, where the file would overwrite what was made in the terminal.
 */
export function planReload(
  parts: ReloadParts,
  before: NodeConfig,
  after: NodeConfig,
): ConfigChange[] {
  const fromFile = { origin: "config" };
  const isOurs = (entry: { origin: string }) =>
    entry.origin === fromFile.origin;
  refuseOverwriting(
    "serve",
    parts.serves.all().filter((serve) => !isOurs(serve)),
    after.serves,
  );
  refuseOverwriting(
    "use",
    parts.uses.all().filter((use) => !isOurs(use)),
    after.uses,
  );
  return diffNodeConfig(
    {
      ...before,
      serves: parts.serves
        .all()
        .filter(isOurs)
        .map((serve) => serve.settings),
      uses: parts.uses
        .all()
        .filter(isOurs)
        .map((use) => use.settings),
    },
    after,
  );
}

export async function applyReload(
  parts: ReloadParts,
  after: NodeConfig,
  changes: ConfigChange[],
): Promise<void> {
  const { link, serves, uses } = parts;
  const { startserve, startuse, name, group } = after.vnet;
  const rejoins = changes.some(
    (change) =>
      change.kind === "route" ||
      (change.kind === "vnet" &&
        change.changed.some((key) => key === "name" || key === "group")),
  );
  const opening: Promise<void>[] = [];
  const addServe = (settings: (typeof after.serves)[number]) => {
    const serve = serves.add(settings, "config");
    // A refusal by the hub is told as a notice and in `show serve`.
    if (settings.active && startserve)
      opening.push(serve.open().catch(() => undefined));
  };
  // Removals come first, so that what they held (ids, ports) is free for what is added.
  for (const change of changes)
    if (change.kind === "serve-removed")
      serves.drop(serves.get(change.serve.label), REASON);
    else if (change.kind === "use-removed")
      await uses.drop(uses.get(change.use.label), REASON);
  if (rejoins) link.rejoin({ route: after.route, name, group });
  for (const change of changes)
    switch (change.kind) {
      case "serve-changed": {
        const serve = serves.get(change.before.label);
        const keys = new Set(change.changed);
        if (!keys.has("serveid") && !keys.has("active")) {
          serve.update(change.after);
          break;
        }
        serves.drop(serve, REASON);
        addServe(change.after);
        break;
      }
      case "serve-added":
        addServe(change.serve);
        break;
      case "use-changed":
        await uses.drop(uses.get(change.before.label), REASON);
        addUse(change.after);
        break;
      case "use-added":
        addUse(change.use);
        break;
    }
  await Promise.all(opening);

  function addUse(settings: (typeof after.uses)[number]): void {
    const use = uses.add(settings, "config");
    if (settings.active && startuse) opening.push(uses.open(use));
  }
}

function refuseOverwriting(
  kind: string,
  made: { label: string; settings: { serveid: number } }[],
  wanted: { label: string; serveid: number }[],
): void {
  for (const { label } of made)
    if (wanted.some((entry) => entry.label === label))
      throw new VnetError(
        "usage",
        `nothing changed: the file has a ${kind} called ${label}, and so has this terminal; delete one of them`,
      );
}
