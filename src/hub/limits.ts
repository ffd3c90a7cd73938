// The hub's bounds, in one place. Those that a person may set are in `[limits]` of the configuration.

import type { HubConfig } from "../config/config.js";
import { DEFAULT_HEARTBEAT, type Heartbeat } from "../net/heartbeat.js";
import type { GateLimits } from "./gate.js";

export interface HubLimits extends GateLimits {
  heartbeat: Heartbeat;
  /** a connection has this long to prove what it is */
  handshakeMs: number;
  /** both legs of a channel have to come within this time */
  ticketMs: number;
  /** a freed dynamic serveid, or the vnetid of a node that left, is kept for its former owner this long */
  restMs: number;
  /** when a node asks for an id that its own earlier session holds, that one has this long for a sign of life */
  holderProbeMs: number;
  maxNodes: number;
  /** of places and ids: so much is kept for those who have few */
  reservePercent: number;
  maxServesPerNode: number;
  maxLegsPerNode: number;
  /** channels that one node asked another one for and that are not joined yet; a node's pool makes half as many */
  maxMakingPerPair: number;
  maxFramesPerSecond: number;
}

export const DEFAULT_HUB_LIMITS: HubLimits = {
  heartbeat: DEFAULT_HEARTBEAT,
  handshakeMs: 10_000,
  ticketMs: 10_000,
  restMs: 10 * 60_000,
  holderProbeMs: 1_000,
  maxUnauthenticated: 16_384,
  maxUnauthenticatedPerAddress: 1_024,
  maxNodes: 10_000,
  reservePercent: 10,
  maxServesPerNode: 999,
  maxLegsPerNode: 20_000,
  maxMakingPerPair: 256,
  maxFramesPerSecond: 2_000,
};

/** What a configuration says, in the hub's own units. */
export function limitsFrom({
  limits,
  route,
}: Pick<HubConfig, "limits" | "route">): Partial<HubLimits> {
  const { handshakeTimeoutSeconds, ...counts } = limits;
  return {
    ...counts,
    handshakeMs: handshakeTimeoutSeconds * 1000,
    heartbeat: {
      intervalMs: route.heartbeatIntervalMs,
      timeoutMs: route.heartbeatTimeoutMs,
    },
  };
}
