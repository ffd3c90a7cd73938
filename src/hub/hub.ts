// The hub: one port, groups, sessions and legs. Owns the listener and everything that came in through it.
//
//   connection → Reception ──control──→ Session → Group        registry and news
//                        └──leg──────→ Legs ───→ pump         copying only

import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { count } from "../count.js";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import { BoundedLog } from "../net/bounded-log.js";
import { createDuplexPair } from "../net/duplex-pair.js";
import { Listener } from "../net/listener.js";
import { quoted } from "../printable.js";
import type { Hello } from "../wire/to-hub.js";
import type { HostKey } from "../keys/host-key.js";
import type { KeyRing, KeyRingEntry } from "./key-ring.js";
import {
  OWN_PEER,
  Reception,
  type ControlArrival,
  type Prelude,
  type ReceptionOptions,
} from "./reception.js";
import { Claims, type Claim } from "./claims.js";
import { Group } from "./group.js";
import { Legs } from "./legs.js";
import { DEFAULT_HUB_LIMITS, type HubLimits } from "./limits.js";
import { Places } from "./places.js";
import { Session } from "./session.js";
import { Shortage } from "./shortage.js";

const MAX_EMPTY_GROUPS = 1_000;

export interface HubOptions extends Prelude, Pick<ReceptionOptions, "onPlain"> {
  host: string;
  /** 0: any free port, see `port` */
  port: number;
  /** name and version, for hello and welcome */
  software: string;
  log: Log;
  hostKey: HostKey;
  keys: KeyRing;
  limits?: Partial<HubLimits>;
  /** what was held before; without it that begins anew */
  claims?: Claims;
}

export interface HubCounts {
  groups: number;
  nodes: number;
  serves: number;
  /** connections that have not yet said what they are */
  unknown: number;
  legs: { joined: number; waiting: number };
}

/** Lines of the log about members: all of a big LAN's start, and few of somebody's who comes and goes for ever. */
const MEMBER_LINES = { perSecond: 50, burst: 20_000 };

export class Hub {
  private listener: Listener | undefined;
  private readonly limits: HubLimits;
  private readonly groups = new Map<string, Group<Session>>();
  /** groups without members, the longest empty one first */
  private readonly emptySince = new Map<Group<Session>, number>();
  private readonly sessions = new Set<Session>();
  private readonly byToken = new Map<string, Session>();
  private readonly reception: Reception;
  private readonly legs: Legs<Session>;
  private readonly shortage: Shortage;
  private readonly memberLog: BoundedLog;
  private readonly claims: Claims;
  private readonly places: Places<Session>;

  private constructor(private readonly options: HubOptions) {
    this.limits = { ...DEFAULT_HUB_LIMITS, ...options.limits };
    this.claims = options.claims ?? new Claims();
    this.claims.isUsed = (group, claim) =>
      this.groups.get(group)?.uses(claim) === true;
    const { maxNodes, reservePercent } = this.limits;
    const { credentials } = options.keys;
    this.places = new Places({ maxNodes, reservePercent, credentials });
    this.legs = new Legs({
      ticketMs: this.limits.ticketMs,
      marksOf: ({ marks }) => Object.values(marks),
    });
    this.shortage = new Shortage(options.log, () => this.reception.makeRoom());
    this.memberLog = new BoundedLog({
      ...{ log: options.log, ...MEMBER_LINES },
      sum: (n) => `${count(n, "more event")} of members`,
    });
    this.reception = new Reception({
      ...options,
      limits: this.limits,
      onControl: (arrival) => {
        this.openSession(arrival);
      },
      shortage: this.shortage,
      onLeg: (ticket, leg, hasRoom) =>
        hasRoom
          ? this.legs.arrive(ticket, leg)
          : this.legs.turnAway(ticket, leg),
    });
  }

  /** Rejects with VnetError `network` when it cannot listen. */
  static async start(options: HubOptions): Promise<Hub> {
    const hub = new Hub(options);
    hub.listener = await Listener.start({
      host: options.host,
      port: options.port,
      usesReserve: true,
      onConnection: (connection, peer) => {
        void hub.reception.receive(connection, peer);
      },
      onError: (error) => {
        options.log.error(error.message);
      },
    });
    return hub;
  }

  get port(): number {
    return this.listener?.port ?? 0;
  }

  /** Where it listens; of ALL_ADDRESSES what could be had. */
  get host(): string {
    return this.listener?.host ?? this.options.host;
  }

  get counts(): HubCounts {
    const groups = [...this.groups.values()].filter((group) => !group.isEmpty);
    const sum = (what: "nodes" | "serves") =>
      groups.reduce((total, group) => total + group.counts[what], 0);
    return {
      groups: groups.length,
      nodes: sum("nodes"),
      serves: sum("serves"),
      unknown: this.reception.size,
      legs: this.legs.counts,
    };
  }

