// The hub: one port, groups, sessions and legs. Owns the listener and everything that came in through it.
//
//   connection ──first bytes──→ control → Session → Group        registry and news
//                          └──→ leg ────→ Legs ───→ pump         copying only

import type net from "node:net";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import { ControlLink } from "../net/control-link.js";
import { readFirstBytes } from "../net/first-bytes.js";
import { Listener } from "../net/listener.js";
import {
  decodePreamble,
  PREAMBLE_BYTES,
  TICKET_BYTES,
} from "../wire/preamble.js";
import { decodeToHub, type Hello, type ToHub } from "../wire/to-hub.js";
import type { ToNode } from "../wire/to-node.js";
import { Group } from "./group.js";
import { Legs } from "./legs.js";
import { DEFAULT_HUB_LIMITS, type HubLimits } from "./limits.js";
import { Session } from "./session.js";
import { UnserveRequests } from "./unserve-requests.js";

const MAX_EMPTY_GROUPS = 1_000;

export interface HubOptions {
  host: string;
  /** 0: any free port, see `port` */
  port: number;
  /** name and version, for hello and welcome */
  software: string;
  log: Log;
  limits?: Partial<HubLimits>;
}

export interface HubCounts {
  groups: number;
  nodes: number;
  serves: number;
  /** connections that have not yet said what they are */
  unknown: number;
  legs: { joined: number; waiting: number };
}

export class Hub {
  private listener: Listener | undefined;
  private readonly limits: HubLimits;
  private readonly groups = new Map<string, Group<Session>>();
  /** groups without members, the longest empty one first */
  private readonly emptySince = new Map<Group<Session>, number>();
  private readonly sessions = new Set<Session>();
  private readonly byToken = new Map<string, Session>();
  private readonly unknown = new Set<net.Socket>();
  private readonly legs: Legs<Session>;
  private readonly unserves: UnserveRequests<Session>;

  private constructor(private readonly options: HubOptions) {
    this.limits = { ...DEFAULT_HUB_LIMITS, ...options.limits };
    this.legs = new Legs({ ticketMs: this.limits.ticketMs });
    this.unserves = new UnserveRequests({
      timeoutMs: this.limits.unserveMs,
      onRefused: ({ requester, request }, reason) => {
        requester.send({ type: "refused", request, reason: reason.message });
      },
    });
  }

  /** Rejects with VnetError `network` when it cannot listen. */
  static async start(options: HubOptions): Promise<Hub> {
    const hub = new Hub(options);
    hub.listener = await Listener.start({
      host: options.host,
      port: options.port,
      onConnection: (socket) => {
        void hub.meet(socket);
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

  get counts(): HubCounts {
    const groups = [...this.groups.values()].filter((group) => !group.isEmpty);
    const sum = (what: "nodes" | "serves") =>
      groups.reduce((total, group) => total + group.counts[what], 0);
    return {
      groups: groups.length,
      nodes: sum("nodes"),
      serves: sum("serves"),
      unknown: this.unknown.size,
      legs: this.legs.counts,
    };
  }

  /** Says goodbye to every node and closes everything. Idempotent. */
  async close(): Promise<void> {
    await this.listener?.close();
    for (const socket of this.unknown) socket.destroy();
    for (const session of [...this.sessions])
      session.end(
        new VnetError("closed", "the hub is shutting down"),
        "shutdown",
        true,
      );
    this.legs.close();
  }

  /** Finds out what a new connection is. */
  private async meet(socket: net.Socket): Promise<void> {
    const { log } = this.options;
    const from = `${socket.remoteAddress ?? "?"}:${socket.remotePort ?? 0}`;
    socket.on("error", (error) => {
      log.debug(`connection from ${from}: ${error.message}`);
    });
    if (this.unknown.size >= this.limits.maxUnknown) {
      socket.destroy();
      return;
    }
    this.unknown.add(socket);
    try {
      await this.admitConnection(socket, from);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      log.warn(`connection from ${from}: ${error.message}`);
      socket.destroy();
    } finally {
      this.unknown.delete(socket);
    }
  }

  private async admitConnection(
    socket: net.Socket,
    from: string,
  ): Promise<void> {
    const { handshakeMs } = this.limits;
    const first = await readFirstBytes(socket, PREAMBLE_BYTES, handshakeMs);
    const kind = decodePreamble(first);
    if (kind === "control") {
      this.openSession(socket, from);
      return;
    }
    if (kind !== "leg") throw new VnetError("protocol", "is no vnet");
    const ticket = await readFirstBytes(socket, TICKET_BYTES, handshakeMs);
    if (!this.legs.arrive(ticket.toString("hex"), socket))
      throw new VnetError("refused", "a leg with an unknown or expired ticket");
  }

  private openSession(socket: net.Socket, from: string): void {
    const { limits, legs, unserves } = this;
    const { software, log } = this.options;
    const link = new ControlLink<ToHub, ToNode>({
      duplex: socket,
      decode: decodeToHub,
      heartbeat: limits.heartbeat,
      farewell: (error) => ({
        type: "goodbye",
        code: "protocol",
        reason: error.message,
      }),
    });
    const session = new Session({
      link,
      from,
      software,
      limits,
      log,
      legs,
      unserves,
      admit: (hello, joining) => this.admitNode(hello, joining),
      onEnd: (ended, group) => {
        this.sessions.delete(ended);
        if (this.byToken.get(ended.token) === ended)
          this.byToken.delete(ended.token);
        if (group?.isEmpty === true) this.emptied(group);
      },
    });
    this.sessions.add(session);
  }

  private admitNode(hello: Hello, session: Session): Group<Session> {
    // The same process came back before its old link was known to be dead.
    this.byToken
      .get(hello.session)
      ?.end(
        new VnetError("closed", "its node came back on a new link"),
        "replaced",
        true,
      );
    this.byToken.set(hello.session, session);
    const group = this.group(hello.group);
    const vnetid = group.takeVnetid(hello.vnetid, hello.name, hello.guest);
    if (vnetid === null)
      throw new VnetError("refused", `group ${hello.group} is full`);
    session.vnetid = vnetid;
    return group;
  }

  /** What an empty group remembers of ids keeps for as long as the ids rest. */
  private emptied(group: Group<Session>): void {
    this.emptySince.delete(group);
    this.emptySince.set(group, Date.now());
    for (const [old, since] of this.emptySince) {
      const isOver = Date.now() - since > this.limits.restMs;
      if (!isOver && this.emptySince.size <= MAX_EMPTY_GROUPS) return;
      this.emptySince.delete(old);
      if (old.isEmpty) this.groups.delete(old.name);
    }
  }

  private group(name: string): Group<Session> {
    let group = this.groups.get(name);
    if (group === undefined) {
      const { restMs } = this.limits;
      group = new Group(name, { restMs, now: Date.now });
      this.groups.set(name, group);
    }
    return group;
  }
}
