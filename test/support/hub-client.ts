// The hub's other side by hand: a connection that says what a test wants it to
// say, good or bad, and keeps what the hub answers.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import type { Share } from "../../src/config/config.js";
import { Identity } from "../../src/keys/identity.js";
import { identityProof } from "../../src/keys/psk.js";
import { secureAsClient } from "../../src/net/secure.js";
import { encodeFrame, FrameDecoder } from "../../src/wire/frame.js";
import { encodeLegPreamble } from "../../src/wire/preamble.js";
import { type Hello } from "../../src/wire/to-hub.js";
import { decodeToNode, type ToNode } from "../../src/wire/to-node.js";
import { DEADLINE_MS, within } from "./deadline.js";
import { connectTo, Observed } from "./echo.js";
import { NOBODYS_KEY, openClientKey } from "./link-key.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

type Message<Type extends ToNode["type"]> = Extract<ToNode, { type: Type }>;

export const SERVE = {
  name: "web",
  type: "http",
  ip: "127.0.0.1",
  port: 8080,
  info: "",
  share: "exclusive" as Share,
};

/** A hello that is well formed, but for what a test wants otherwise, and proves nothing. */
export function helloOf(fields: Partial<Hello> = {}): Hello {
  return {
    type: "hello",
    protocol: OWN_ABILITIES.protocol,
    software: "vnet test",
    name: "home",
    group: "default",
    guest: false,
    vnetid: 0,
    session: randomBytes(16).toString("hex"),
    key: NOBODYS_KEY,
    proof: "0".repeat(64),
    encrypt: true,
    ...fields,
  };
}

export class HubClient {
  /** everything that came, heartbeats included */
  readonly received: ToNode[] = [];
  /** false: plays dead, as half of a half-open connection */
  answersPings = true;
  vnetid = 0;
  /** what the hub calls it */
  name = "";
  readonly #taken = new Set<ToNode>();
  /** the socket, until secure() puts TLS over it */
  #duplex: Duplex;
  #binding: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  #request = 1_000_000;

  private constructor(
    readonly port: number,
    readonly connection: Observed,
  ) {
    this.#duplex = connection.socket;
    // Nothing is left half-open by a client that has no more to hear.
    void connection.ended.then(() => connection.socket.end());
    connection.socket.on("close", () => {
      this.#wake();
    });
  }

  /** A connection to the hub that has said nothing yet: a stranger's. */
  static async connect(port: number, from?: string): Promise<HubClient> {
    return new HubClient(port, await connectTo(port, true, from));
  }

  /** The same over one within the hub's process, as the hub's own nodes have it. */
  static within(port: number, connection: Duplex): HubClient {
    const observed = new Observed(connection) as unknown as Observed;
    return new HubClient(port, observed);
  }

  /** Makes it a control link of an open hub, on which nothing is said yet. */
  async secure(): Promise<this> {
    const { duplex, binding } = await secureAsClient(
      this.connection.socket,
      await openClientKey(),
      DEADLINE_MS,
    );
    this.#duplex = duplex;
    this.#binding = binding;
    const decoder = new FrameDecoder();
    duplex.on("data", (chunk: Buffer) => {
      for (const value of decoder.push(chunk)) {
        const message = decodeToNode(value);
        if (message !== undefined) this.#receive(message);
      }
    });
    duplex.on("error", () => undefined);
    duplex.once("end", () => duplex.end());
    return this;
  }

