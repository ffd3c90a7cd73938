// Which serve a use of a dynamic id means: the one that it found first. The id may later be another serve's, also of the
// same node, and an old mapping must not reach that. Whose key it may be at all is Choice's.

import { formatServeid, formatVnetid, SERVEID } from "../config/config.js";
import { quoted } from "../printable.js";
import type { Provider } from "./search.js";

export class Meaning {
  private meant: Provider | undefined;
  /** whether the serve has been there without a break since it was found */
  private unbroken = false;

  /** The serve, where it is the one that is meant; else one line that says who is there instead. */
  check(found: Provider): Provider | string {
    const { meant } = this;
    if (meant !== undefined && !this.isSame(meant, found)) {
      const id = formatServeid(found.serveid);
      return `${id} is now ${quoted(found.name)} of vnet ${formatVnetid(found.vnetid)} (${quoted(found.vnet)}), this use means ${quoted(meant.name)} of ${quoted(meant.vnet)}; close and open it to take the new one`;
    }
    this.meant = found;
    this.unbroken = true;
    return found;
  }

  /** The serve is gone for now. */
  interrupt(): void {
    this.unbroken = false;
  }

  /** Whatever has the id next is meant. */
  forget(): void {
    this.meant = undefined;
    this.unbroken = false;
  }

  private isSame(meant: Provider, found: Provider): boolean {
    // People give static ids on purpose.
    if (found.serveid >= SERVEID.staticMin) return true;
    // Renamed by its owner while it was there.
    if (this.unbroken && meant.key === found.key) return true;
    // Others may have it too, or take it over: that is what its owner wanted.
    const isShared = meant.share !== "exclusive" && meant.share === found.share;
    return meant.name === found.name && (isShared || meant.key === found.key);
  }
}
