// A client of the hub that has a key but no manners: speaks TLS and the
// protocol as a node does, and says what a test wants it to say.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Identity } from "../../src/keys/identity.js";
import {
  createKeyHint,
  createLinkKey,
  identityProof,
} from "../../src/keys/psk.js";
import { ControlLink } from "../../src/net/control-link.js";
import { secureAsClient } from "../../src/net/secure.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { encodeLegPreamble } from "../../src/wire/preamble.js";
import { type Hello, type ToHub } from "../../src/wire/to-hub.js";
import { decodeToNode, type ToNode } from "../../src/wire/to-node.js";
import { VnetError } from "../../src/errors.js";
import { DEADLINE_MS, eventually, within } from "./deadline.js";
import { connectTo, type Observed } from "./echo.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

type Message<Type extends ToNode["type"]> = Extract<ToNode, { type: Type }>;

export interface StrangerOptions {
  /** null: the key of an open hub */
  authkey?: string | null;
  identity?: Identity;
}

export class Stranger {
  readonly received: ToNode[] = [];
  readonly session = randomBytes(16).toString("hex");
  readonly closed: Promise<void>;
  isClosed = false;
  private request = 1;

  private constructor(
    readonly port: number,
    readonly identity: Identity,
    readonly link: ControlLink<ToNode, ToHub>,
    readonly socket: Socket,
    private readonly binding: Buffer,
    private readonly write: (bytes: Buffer) => void,
  ) {
    this.closed = new Promise((resolve) => {
      link.on("close", () => {
        this.isClosed = true;
        resolve();
      });
    });
    link.on("message", (message) => this.received.push(message));
    link.open();
  }

  /** Has made its TLS connection, and waits to be asked for a hello. */
  static async connect(
    port: number,
    { authkey = null, identity = Identity.generate() }: StrangerOptions = {},
  ): Promise<Stranger> {
    const key = await createLinkKey(authkey);
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect");
    const { duplex, binding } = await secureAsClient(
      socket,
      { identity: createKeyHint(key), psk: key.psk },
      DEADLINE_MS,
    );
    const heartbeat = { intervalMs: 60_000, timeoutMs: 120_000 };
    const decode = decodeToNode;
    const link = new ControlLink<ToNode, ToHub>({ duplex, decode, heartbeat });
    return new Stranger(port, identity, link, socket, binding, (bytes) => {
      duplex.write(bytes);
    });
  }

  /** The hello that an honest node would say on this connection, but for the fields given. */
  async hello(fields: Partial<Hello> = {}): Promise<Hello> {
    const { challenge } = await this.next("proof");
    const shared = this.identity.agree(Buffer.from(challenge, "base64"));
    return {
      type: "hello",
      protocol: OWN_ABILITIES.protocol,
      software: "vnet test",
      name: "stranger",
      group: "default",
      guest: false,
      vnetid: 0,
      session: this.session,
      key: this.identity.publicKey.toString("base64"),
      proof: identityProof(shared, this.binding),
      encrypt: true,
      ...fields,
    };
  }

  async join(fields: Partial<Hello> = {}): Promise<this> {
    this.say(await this.hello(fields));
    await this.next("welcome");
    return this;
  }

  say(message: object): void {
    this.write(encodeFrame(message));
  }

  /** The newest message of that type, waited for. */
  next<Type extends ToNode["type"]>(type: Type): Promise<Message<Type>> {
    return eventually(`a ${type} of the hub`, () =>
      this.received.findLast(
        (message): message is Message<Type> => message.type === type,
      ),
    );
  }

  /** Everything that was said before has had its effect. */
  async roundTrip(): Promise<void> {
    await this.link.ping(DEADLINE_MS);
  }

  /** Asks for a channel: the ticket, or the hub's refusal. */
  async ask(vnetid: number): Promise<Message<"leg"> | Message<"refused">> {
    const request = this.request++;
    this.say({ type: "channel", request, vnetid });
    return eventually("an answer", () =>
      this.received.find(
        (message): message is Message<"leg"> | Message<"refused"> =>
          (message.type === "leg" || message.type === "refused") &&
          message.request === request,
      ),
    );
  }

  untilClosed(): Promise<void> {
    return within("the hub closes the connection", this.closed);
  }

  close(): void {
    this.link.close(new VnetError("closed", "the test is over"));
    this.socket.destroy();
  }
}

/** A leg with that ticket. */
export async function openLeg(port: number, ticket: string): Promise<Observed> {
  const leg = await connectTo(port);
  leg.socket.write(encodeLegPreamble(ticket));
  return leg;
}
