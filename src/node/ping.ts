// Round trips: to the hub on the control link, to a node through a channel of its own, so that no stream is in its way.

import type { ChannelPool } from "../channel/pool.js";
import { NO_USER } from "../channel/waiting-line.js";
import type { PingResult } from "./control.js";
import type { HubLink } from "./hub-link.js";

const PROBE_TIMEOUT_MS = 5_000;

export async function pingHub(
  link: HubLink,
  probes: number,
): Promise<PingResult> {
  const rttMs: number[] = [];
  for (let n = 0; n < probes; n++)
    rttMs.push(await link.ping(PROBE_TIMEOUT_MS));
  return { rttMs, path: null };
}

/**
 * The way's first part is a round trip to the hub just before, at the most the whole; the second part is what is left
 * of the whole. They do not run at once, as they would measure each other.
 */
export async function pingNode(
  link: HubLink,
  pool: ChannelPool,
  probes: number,
): Promise<PingResult> {
  const channel = await pool.acquire(NO_USER);
  try {
    // The first one on a new channel would measure its making, too: the other leg may not have come yet.
    await channel.ping(PROBE_TIMEOUT_MS);
    const rttMs: number[] = [];
    const hubMs: number[] = [];
    const nodeMs: number[] = [];
    for (let n = 0; n < probes; n++) {
      const toHub = await link.ping(PROBE_TIMEOUT_MS);
      const whole = await channel.ping(PROBE_TIMEOUT_MS);
      const first = Math.min(toHub, whole);
      rttMs.push(whole);
      hubMs.push(first);
      nodeMs.push(whole - first);
    }
    pool.release(channel);
    return { rttMs, path: { kind: "relay", hubMs, nodeMs } };
  } catch (error) {
    // Nobody answered on it: no stream shall be put on it.
    channel.destroy();
    throw error;
  }
}
