// Which hosts a user may ask a front for. Against DNS rebinding: a page of a foreign site whose name suddenly points here
// makes the user's browser ask us under that name, and reads the answers as its own. Pure.

import { isIpv4, isIpv6 } from "../config/host.js";

/**
 * Always: addresses, as nobody can point one elsewhere; localhost and names below it, which browsers do not look up; and
 * `known`. `*` allows all, `*.example` whatever stands below.
 */
export class AllowedHosts {
  private readonly names: ReadonlySet<string>;
  private readonly below: readonly string[];
  private readonly isOpen: boolean;

  /** @param known hosts as a Host header says them; ports do not count */
  constructor(known: readonly string[]) {
    const names = known.map(nameOf).filter((name) => name !== "");
    this.isOpen = names.includes("*");
    this.names = new Set(names);
    this.below = names
      .filter((name) => name.startsWith("*."))
      .map((name) => name.slice(1));
  }

  has(host: string): boolean {
    const name = nameOf(host);
    return (
      this.isOpen ||
      this.names.has(name) ||
      isAddress(name) ||
      name === "localhost" ||
      [".localhost", ...this.below].some((end) => name.endsWith(end))
    );
  }
}

/** `name`, `name:80`, `192.0.2.1:80`, `[::1]:80`; nothing that a service could take for something else. */
export function isProperHost(host: string): boolean {
  const [, name = ""] =
    /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{0,5})?$/i.exec(host) ?? [];
  return name.startsWith("[")
    ? isIpv6(name.slice(1, -1))
    : /[a-z0-9]/i.test(name);
}

/** Lower case, without the port, brackets and the dot at the end. */
function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "");
}

function isAddress(name: string): boolean {
  return isIpv4(name) || isIpv6(name);
}
