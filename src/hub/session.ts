// One node's control link at the hub, from hello to its end: turns the node's messages into acts on its group.
// Everything that a session registered goes with it. It never touches another session but through the group and the hub.

import { timingSafeEqual } from "node:crypto";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import type { HostKey } from "../keys/host-key.js";
import { Identity } from "../keys/identity.js";
import { identityProof } from "../keys/psk.js";
import type { BoundedLog } from "../net/bounded-log.js";
import { ControlLink } from "../net/control-link.js";
import { quoted } from "../printable.js";
import { clipReason } from "../wire/fields.js";
import { dispatch, type MessageHandlers } from "../wire/message.js";
import type { GoodbyeCode, ToNode } from "../wire/to-node.js";
import { decodeToHub, type Hello, type ToHub } from "../wire/to-hub.js";
import {
  abilitiesOf,
  OWN_ABILITIES,
  settle,
  type Settled,
} from "../wire/version.js";
import type { ControlArrival } from "./reception.js";
import type { Level } from "./fair-share.js";
import { memberTitle, type Group, type Member } from "./group.js";
import { createChangesLog, createMemberHandlers } from "./member-handlers.js";
import type { HubLimits } from "./limits.js";
import type { Legs } from "./legs.js";
import type { Shortage } from "./shortage.js";

export type HubLink = ControlLink<ToHub, ToNode>;
type Probe = { type: "ping" | "pong" };
type NodeMessage = Exclude<ToHub, Probe>;
/** What a node says once it has joined. */
export type MemberMessage = Exclude<NodeMessage, { type: "hello" }>;

/** What comes before a node has joined; a hello has some 700 bytes. */
const MAX_HELLO_BYTES = 8 * 1024;

export interface SessionOptions {
  arrival: ControlArrival;
  hostKey: HostKey;
  software: string;
  limits: HubLimits;
  log: Log;
  legs: Legs<Session>;
  shortage: Shortage;
  /**
   * The group of that name, with any older session of the same node ended, and number and name given; later where an older
   * session has to be asked for a sign of life. Throws or rejects with VnetError when it cannot join.
   */
  admit: (
    hello: Hello,
    session: Session,
  ) => Group<Session> | Promise<Group<Session>>;
  onEnd: (session: Session, group: Group<Session> | undefined) => void;
}

export class Session implements Member {
  private state: "new" | "greeted" | "joined" | "ended" = "new";
  private hello: Hello | undefined;
  private group: Group<Session> | undefined;
  /** set while joined: the gate before everything but hello */
  private handlers: MessageHandlers<MemberMessage> | undefined;
  private changes: BoundedLog | undefined;
  private helloTimer: NodeJS.Timeout;
  private readonly link: HubLink;
  /** made for this connection: with it the node proves that it has the private half of its key */
  private readonly challenge = Identity.generate();
  vnetid = 0;
  /** what it is called: as its hello says, or with a number behind it */
  name = "";

  constructor(private readonly options: SessionOptions) {
    const { limits, arrival, hostKey, software } = options;
    const link = new ControlLink<ToHub, ToNode>({
      duplex: arrival.duplex,
      decode: decodeToHub,
      heartbeat: limits.heartbeat,
      maxMessagesPerSecond: limits.maxFramesPerSecond,
      maxFrameBytes: MAX_HELLO_BYTES,
      farewell: (error) => ({
        type: "goodbye",
        code: "protocol",
        reason: clipReason(error.message),
      }),
    });
    this.link = link;
    this.helloTimer = setTimeout(() => {
      this.end(
        new VnetError("timeout", "no hello came in time"),
        "protocol",
        false,
      );
    }, limits.handshakeMs);
    link.on("message", (message) => {
      this.receive(message);
    });
    link.on("close", (reason) => {
      this.ended(reason, reason.code !== "closed");
    });
    link.open();
    link.send({
      type: "proof",
      ...OWN_ABILITIES,
      features: [...OWN_ABILITIES.features],
      software,
      key: hostKey.publicKey.toString("base64"),
      signature: hostKey.prove(arrival.binding).toString("base64"),
      challenge: this.challenge.publicKey.toString("base64"),
    });
  }

  private get from(): string {
    return this.options.arrival.from;
  }

  get isJoined(): boolean {
    return this.state === "joined";
  }

  get hasEnded(): boolean {
    return this.state === "ended";
  }

  get guest(): boolean {
    return this.hello?.guest ?? false;
  }

  get title(): string {
    return memberTitle(this.vnetid, this.name);
  }

  get who(): string {
    const { group, from, title } = this;
    if (group === undefined) return `connection from ${from}`;
    return `vnet ${title} of group ${quoted(group.name)}`;
  }

  /** its identity, base64; it has proved to have the private half */
  get key(): string {
    return this.hello?.key ?? "";
  }

