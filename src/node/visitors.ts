// Whose connections a use has: lets in by address and number, and cuts those on which nothing passes any more.

import type { UseSettings } from "../config/config.js";
import { VnetError } from "../errors.js";
import { networkOf } from "../net/address.js";
import { Networks } from "../net/networks.js";
import { UNIX_ADDRESS, type Peer } from "../net/peer.js";
import type { Stream } from "../channel/stream.js";

/** A stream is looked at so often within its time, */
const LOOKS = 4;
/** and at least once in that time: a timer of more than 2^31 ms (24 days) comes at once. */
const MAX_PERIOD_MS = 3_600_000;

export class Visitors {
  private readonly from: Networks | null;
  private readonly perAddress = new Map<string, number>();
  private count = 0;

  constructor(private readonly settings: UseSettings) {
    const { from } = settings;
    this.from = from === undefined ? null : new Networks(from);
  }

  /** Throws VnetError `refused`; else to be called once, when that connection is over. */
  admit({ address }: Peer): () => void {
    const { maxConnections, maxPerAddress } = this.settings;
    // Who may use a socket file its mode says.
    const isFile = address === UNIX_ADDRESS;
    if (this.from !== null && !isFile && !this.from.has(address))
      throw new VnetError("refused", `${address} is not in from=`);
    if (maxConnections !== undefined && this.count >= maxConnections)
      throw new VnetError(
        "refused",
        `there are ${maxConnections} connections already (max_connections)`,
      );
    const network = networkOf(address);
    const own = this.perAddress.get(network) ?? 0;
    if (maxPerAddress !== undefined && !isFile && own >= maxPerAddress)
      throw new VnetError(
        "refused",
        `there are ${maxPerAddress} connections of ${network} already (max_per_address)`,
      );
    this.count++;
    this.perAddress.set(network, own + 1);
    return () => {
      this.count--;
      const left = (this.perAddress.get(network) ?? 1) - 1;
      if (left > 0) this.perAddress.set(network, left);
      else this.perAddress.delete(network);
    };
  }

  /** Resets it when nothing has passed for as long as it may be idle. */
  watch(stream: Stream): void {
    const { idleTimeoutSeconds } = this.settings;
    if (idleTimeoutSeconds === undefined || stream.isOver) return;
    const timeoutMs = idleTimeoutSeconds * 1_000;
    const periodMs = Math.min(timeoutMs / LOOKS, MAX_PERIOD_MS);
    let { bytes } = stream;
    let quiet = 0;
    const timer = setInterval(() => {
      quiet = stream.bytes === bytes ? quiet + 1 : 0;
      ({ bytes } = stream);
      if (quiet * periodMs >= timeoutMs)
        stream.reset(`idle for ${idleTimeoutSeconds} s (idle_timeout)`);
    }, periodMs);
    stream.on("end", () => {
      clearInterval(timer);
    });
  }
}
