// Everything that a node says to the hub. The table is the definition: names, fields, bounds, and the type.

import * as v from "valibot";
import * as field from "./fields.js";
import { createMessageDecoder, type MessageOf } from "./message.js";

export const toHubMessages = {
  /**
   * First, as the answer to `proof`, and only once. `proof` shows that the node has the private half of `key`. `session` is the node process's own random token: whoever shows it again is the same
   * process coming back, and takes over what is left of it. `vnetid`: the one it had, or 0.
   */
  hello: v.object({
    ...field.abilities,
    software: field.label,
    name: field.label,
    group: field.label,
    guest: field.flag,
    vnetid: field.optionalVnetid,
    session: field.token,
    key: field.publicKey,
    proof: field.mac,
    encrypt: field.flag,
  }),
  /** Offers a serve to the group. `since`: it was registered then, and the link broke: it is no later for that. */
  register: v.object({
    request: field.request,
    serveid: field.wantedServeid,
    serve: field.particulars,
    since: v.optional(field.since),
  }),
  /** New particulars of a serve that stays registered. */
  update: v.object({
    serveid: field.serveid,
    serve: field.particulars,
  }),
  /** `keep`: this node goes and wants it back, so nobody else gets its id and name. */
  unregister: v.object({
    serveid: field.serveid,
    keep: v.optional(field.flag),
  }),
  /** Asks for a channel to a node; answered by `leg` or `refused`. */
  channel: v.object({ request: field.request, vnetid: field.vnetid }),
  ping: v.object({ request: field.request }),
  pong: v.object({ request: field.request }),
} as const;

export type ToHub = MessageOf<typeof toHubMessages>;
export type Hello = Extract<ToHub, { type: "hello" }>;
export const decodeToHub = createMessageDecoder(toHubMessages);
