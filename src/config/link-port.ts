// A link in `ip=` (`unix:/path`) has no port, and the key `port` beside it means that something else was meant.

import { isLink } from "./link.js";
import type { Problems } from "./problem.js";

/** @param line of the key `port`; undefined: it is not there */
export function refuseLinkPort(
  section: string,
  ip: string,
  line: number | undefined,
  problems: Problems,
): void {
  if (!isLink(ip) || line === undefined) return;
  const scheme = ip.slice(0, ip.indexOf(":"));
  problems.add(
    { line, section, key: "port" },
    `found beside ip=${scheme}:…, which has no port of that kind; remove it`,
  );
}
