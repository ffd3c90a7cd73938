// Which protocol two builds speak with each other: a range of versions and a set of features on each side. Both sides
// compute the same answer from what both have said. Pure.

import { VnetError } from "../errors.js";

/**
 * What one build can speak. `protocol` is its newest version and `oldest` its oldest. `features` are abilities beyond
 * those versions; a side uses one only where the other side has it, too.
 */
export interface Abilities {
  protocol: number;
  oldest: number;
  features: readonly string[];
}

/** What two builds have in common. */
export interface Settled {
  protocol: number;
  features: ReadonlySet<string>;
}

/** This build. Version 4 is the first that is negotiated; version 3 and older are refused. */
export const OWN_ABILITIES: Abilities = {
  protocol: 4,
  oldest: 4,
  features: [],
};

/** The fields of `hello` and `proof`, where `oldest` and `features` may be left out. */
export interface ToldAbilities {
  protocol: number;
  oldest?: number | undefined;
  features?: readonly string[] | undefined;
}

/** A build that names no range speaks its one version only. */
export function abilitiesOf(told: ToldAbilities): Abilities {
  const { protocol, oldest = protocol, features = [] } = told;
  return { protocol, oldest, features };
}

/**
 * The newest version that both speak, and the features that both have.
 * Throws VnetError `refused`, which names both ranges, when they have no version in common.
 * @param titles how each side is named in that error
 */
export function settle(
  own: Abilities,
  other: Abilities,
  titles: { own: string; other: string },
): Settled {
  const protocol = Math.min(own.protocol, other.protocol);
  if (protocol < Math.max(own.oldest, other.oldest))
    throw new VnetError(
      "refused",
      `${titles.other} speaks protocol ${rangeOf(other)}, ${titles.own} speaks ${rangeOf(own)}: update the older one of the two`,
    );
  const theirs = new Set(other.features);
  const features = own.features.filter((feature) => theirs.has(feature));
  return { protocol, features: new Set(features) };
}

function rangeOf({ oldest, protocol }: Abilities): string {
  return oldest === protocol ? `${protocol}` : `${oldest} to ${protocol}`;
}
