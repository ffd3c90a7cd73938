// Counters of a node's user traffic, shared by all its streams. Only counts.

export interface Traffic {
  streamsNow: number;
  streamsTotal: number;
  /** user bytes that came out of channels, and that went into them */
  bytesIn: number;
  bytesOut: number;
}

export function createTraffic(): Traffic {
  return { streamsNow: 0, streamsTotal: 0, bytesIn: 0, bytesOut: 0 };
}