  get encrypt(): boolean {
    return this.hello?.encrypt ?? true;
  }

  /** a node of the hub's own process */
  get isOwn(): boolean {
    return this.options.arrival.isOwn;
  }

  get credential(): string {
    return this.options.arrival.entry.group ?? "";
  }

  /** its network; empty: nobody's in particular */
  get crowd(): string {
    return this.options.arrival.crowd;
  }

  /** Channels to one node are shared out by these; whoever is of nobody's network counts for itself alone. */
  get marks(): Record<Level, string> {
    const { key, crowd } = this;
    return { identity: `key ${key}`, address: `crowd ${crowd || key}` };
  }

  /** the node process's token, see `hello` */
  get token(): string {
    return this.hello?.session ?? "";
  }

  sendFrame(frame: Buffer): void {
    this.link.sendFrame(frame);
  }

  send(message: Exclude<ToNode, Probe>): void {
    this.link.send(message);
  }

  /** Resolves true when the node answers within `timeoutMs`; one that does not is ended. */
  async isAlive(timeoutMs: number): Promise<boolean> {
    try {
      await this.link.ping(timeoutMs);
      return true;
    } catch {
      this.end(
        new VnetError("timeout", "gave no sign of life"),
        "replaced",
        true,
      );
      return false;
    }
  }

  /** Ends the session; with `cut`, its channels too. Idempotent. */
  end(reason: VnetError, code: GoodbyeCode, cut: boolean): void {
    this.ended(reason, cut);
    this.link.close(reason, {
      type: "goodbye",
      code,
      reason: clipReason(reason.message),
    });
  }

  private ended(reason: VnetError, cut: boolean): void {
    if (this.state === "ended") return;
    const { log, legs } = this.options;
    this.state = "ended";
    clearTimeout(this.helloTimer);
    this.group?.leave(this);
    // After a plain disconnect the legs tell of their own end; after silence nobody else would.
    if (cut) legs.drop(this);
    else legs.dropWaiting(this);
    this.changes?.close();
    const { who } = this;
    const why = reason.message;
    if (reason.code === "protocol") log.warn({ who, what: "was cut off", why });
    else if (!this.guest) log.info({ who, what: "left", why });
    this.options.onEnd(this, this.group);
  }

  private receive(message: NodeMessage): void {
    try {
      if (message.type === "hello") this.greet(message);
      else if (this.handlers !== undefined) dispatch(this.handlers, message);
      else
        throw new VnetError(
          "protocol",
          `message ${message.type} came before ${this.state === "new" ? "hello" : "welcome"}`,
        );
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    if (!(error instanceof VnetError)) throw error;
    const isProtocol = error.code === "protocol";
    this.end(error, isProtocol ? "protocol" : "limit", isProtocol);
  }

  private greet(hello: Hello): void {
    if (this.state !== "new") throw new VnetError("protocol", "a second hello");
    clearTimeout(this.helloTimer);
    const settled = this.settle(hello);
    if (settled === undefined) return;
    if (!this.isProved(hello))
      throw new VnetError("protocol", "did not prove its identity key");
    this.hello = hello;
    this.state = "greeted";
    const admitted = this.options.admit(hello, this);
    if (!(admitted instanceof Promise)) {
      this.join(admitted, settled);
      return;
    }
    admitted.then(
      (group) => {
        this.join(group, settled);
      },
      (error: unknown) => {
        this.fail(error);
      },
    );
  }

  /** What this link speaks; undefined when there is nothing in common, and then the session is ended. */
  private settle(hello: Hello): Settled | undefined {
    try {
      return settle(OWN_ABILITIES, abilitiesOf(hello), {
        own: `the hub (${this.options.software})`,
        other: `this node (${quoted(hello.software)})`,
      });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.end(error, "version", false);
      return undefined;
    }
  }

  private isProved(hello: Hello): boolean {
    const shared = this.challenge.agree(Buffer.from(hello.key, "base64"));
    const expected = identityProof(shared, this.options.arrival.binding);
    return timingSafeEqual(Buffer.from(expected), Buffer.from(hello.proof));
  }

  private join(group: Group<Session>, { protocol, features }: Settled): void {
    const { software, log, legs, limits, arrival, shortage } = this.options;
    arrival.leaveGate();
    this.link.acceptLargeFrames();
    this.group = group;
    this.state = "joined";
    this.changes = createChangesLog(log, this);
    this.handlers = createMemberHandlers({
      session: this,
      group,
      legs,
      limits,
      changes: this.changes,
      shortage,
    });
    this.send({
      type: "welcome",
      protocol,
      features: [...features],
      software,
      vnetid: this.vnetid,
      name: this.name,
    });
    group.join(this);
    if (!this.guest)
      log.info({
        who: `vnet ${this.title}`,
        what: `joined group ${quoted(group.name)} from ${this.from}`,
      });
  }
}
