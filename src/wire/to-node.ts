// Everything that the hub says to a node. The table is the definition: names, fields, bounds, and the type.

import * as v from "valibot";
import * as field from "./fields.js";
import { createMessageDecoder, type MessageOf } from "./message.js";

/** Why the hub ends a control link. */
export const goodbyeCodes = [
  "version",
  "protocol",
  "replaced",
  "limit",
  "shutdown",
] as const;

export const toNodeMessages = {
  /**
   * First: the hub's key, its signature of what is unique to this TLS connection, and a key made for this connection,
   * with which the node proves its own.
   */
  proof: v.object({
    ...field.abilities,
    software: field.label,
    key: field.publicKey,
    signature: field.signature,
    challenge: field.publicKey,
  }),
  /** `protocol` and `features`: what this link and this node's channels are settled on. */
  welcome: v.object({
    protocol: field.version,
    features: v.optional(field.features),
    software: field.label,
    vnetid: field.vnetid,
    /** what this node is called: its own name, or with a number where another key has that */
    name: field.label,
  }),
  /**
   * A change of what this node may see. After `welcome` the whole directory comes in this form too, in as many
   * messages as it takes; the last of them has `complete`, and so has every later one.
   */
  directory: v.object({
    nodes: v.array(field.directoryNode),
    goneNodes: v.array(field.vnetid),
    serves: v.array(field.directoryServe),
    goneServes: v.array(field.serveOf),
    complete: field.flag,
  }),
  /** `since`: with share=takeover, as the group sees it. */
  registered: v.object({
    request: field.request,
    serveid: field.serveid,
    since: v.optional(field.since),
  }),
  /** A serve is this node's no longer, as the one came back whose id it is. */
  unregistered: v.object({ serveid: field.serveid, reason: field.reason }),
  refused: v.object({ request: field.request, reason: field.reason }),
  /** The ticket for this node's leg of the channel that it asked for. */
  leg: v.object({ request: field.request, ticket: field.token }),
  /** Another node asks for a channel: the ticket for this node's leg, and who asks. */
  offer: v.object({
    ticket: field.token,
    vnetid: field.vnetid,
    name: field.label,
    key: field.publicKey,
    encrypt: field.flag,
  }),
  ping: v.object({ request: field.request }),
  pong: v.object({ request: field.request }),
  goodbye: v.object({
    code: v.picklist(goodbyeCodes),
    reason: field.reason,
  }),
} as const;

export type ToNode = MessageOf<typeof toNodeMessages>;
export type DirectoryChange = Extract<ToNode, { type: "directory" }>;
export type GoodbyeCode = (typeof goodbyeCodes)[number];
export const decodeToNode = createMessageDecoder(toNodeMessages);