  /** A good hello for this very connection, but for what a test wants otherwise. */
  async hello(
    fields: Partial<Hello> = {},
    identity: Identity = Identity.generate(),
  ): Promise<Hello> {
    const { challenge } = await this.next("proof");
    const shared = identity.agree(Buffer.from(challenge, "base64"));
    return helloOf({
      key: identity.publicKey.toString("base64"),
      proof: identityProof(shared, this.#binding),
      ...fields,
    });
  }

  /** The handshake and a hello. */
  async greet(
    fields: Partial<Hello> = {},
    identity: Identity = Identity.generate(),
  ): Promise<void> {
    await this.secure();
    this.send(await this.hello(fields, identity));
  }

  /** Resolves when the hub has answered the hello with its whole directory. */
  async join(
    fields: Partial<Hello> = {},
    identity: Identity = Identity.generate(),
  ): Promise<this> {
    await this.greet(fields, identity);
    const { vnetid, name } = await this.next("welcome");
    Object.assign(this, { vnetid, name });
    while (!(await this.next("directory")).complete);
    return this;
  }

  send(message: object): void {
    this.sendBytes(encodeFrame(message));
  }

  sendBytes(bytes: Buffer): void {
    this.#duplex.write(bytes);
  }

  /** Hears nothing more, and may say what it likes. */
  stopReading(): void {
    this.#duplex.pause();
  }

  /** Says these bytes again and again, for as long as the hub takes them. */
  repeat(bytes: Buffer): void {
    const again = () => {
      if (this.isClosed) return;
      if (this.#duplex.write(bytes)) setImmediate(again);
      else this.#duplex.once("drain", again);
    };
    again();
  }

  /** Says nothing more, and hears on. */
  end(): void {
    this.#duplex.end();
  }

  /** The oldest message of that type that was not taken yet, and fits. */
  async next<Type extends ToNode["type"]>(
    type: Type,
    fits?: (message: Message<Type>) => boolean,
  ): Promise<Message<Type>> {
    return within(`a ${type} of the hub`, this.#next(type, fits));
  }

  /** The messages of that type that were not taken yet. */
  pending<Type extends ToNode["type"]>(type: Type): Message<Type>[] {
    return this.received.filter(
      (message): message is Message<Type> =>
        message.type === type && !this.#taken.has(message),
    );
  }

  /** The hub has acted on all that was sent before, and its answers are here. */
  async roundTrip(): Promise<void> {
    const request = this.#request++;
    this.send({ type: "ping", request });
    while ((await this.next("pong")).request !== request);
  }

  async register(
    serveid: number,
    serve: Partial<typeof SERVE> = {},
  ): Promise<Message<"registered"> | Message<"refused">> {
    const request = this.#request++;
    this.send({
      type: "register",
      request,
      serveid,
      serve: { ...SERVE, ...serve },
    });
    return within("the hub's answer", this.answer(request));
  }

  /** The answer to a request, whatever it is. */
  async answer(
    request: number,
  ): Promise<Message<"registered"> | Message<"refused">> {
    return Promise.race([
      this.#next("registered", (message) => message.request === request),
      this.#next("refused", (message) => message.request === request),
    ]);
  }

  /** This client's leg for a ticket. */
  async openLeg(ticket: string): Promise<Observed> {
    const leg = await connectTo(this.port);
    leg.socket.write(encodeLegPreamble(ticket));
    return leg;
  }

  /** Resolves when the connection is over, however it was ended. */
  get closed(): Promise<void> {
    return within("the connection is closed", this.connection.closed);
  }

  get isClosed(): boolean {
    return this.connection.socket.destroyed;
  }

  close(): void {
    this.connection.socket.destroy();
  }

  async #next<Type extends ToNode["type"]>(
    type: Type,
    fits: (message: Message<Type>) => boolean = () => true,
  ): Promise<Message<Type>> {
    for (;;) {
      const found = this.pending(type).find(fits);
      if (found !== undefined) {
        this.#taken.add(found);
        return found;
      }
      if (this.isClosed) throw new Error(`closed while waiting for ${type}`);
      await this.#news();
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#wake;
      this.#wake = () => {
        before();
        resolve();
      };
    });
  }

  #receive(message: ToNode): void {
    this.received.push(message);
    if (message.type === "ping" && this.answersPings)
      this.send({ type: "pong", request: message.request });
    const wake = this.#wake;
    this.#wake = () => undefined;
    wake();
  }
}
