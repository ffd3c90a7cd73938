// What may stand once only in a file: says where each value first stood, and complains about the second one.

import type { Problems } from "./problem.js";

export interface Site {
  readonly line: number;
  readonly section: string;
  readonly key: string;
}

export type Once = (value: string, site: Site) => void;

/** @param allowed completes "found …, allowed: …" */
export function once(problems: Problems, allowed: string): Once {
  const seen = new Map<string, Site>();
  return (value, site) => {
    const first = seen.get(value);
    if (first === undefined) seen.set(value, site);
    else
      problems.add(
        site,
        `found ${value}, which [${first.section}] has on ${first.line === 0 ? "the command line" : `line ${first.line}`}; allowed: ${allowed}`,
      );
  };
}
