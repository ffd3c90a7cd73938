// The messages between a node and its hub by their part in the conversation. Types only.

import type { ToHub } from "../wire/to-hub.js";
import type { ToNode } from "../wire/to-node.js";

export type Probe = { type: "ping" | "pong" };
export type Reply = Extract<ToNode, { type: "registered" | "refused" | "leg" }>;
export type Told = Exclude<ToNode, Probe>;
/** What the hub says unasked, once the link is up. */
export type HubNews = Exclude<
  Told,
  Reply | { type: "proof" | "welcome" | "goodbye" }
>;
export type Asking = Extract<ToHub, { type: "register" | "channel" }>;
/** A request without its number, which the link gives it. */
export type Unnumbered<M> = M extends { request: number }
  ? Omit<M, "request">
  : never;
