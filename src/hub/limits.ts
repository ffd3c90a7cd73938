// The hub's bounds, in one place.

import { DEFAULT_HEARTBEAT, type Heartbeat } from "../net/control-link.js";

export interface HubLimits {
  heartbeat: Heartbeat;
  /** a connection has this long to say what it is, and a control link to say hello */
  handshakeMs: number;
  /** both legs of a channel have to come within this time */
  ticketMs: number;
  /** a provider has this long to answer a request for an unserve */
  unserveMs: number;
  /** a freed dynamic serveid, or the vnetid of a node that left, is kept for its former owner this long */
  restMs: number;
  /** when somebody asks for an id that is held, its holder has this long for a sign of life */
  holderProbeMs: number;
  /** connections that have not yet said what they are */
  maxUnknown: number;
}

export const DEFAULT_HUB_LIMITS: HubLimits = {
  heartbeat: DEFAULT_HEARTBEAT,
  handshakeMs: 10_000,
  ticketMs: 10_000,
  unserveMs: 8_000,
  restMs: 10 * 60_000,
  holderProbeMs: 2_000,
  maxUnknown: 4_096,
};
