// `./vnet trust NAME`: accepts in the file of known nodes the key that a running node refuses.

import { formatServeid, type UseSettings } from "./config/config.js";
import { parseHubConfig } from "./config/hub-config.js";
import { parseNodeConfig } from "./config/node-config.js";
import { formatWanted } from "./config/target.js";
import { VnetError } from "./errors.js";
import { KnownNodes, type Sought } from "./keys/known-nodes.js";
import { accepted } from "./node/choice.js";
import { quoted } from "./printable.js";

export interface TrustRequest {
  program: "route" | "vnet";
  /** a label, what is asked for, or a node's name */
  name: string;
  /** of the configuration file; null: there is none */
  text: string | null;
  /** what that file is called */
  title: string;
  /** of the known nodes, where the file has this `state=` */
  pathOf: (state: string) => string;
}

/** Resolves with what was done, one line for each. Rejects with VnetError `usage` where nothing is refused. */
export async function trustNode(request: TrustRequest): Promise<string> {
  const { name } = request;
  const { uses, state } = readUses(request);
  const path = request.pathOf(state);
  const known = await KnownNodes.load(path);
  const labelled = uses.filter(({ label }) => label === name);
  const id = /^[0-9]{1,3}$/.test(name) ? formatServeid(Number(name)) : name;
  const found = [...known.all()].flatMap(([sought, nodes]) => {
    const refused = nodes.find(({ basis }) => basis === "refused");
    if (refused === undefined) return [];
    const isMeant =
      labelled.some((use) => isFor(use, sought)) ||
      [name, id].includes(sought.wanted) ||
      refused.node === name;
    return isMeant ? [{ sought, refused, before: nodes }] : [];
  });
  if (found.length === 0)
    throw new VnetError(
      "usage",
      `no key is refused for ${name}, so there is nothing to accept (${path})`,
    );
  for (const { sought, refused } of found)
    await known.update(sought, (nodes) => accepted(nodes, refused));
  return found
    .map(({ sought, refused, before }) => {
      const old = before.flatMap(({ basis, fingerprint }) =>
        basis === "refused" ? [] : [fingerprint],
      );
      return `${sought.wanted} of group ${sought.group}: ${refused.fingerprint} (vnet ${quoted(refused.node)}) is accepted; it was ${old.join(", ")}\n`;
    })
    .join("");
}

type GroupedUse = UseSettings & { group: string };

/** The uses, or the hub's public ports, each with its group; and `state=`. */
function readUses({ program, text, title }: TrustRequest): {
  uses: GroupedUse[];
  state: string;
} {
  if (text === null) return { uses: [], state: "" };
  if (program === "route") {
    const { publics, route } = parseHubConfig(text, title);
    return { uses: publics, state: route.state };
  }
  const { vnet, uses } = parseNodeConfig(text, title);
  const { group, state } = vnet;
  return { uses: uses.map((use) => ({ ...use, group })), state };
}

function isFor(use: GroupedUse, { group, wanted }: Sought): boolean {
  return use.group === group && formatWanted(use) === wanted;
}
