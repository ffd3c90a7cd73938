// One node's control link at the hub, from hello to its end: turns the node's messages into acts on its group.
// Everything that a session registered goes with it. It never touches another session but through the group and the hub.

import { formatVnetid, SERVEID } from "../config/config.js";
import { VnetError } from "../errors.js";
import type { Log } from "../log.js";
import type { ControlLink } from "../net/control-link.js";
import { dispatch, type MessageHandlers } from "../wire/message.js";
import type { GoodbyeCode, ToNode } from "../wire/to-node.js";
import { PROTOCOL_VERSION, type Hello, type ToHub } from "../wire/to-hub.js";
import { memberTitle, type Group, type Member } from "./group.js";
import type { HubLimits } from "./limits.js";
import type { Legs } from "./legs.js";
import type { UnserveRequests } from "./unserve-requests.js";

export type HubLink = ControlLink<ToHub, ToNode>;
type Probe = { type: "ping" | "pong" };
type NodeMessage = Exclude<ToHub, Probe>;
type Of<Type extends NodeMessage["type"]> = Extract<
  NodeMessage,
  { type: Type }
>;

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
      this.ended(reason, reason.code === "timeout");
    });
    link.open();
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
      reason: reason.message.slice(0, 1000),
    });
  }

  private ended(reason: VnetError, cut: boolean): void {
    if (this.state === "ended") return;
    const { log, legs, unserves, from } = this.options;
    const wasJoined = this.state === "joined";
    this.state = "ended";
    clearTimeout(this.helloTimer);
    unserves.drop(this);
    this.group?.leave(this, this.token);
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
      if (this.state === "new" && message.type !== "hello")
        throw new VnetError(
          "protocol",
          `message ${message.type} came before hello`,
        );
      dispatch(this.handlers, message);
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.end(
        error,
        error.code === "protocol" ? "protocol" : "limit",
        error.code === "protocol",
      );
    }
  }

  private readonly handlers: MessageHandlers<NodeMessage> = {
    hello: (message) => {
      this.greet(message);
    },
    register: (message) => {
      this.register(message, true);
    },
    update: ({ serveid, serve: particulars }) => {
      this.own(serveid, (serve) => this.group?.update(serve, particulars));
    },
    unregister: ({ serveid }) => {
      this.own(serveid, (serve) => this.group?.remove(serve));
    },
    channel: (message) => {
      this.connect(message);
    },
    unserve: (message) => {
      this.requestUnserve(message);
    },
    "unserve-return": ({ serveid }) => {
      const serve = this.group?.serve(serveid);
      if (serve?.only === this.vnetid)
        serve.owner.send({ type: "unserve-withdraw", serveid });
    },
    "unserve-answer": (message) => {
      this.answerUnserve(message);
    },
  };

  private greet(hello: Of<"hello">): void {
    const { link, software, log, admit, from } = this.options;
    if (this.state !== "new")
      throw new VnetError("protocol", "a second hello");
    clearTimeout(this.helloTimer);
    if (hello.protocol !== PROTOCOL_VERSION) {
      const reason = `the hub (${software}) speaks protocol ${PROTOCOL_VERSION}, this node (${hello.software}) speaks ${hello.protocol}: use the same version of vnet on both`;
      this.end(new VnetError("refused", reason), "version", false);
      return;
    }
    this.hello = hello;
    const group = admit(hello, this);
    this.group = group;
    this.state = "joined";
    link.send({
      type: "welcome",
      protocol: PROTOCOL_VERSION,
      software,
      vnetid: this.vnetid,
    });
    group.join(this);
    if (!this.guest)
      log.info(`vnet ${this.title} joined group ${group.name} from ${from}`);
  }

  private register(message: Of<"register">, mayProbe: boolean): void {
    const { group } = this;
    if (group === undefined || this.state !== "joined") return;
    const { request, serveid, only } = message;
    const holder = group.serve(serveid)?.owner;
    const isStatic = serveid >= SERVEID.staticMin;
    if (isStatic && mayProbe && holder !== undefined && holder !== this) {
      // Perhaps its holder is long dead and nobody noticed yet, and the owner has come back.
      void holder
        .isAlive(this.options.limits.holderProbeMs)
        .then(() => {
          this.register(message, false);
        });
      return;
    }
    try {
      const serve = group.register(this, serveid, message.serve, only);
      this.send({ type: "registered", request, serveid: serve.serveid });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      this.send({ type: "refused", request, reason: error.message });
    }
  }

  private own(
    serveid: number,
    act: (serve: NonNullable<ReturnType<Group<Session>["serve"]>>) => void,
  ): void {
    const serve = this.group?.serve(serveid);
    // Somebody else's, or gone already: none of this session's business.
    if (serve?.owner === this) act(serve);
  }

  private connect({ request, vnetid }: Of<"channel">): void {
    const target = this.group?.member(vnetid);
    if (target === undefined) {
      this.send({
        type: "refused",
        request,
        reason: noSuchNode(vnetid),
      });
      return;
    }
    const tickets = this.options.legs.issue(this, target);
    this.send({ type: "leg", request, ticket: tickets.from });
    target.send({
      type: "offer",
      ticket: tickets.to,
      vnetid: this.vnetid,
      name: this.name,
    });
  }

  private requestUnserve(message: Of<"unserve">): void {
    const { request, vnetid, ip, port } = message;
    const provider = this.group?.member(vnetid);
    if (provider === undefined || provider.guest) {
      this.send({
        type: "refused",
        request,
        reason: noSuchNode(vnetid),
      });
      return;
    }
    const number = this.options.unserves.add({
      requester: this,
      provider,
      request,
    });
    provider.send({
      type: "unserve-ask",
      request: number,
      vnetid: this.vnetid,
      name: this.name,
      ip,
      port,
    });
  }

  private answerUnserve({
    request,
    serveid,
    reason,
  }: Of<"unserve-answer">): void {
    const asked = this.options.unserves.take(request, this);
    const serve = this.group?.serve(serveid);
    const granted = serve?.owner === this;
    if (asked === undefined) {
      if (granted && serve.only !== 0)
        this.send({ type: "unserve-withdraw", serveid });
      return;
    }
    asked.requester.send(
      granted
        ? { type: "unserve-granted", request: asked.request, serveid }
        : {
            type: "refused",
            request: asked.request,
            reason: reason || "the node refused",
          },
    );
  }
}

function noSuchNode(vnetid: number): string {
  return `no node ${formatVnetid(vnetid)} in this group; \`show vnets\` lists them`;
}
