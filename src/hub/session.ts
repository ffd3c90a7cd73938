// One node's control link at the hub, from hello to its end: turns the node's messages into acts on its group.
// Everything that a session registered goes with it. It never touches another session but through the group and the hub.

import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import type { ControlLink } from "../net/control-link.js";
import { clipReason } from "../wire/fields.js";
import { dispatch, type MessageHandlers } from "../wire/message.js";
import type { GoodbyeCode, ToNode } from "../wire/to-node.js";
import { PROTOCOL_VERSION, type Hello, type ToHub } from "../wire/to-hub.js";
import { memberTitle, type Group, type Member } from "./group.js";
import { createMemberHandlers } from "./member-handlers.js";
import type { HubLimits } from "./limits.js";
import type { Legs } from "./legs.js";
import type { UnserveRequests } from "./unserve-requests.js";

export type HubLink = ControlLink<ToHub, ToNode>;
type Probe = { type: "ping" | "pong" };
type NodeMessage = Exclude<ToHub, Probe>;
/** What a node says once it has joined. */
export type MemberMessage = Exclude<NodeMessage, { type: "hello" }>;

export interface SessionOptions {
  link: HubLink;
  /** the address it came from, for the log */
  from: string;
  software: string;
  limits: HubLimits;
  log: Log;
  legs: Legs<Session>;
  unserves: UnserveRequests<Session>;
  /** The group of that name, with any older session of the same node ended. Throws VnetError when it cannot join. */
  admit: (hello: Hello, session: Session) => Group<Session>;
  onEnd: (session: Session, group: Group<Session> | undefined) => void;
}

export class Session implements Member {
  private state: "new" | "joined" | "ended" = "new";
  private hello: Hello | undefined;
  private group: Group<Session> | undefined;
  /** set while joined: the gate before everything but hello */
  private handlers: MessageHandlers<MemberMessage> | undefined;
  private helloTimer: NodeJS.Timeout;
  vnetid = 0;

  constructor(private readonly options: SessionOptions) {
    const { link, limits } = options;
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
  }

  get isJoined(): boolean {
    return this.state === "joined";
  }

  get name(): string {
    return this.hello?.name ?? "";
  }

  get guest(): boolean {
    return this.hello?.guest ?? false;
  }

  get title(): string {
    return memberTitle(this.vnetid, this.name);
  }

  /** the node process's token, see `hello` */
  get token(): string {
    return this.hello?.session ?? "";
  }

  sendFrame(frame: Buffer): void {
    this.options.link.sendFrame(frame);
  }

  send(message: Exclude<ToNode, Probe>): void {
    this.options.link.send(message);
  }

  /** Resolves true when the node answers within `timeoutMs`; one that does not is ended. */
  async isAlive(timeoutMs: number): Promise<boolean> {
    try {
      await this.options.link.ping(timeoutMs);
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
    this.options.link.close(reason, {
      type: "goodbye",
      code,
      reason: clipReason(reason.message),
    });
  }

  private ended(reason: VnetError, cut: boolean): void {
    if (this.state === "ended") return;
    const { log, legs, unserves, from } = this.options;
    const wasJoined = this.state === "joined";
    this.state = "ended";
    clearTimeout(this.helloTimer);
    unserves.drop(this);
    // A guest does not come back for what it borrowed.
    if (this.guest)
      for (const { owner, serveid } of this.group?.servesFor(this) ?? [])
        owner.send({ type: "unserve-withdraw", serveid });
    this.group?.leave(this);
    // After a plain disconnect the legs tell of their own end; after silence nobody else would.
    if (cut) legs.drop(this);
    const who = wasJoined
      ? `vnet ${this.title} of group ${this.group?.name ?? ""}`
      : `connection from ${from}`;
    if (reason.code === "protocol") log.warn(`${who}: ${reason.message}`);
    else if (!this.guest) log.info(`${who} left: ${reason.message}`);
    this.options.onEnd(this, this.group);
  }

  private receive(message: NodeMessage): void {
    try {
      if (message.type === "hello") this.greet(message);
      else if (this.handlers !== undefined) dispatch(this.handlers, message);
      else
        throw new VnetError(
          "protocol",
          `message ${message.type} came before hello`,
        );
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      const isProtocol = error.code === "protocol";
      this.end(error, isProtocol ? "protocol" : "limit", isProtocol);
    }
  }

  private greet(hello: Hello): void {
    if (this.state !== "new") throw new VnetError("protocol", "a second hello");
    clearTimeout(this.helloTimer);
    const { software } = this.options;
    if (hello.protocol !== PROTOCOL_VERSION) {
      const reason = `the hub (${software}) speaks protocol ${PROTOCOL_VERSION}, this node (${hello.software}) speaks ${hello.protocol}: use the same version of vnet on both`;
      this.end(new VnetError("refused", reason), "version", false);
      return;
    }
    this.hello = hello;
    this.join(this.options.admit(hello, this));
  }

  private join(group: Group<Session>): void {
    const { software, log, from, legs, unserves, limits } = this.options;
    this.group = group;
    this.state = "joined";
    this.handlers = createMemberHandlers({
      session: this,
      group,
      legs,
      unserves,
      limits,
    });
    this.send({
      type: "welcome",
      protocol: PROTOCOL_VERSION,
      software,
      vnetid: this.vnetid,
    });
    group.join(this);
    if (!this.guest)
      log.info(`vnet ${this.title} joined group ${group.name} from ${from}`);
  }
}