  /**
   * A connection to this hub from within its own process: as one to its port, but without what a proxy or a monitor
   * would put in front. Its other end is received; whoever called owns this one.
   */
  connect(): Duplex {
    const { a, b } = createDuplexPair();
    void this.reception.receive(b, OWN_PEER);
    return a;
  }

  /** The operator ended claims (`./route forget`): others may have what they stood in the way of. */
  forgotten(group: string, claims: readonly Claim[]): void {
    this.groups.get(group)?.forgotten(claims);
  }

  /** Channels that are being copied; while it retires, those with a stream. */
  get running(): number {
    return this.legs.counts.joined;
  }

  /**
   * Stops listening, so that another hub can take the port, and says goodbye to every node. Channels go on: the nodes
   * close those without a stream, and the others when their streams end. Idempotent.
   */
  async retire(): Promise<void> {
    await this.listener?.close();
    this.reception.close();
    for (const session of [...this.sessions])
      session.end(
        new VnetError("closed", "the hub is shutting down"),
        "shutdown",
        false,
      );
    this.legs.retire();
  }

  /** Retires, and cuts off what runs. Idempotent. */
  async close(): Promise<void> {
    await this.retire();
    this.legs.close();
    this.memberLog.close();
  }

  private openSession(arrival: ControlArrival): void {
    const { limits, legs, shortage } = this;
    const { software, hostKey } = this.options;
    const session = new Session({
      arrival,
      hostKey,
      software,
      limits,
      log: this.memberLog,
      legs,
      shortage,
      admit: (hello, joining) => this.admitNode(hello, joining, arrival.entry),
      onEnd: (ended, group) => {
        this.sessions.delete(ended);
        arrival.leaveGate();
        this.places.leave(ended);
        if (this.byToken.get(ended.token) === ended)
          this.byToken.delete(ended.token);
        if (group?.isEmpty === true) this.emptied(group);
      },
    });
    this.sessions.add(session);
  }

  private admitNode(
    hello: Hello,
    session: Session,
    entry: KeyRingEntry,
  ): Group<Session> | Promise<Group<Session>> {
    if (!this.options.keys.opens(entry, hello.group))
      throw new VnetError(
        "refused",
        `this authkey does not open group ${quoted(hello.group)}; the group has a key of its own, or this key is another group's`,
      );
    // The same process came back before its old link was known to be dead.
    const older = this.byToken.get(hello.session);
    if (older !== undefined && older.key !== hello.key)
      throw new VnetError("protocol", "somebody else's session");
    older?.end(
      new VnetError("closed", "its node came back on a new link"),
      "replaced",
      true,
    );
    if (session.isOwn) this.places.add(session);
    else this.places.take(session);
    this.byToken.set(hello.session, session);
    const ghost = this.groups.get(hello.group)?.memberNamed(hello.name);
    // Perhaps it is long dead, nobody noticed, and its owner has come back as another process: then it is to have its name.
    if (!hello.guest && ghost?.key === hello.key)
      return ghost.isAlive(this.limits.holderProbeMs).then(() => {
        if (session.hasEnded)
          throw new VnetError("closed", "it left before it joined");
        return this.place(hello, session);
      });
    return this.place(hello, session);
  }

  /** Gives number and name. */
  private place(hello: Hello, session: Session): Group<Session> {
    const group = this.group(hello.group);
    const vnetid = group.takeVnetid(hello.vnetid, hello.key, hello.guest);
    if (vnetid === null)
      throw new VnetError("refused", `group ${quoted(hello.group)} is full`);
    session.vnetid = vnetid;
    session.name = group.nameFor(hello);
    return group;
  }

  /** What an empty group remembers of ids keeps for as long as the ids rest. */
  private emptied(group: Group<Session>): void {
    this.emptySince.delete(group);
    const now = performance.now();
    this.emptySince.set(group, now);
    for (const [old, since] of this.emptySince) {
      const isOver = now - since > this.limits.restMs;
      if (!isOver && this.emptySince.size <= MAX_EMPTY_GROUPS) return;
      this.emptySince.delete(old);
      if (old.isEmpty) this.groups.delete(old.name);
    }
  }

  private group(name: string): Group<Session> {
    let group = this.groups.get(name);
    if (group === undefined) {
      const { restMs, reservePercent } = this.limits;
      const now = () => performance.now();
      const { claims } = this;
      group = new Group(name, { restMs, now, claims, reservePercent });
      this.groups.set(name, group);
    }
    return group;
  }
}
