// What the hub does at each message of a node that has joined: one handler a message, acting on the node's own group.
// Holds no state of its own.

import { formatServeid, formatVnetid, SERVEID } from "../config/config.js";
import { isLink } from "../config/link.js";
import { count } from "../count.js";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import { formatAddress } from "../net/address.js";
import { BoundedLog } from "../net/bounded-log.js";
import { quoted } from "../printable.js";
import type { ServeParticulars } from "../wire/fields.js";
import type { MessageHandlers } from "../wire/message.js";
import { mayTake } from "./fair-share.js";
import type { Group } from "./group.js";
import type { Legs } from "./legs.js";
import type { HubLimits } from "./limits.js";
import type { MemberMessage, Session } from "./session.js";
import type { Shortage } from "./shortage.js";

export interface MemberHandlerOptions {
  session: Session;
  group: Group<Session>;
  legs: Legs<Session>;
  limits: HubLimits;
  /** what the hub's log says of its serves */
  changes: BoundedLog;
  shortage: Shortage;
}

/** The hub's own public ports leave so much of a node's channels for those of nodes: who uses a port may be anybody. */
const KEPT_SHARE = 1 / 4;

/** All lines of a node that starts with 999 serves, and few of one that registers and unregisters for ever. */
const CHANGES = { perSecond: 10, burst: 2_000 };

const LEVELS = ["identity", "address"] as const;

type Handlers = MessageHandlers<MemberMessage>;

/** What the log says of a member's serves. Whoever makes it closes it. */
export function createChangesLog(log: Log, { who }: Session): BoundedLog {
  return new BoundedLog({
    ...{ log, ...CHANGES },
    sum: (n) => ({ who, what: `${count(n, "more change")} of its serves` }),
  });
}

export function createMemberHandlers(options: MemberHandlerOptions): Handlers {
  return {
    ...createServeHandlers(options),
    ...createChannelHandlers(options),
  };
}

function createServeHandlers({
  session,
  group,
  limits,
  changes,
}: MemberHandlerOptions): Pick<Handlers, "register" | "update" | "unregister"> {
  const { who } = session;

  /** Somebody else's serve, or one that is gone already, is none of this session's business. */
  const own = (serveid: number) => group.serveOf(session, serveid);

  const register: Handlers["register"] = (message) => {
    const { request, serveid, serve, since } = message;
    try {
      if (group.servesOf(session).length >= limits.maxServesPerNode)
        throw new VnetError(
          "refused",
          `the hub allows ${limits.maxServesPerNode} serves for each node (max_serves_per_node)`,
        );
      const given = group.register(session, serveid, serve, since);
      session.send({
        type: "registered",
        request,
        serveid: given.serveid,
        ...(given.share === "takeover" && { since: given.since }),
      });
      changes.info({ who, what: `serves ${describe(given.serveid, serve)}` });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      session.send({ type: "refused", request, reason: error.message });
    }
  };

  return {
    register: (message) => {
      if (session.guest) {
        const { request } = message;
        const reason = "a guest offers nothing";
        session.send({ type: "refused", request, reason });
        return;
      }
      // A session that went silent is taken over by its own node only; for others its id is free when it is given up.
      const holder =
        message.serveid >= SERVEID.staticMin
          ? group
              .holders(message.serveid)
              .map(({ owner }) => owner)
              .find((owner) => owner !== session && owner.key === session.key)
          : undefined;
      if (holder === undefined) {
        register(message);
        return;
      }
      // Perhaps its holder is long dead and nobody noticed yet, and the owner has come back.
      void holder.isAlive(limits.holderProbeMs).then(() => {
        if (session.isJoined) register(message);
      });
    },
    update: ({ serveid, serve: particulars }) => {
      const serve = own(serveid);
      if (serve !== undefined) group.update(serve, particulars);
    },
    unregister: ({ serveid, keep }) => {
      const serve = own(serveid);
      if (serve === undefined) return;
      if (keep === true) group.remove(serve);
      else group.release(serve);
      changes.info({
        who,
        what: `serves ${describe(serveid, serve)} no longer`,
      });
    },
  };
}

function createChannelHandlers({
  session,
  group,
  legs,
  limits,
  shortage,
}: MemberHandlerOptions): Pick<Handlers, "channel"> {
  /** Of the channels of that node this one, or all of its address, have more than leaves some for others. */
  const hasTooMany = (target: Session) => {
    const { maxLegsPerNode, reservePercent } = limits;
    const free = maxLegsPerNode - legs.countOf(target);
    return !LEVELS.every((level) => {
      const held = legs.heldBy(session.marks[level], target);
      return mayTake(level, held, free, reservePercent);
    });
  };

  return {
    channel: ({ request, vnetid }) => {
      const target = group.member(vnetid);
      if (target === undefined) {
        session.send({ type: "refused", request, reason: noSuchNode(vnetid) });
        return;
      }
      for (const party of [session, target])
        if (legs.countOf(party) >= limits.maxLegsPerNode) {
          const reason = `vnet ${party.title} has as many channels as the hub allows (max_legs_per_node)`;
          session.send({ type: "refused", request, reason });
          return;
        }
      const kept = limits.maxLegsPerNode * KEPT_SHARE;
      if (
        session.isOwn &&
        legs.countOf(target) + kept >= limits.maxLegsPerNode
      ) {
        const reason = `vnet ${target.title} has three quarters of the channels that the hub allows, the rest is kept for nodes (max_legs_per_node)`;
        session.send({ type: "refused", request, reason });
        return;
      }
      if (!session.isOwn && hasTooMany(target)) {
        const reason = `the last channels to vnet ${target.title} are kept for nodes that have few to it (max_legs_per_node, reserve)`;
        session.send({ type: "refused", request, reason });
        return;
      }
      if (legs.makingOf(session, target) >= limits.maxMakingPerPair) {
        const reason = `${limits.maxMakingPerPair} channels to vnet ${target.title} are being made already`;
        session.send({ type: "refused", request, reason });
        return;
      }
      if (shortage.isThereForChannel(legs.expected + 2)) {
        const { reason } = shortage;
        session.send({ type: "refused", request, reason });
        return;
      }
      const tickets = legs.issue(session, target);
      session.send({ type: "leg", request, ticket: tickets.from });
      target.send({
        type: "offer",
        ticket: tickets.to,
        vnetid: session.vnetid,
        name: session.name,
        key: session.key,
        encrypt: session.encrypt,
      });
    },
  };
}

function noSuchNode(vnetid: number): string {
  return `no node ${formatVnetid(vnetid)} in this group; \`show vnets\` lists them`;
}

/** `700 ssh (tcp, 127.0.0.1:22)` */
function describe(
  serveid: number,
  { name, type, ip, port }: ServeParticulars,
): string {
  const target = isLink(ip) ? quoted(ip) : formatAddress(ip, port);
  return `${formatServeid(serveid)} ${quoted(name)} (${quoted(type)}, ${target})`;
}
