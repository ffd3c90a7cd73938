// A hub that is not honest: sits between nodes and a real hub, ends every
// encryption that it can end, and gives each node its own key as the others'.

import { once } from "node:events";
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { VnetError } from "../../src/errors.js";
import { HostKey } from "../../src/keys/host-key.js";
import { Identity } from "../../src/keys/identity.js";
import {
  channelKey,
  createLinkKey,
  isHintFor,
  openedBy,
} from "../../src/keys/psk.js";
import { ControlLink } from "../../src/net/control-link.js";
import { greet } from "../../src/node/channel-greeting.js";
import { readFirstBytes } from "../../src/net/first-bytes.js";
import { secureAsClient, secureAsServer } from "../../src/net/secure.js";
import { TLS_FIRST_BYTE } from "../../src/wire/client-hello.js";
import { LEG_PREAMBLE_BYTES, TICKET_BYTES } from "../../src/wire/preamble.js";
import { decodeToHub, type ToHub } from "../../src/wire/to-hub.js";
import type { ToNode } from "../../src/wire/to-node.js";
import { openLeg, Stranger } from "./stranger.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

const TIMEOUT_MS = 8_000;

export interface MiddleHubOptions {
  /** the real hub's port */
  target: number;
  /** what it takes for the authkey; null: none */
  authkey?: string | null;
  port?: number;
}

interface Ticket {
  role: "opener" | "acceptor";
  nodeKey: Buffer;
}

export class MiddleHub {
  readonly hostKey = HostKey.generate();
  /** what it gives each node as the others' key */
  readonly identity = Identity.generate();
  /** what it could read of the channels */
  readonly #read: Buffer[] = [];
  readonly failures: string[] = [];
  port = 0;
  readonly #tickets = new Map<string, Ticket>();
  readonly #server = createServer({ allowHalfOpen: true });
  readonly #close: (() => void)[] = [];

  private constructor(private readonly options: MiddleHubOptions) {
    this.#server.on("connection", (socket) => {
      this.#close.push(() => socket.destroy());
      socket.on("error", () => undefined);
      this.#receive(socket).catch((error: unknown) => {
        const why = error instanceof VnetError ? error.cause : undefined;
        this.failures.push(`${String(error)} ${String(why)}`);
        socket.destroy();
      });
    });
  }

  static async start(options: MiddleHubOptions): Promise<MiddleHub> {
    const hub = new MiddleHub(options);
    hub.#server.listen(options.port ?? 0, "127.0.0.1");
    await once(hub.#server, "listening");
    hub.port = (hub.#server.address() as AddressInfo).port;
    return hub;
  }

  get read(): string {
    return Buffer.concat(this.#read).toString("latin1");
  }

  async close(): Promise<void> {
    for (const close of this.#close) close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #receive(socket: Socket): Promise<void> {
    const first = await readFirstBytes(socket, 1, TIMEOUT_MS);
    socket.unshift(first);
    if (first[0] === TLS_FIRST_BYTE) await this.#receiveControl(socket);
    else await this.#receiveLeg(socket);
  }

  async #receiveControl(socket: Socket): Promise<void> {
    const { target, authkey = null } = this.options;
    const key = await createLinkKey(authkey);
    const { duplex, binding } = await secureAsServer(
      socket,
      (hint) => (isHintFor(hint, key) ? key.psk : null),
      TIMEOUT_MS,
    );
    const link = new ControlLink<ToHub, ToNode>({
      duplex,
      decode: decodeToHub,
      heartbeat: { intervalMs: 60_000, timeoutMs: 120_000 },
    });
    const onward = await Stranger.connect(target, {
      authkey,
      identity: this.identity,
    });
    this.#close.push(() => onward.close());
    const over = () => {
      link.close(new VnetError("closed", "the other side is gone"));
      onward.close();
    };
    link.on("close", over);
    void onward.closed.then(over);
    link.on("message", (message) => {
      if (message.type === "hello") {
        const nodeKey = Buffer.from(message.key, "base64");
        onward.link.on("message", (news) => {
          if (news.type === "leg")
            this.#tickets.set(news.ticket, { role: "opener", nodeKey });
          if (news.type === "offer")
            this.#tickets.set(news.ticket, { role: "acceptor", nodeKey });
          link.send(news);
        });
        const { name, group, guest, session } = message;
        const fields = { name, group, guest, session };
        void onward.hello(fields).then((hello) => onward.say(hello));
      } else onward.say(message);
    });
    link.open();
    link.send({
      type: "proof",
      protocol: OWN_ABILITIES.protocol,
      software: "vnet 0.1.0",
      key: this.hostKey.publicKey.toString("base64"),
      signature: this.hostKey.prove(binding).toString("base64"),
      challenge: Identity.generate().publicKey.toString("base64"),
    });
  }

  async #receiveLeg(socket: Socket): Promise<void> {
    await readFirstBytes(socket, LEG_PREAMBLE_BYTES, TIMEOUT_MS);
    const bytes = await readFirstBytes(socket, TICKET_BYTES, TIMEOUT_MS);
    const text = bytes.toString("hex");
    const ticket = this.#tickets.get(text);
    if (ticket === undefined) throw new Error("an unknown ticket");
    // What it can know of the channel's key: everything but the group's secret.
    const { publicKey } = this.identity;
    const { role, nodeKey } = ticket;
    const shared = channelKey(this.identity, nodeKey, null);
    const psk = openedBy(shared, role === "opener" ? nodeKey : publicKey);
    const { duplex, binding } =
      role === "opener"
        ? await secureAsServer(socket, () => psk, TIMEOUT_MS)
        : await secureAsClient(socket, { identity: "vnet", psk }, TIMEOUT_MS);
    await greet({
      duplex,
      role: role === "opener" ? "acceptor" : "opener",
      title: "the node",
      proof: { own: this.identity, peerKey: nodeKey, binding },
      timeoutMs: TIMEOUT_MS,
    });
    const leg = await openLeg(this.options.target, text);
    this.#close.push(() => leg.socket.destroy());
    this.#join(duplex, leg.socket);
  }

  #join(duplex: Duplex, leg: Duplex): void {
    duplex.on("data", (chunk: Buffer) => this.#read.push(chunk));
    for (const [from, to] of [
      [duplex, leg],
      [leg, duplex],
    ] as const) {
      from.on("error", () => to.destroy());
      from.on("close", () => to.destroy());
      from.pipe(to);
    }
  }
}
