// A member of the fuzzer's own at a real hub: proves an open hub's key, says a good hello, and then asks for channels,
// or answers offers. Its link may also be had bare, to say anything on it.

import { setTimeout } from "node:timers/promises";
import type { Duplex } from "node:stream";
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { randomBytes } from "node:crypto";
import { VnetError } from "../../src/errors.js";
import { Identity } from "../../src/keys/identity.js";
import { identityProof } from "../../src/keys/psk.js";
import { ControlLink } from "../../src/net/control-link.js";
import { readFirstBytes } from "../../src/net/first-bytes.js";
import {
  CHANNEL_HEADER_BYTES,
  encodeChannelFrame,
  GreetingType,
} from "../../src/wire/channel-frame.js";
import { encodeChannelHello } from "../../src/wire/channel-hello.js";
import { secureAsClient } from "../../src/net/secure.js";
import { encodeFrame, FrameDecoder } from "../../src/wire/frame.js";
import { encodeLegPreamble } from "../../src/wire/preamble.js";
import { decodeToHub, type Hello, type ToHub } from "../../src/wire/to-hub.js";
import { decodeToNode, type ToNode } from "../../src/wire/to-node.js";
import { within } from "../support/deadline.js";
import { openClientKey } from "../support/link-key.js";
import { MAGIC, type Meaning } from "./magic.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

const TIMEOUT_MS = 8_000;

/** A good hello, but for what only the connection has. */
export const HELLO: Hello = {
  type: "hello",
  protocol: OWN_ABILITIES.protocol,
  software: "vnet fuzz",
  name: "fuzz",
  group: "fuzz",
  guest: false,
  vnetid: 0,
  session: MAGIC.session,
  key: MAGIC.key,
  proof: MAGIC.proof,
  encrypt: true,
};

export interface BareLink {
  duplex: Duplex;
  /** what the magic words of HELLO are here */
  meaning: Meaning;
}

/** From one of many addresses of loopback, so that no bound for one address is in the way. */
export async function connectFrom(
  port: number,
  localAddress = "127.0.0.1",
): Promise<Socket> {
  const options = { port, host: "127.0.0.1", localAddress };
  const socket = connect({ ...options, allowHalfOpen: true });
  socket.on("error", () => undefined);
  await within("a connection", once(socket, "connect"), TIMEOUT_MS);
  return socket;
}

/** To a use whose serve has just been registered, so that it may not listen yet. */
export async function connectSoon(port: number): Promise<Socket> {
  const deadline = performance.now() + 1_000;
  for (;;) {
    try {
      return await connectFrom(port);
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await setTimeout(5);
    }
  }
}

/** The first frame of a channel that is not encrypted. */
export const goodHello = encodeChannelFrame(
  GreetingType.hello,
  encodeChannelHello({ ...OWN_ABILITIES, key: null }),
);

/** On a channel that is not encrypted a hello each way is all. */
export async function greeted(duplex: Socket): Promise<Socket> {
  duplex.write(goodHello);
  const header = await readFirstBytes(duplex, CHANNEL_HEADER_BYTES, TIMEOUT_MS);
  await readFirstBytes(duplex, header.readUIntBE(1, 3), TIMEOUT_MS);
  return duplex;
}

/** TLS with the open key, and the hub's proof taken; nothing is said. */
export async function connectBare(
  port: number,
  localAddress?: string,
  identity = Identity.generate(),
): Promise<BareLink> {
  const socket = await connectFrom(port, localAddress);
  const key = await openClientKey();
  const { duplex, binding } = await secureAsClient(socket, key, TIMEOUT_MS);
  duplex.on("error", () => undefined);
  const decoder = new FrameDecoder();
  const proof = new Promise<ToNode>((resolve, reject) => {
    duplex.once("data", (chunk: Buffer) => {
      duplex.pause();
      const [value] = decoder.push(chunk);
      const message = decodeToNode(value);
      if (message === undefined) reject(new Error("no message came"));
      else resolve(message);
    });
    duplex.once("close", () => reject(new Error("no proof came")));
  });
  const message = await within("the hub's proof", proof, TIMEOUT_MS);
  if (message.type !== "proof") throw new Error(`got ${message.type}`);
  const shared = identity.agree(Buffer.from(message.challenge, "base64"));
  const words: [string, string][] = [
    [MAGIC.key, identity.publicKey.toString("base64")],
    [MAGIC.proof, identityProof(shared, binding)],
    [MAGIC.session, randomBytes(16).toString("hex")],
  ];
  const meaning = words.map(
    ([magic, real]) => [Buffer.from(magic), Buffer.from(real)] as const,
  );
  return { duplex, meaning };
}

export interface Offer {
  ticket: string;
  vnetid: number;
}

export class Member {
  private request = 1;
  private readonly asked = new Map<number, (answer: ToNode) => void>();
  private readonly offers: Offer[] = [];
  private offerWanted: (() => void) | undefined;
  isClosed = false;

  private constructor(
    readonly port: number,
    readonly identity: Identity,
    private readonly link: ControlLink<ToNode, ToHub>,
  ) {
    link.on("message", (message) => {
      if (message.type === "offer") this.offered(message);
      else if ("request" in message) {
        this.asked.get(message.request)?.(message);
        this.asked.delete(message.request);
      }
    });
    link.on("close", () => {
      this.isClosed = true;
    });
  }

  static async join(
    port: number,
    fields: { group: string; encrypt: boolean },
    identity = Identity.generate(),
  ): Promise<Member> {
    const { duplex, meaning } = await connectBare(port, undefined, identity);
    const link = new ControlLink<ToNode, ToHub>({
      duplex,
      decode: decodeToNode,
      heartbeat: { intervalMs: 4_000, timeoutMs: 60_000 },
    });
    const member = new Member(port, identity, link);
    const welcome = once(link, "message");
    link.open();
    let text = JSON.stringify({ ...HELLO, ...fields });
    for (const [magic, real] of meaning)
      text = text.replace(magic.toString(), real.toString());
    const hello = JSON.parse(text) as object;
    decodeToHub(hello);
    link.sendFrame(encodeFrame(hello));
    await within("a welcome", welcome, TIMEOUT_MS);
    return member;
  }

  async register(serveid: number): Promise<void> {
    await this.ask((request) => ({
      ...{ type: "register", request, serveid },
      serve: {
        ...{ name: `fuzz-${serveid}`, type: "tcp", ip: "127.0.0.1" },
        ...{ port: 9, info: "", share: "exclusive" },
      },
    }));
  }

  /** For our leg of a new channel to that node. */
  async ticketFor(vnetid: number): Promise<string> {
    const answer = await this.ask((request) => ({
      ...{ type: "channel", request, vnetid },
    }));
    if (answer.type !== "leg") throw new Error(JSON.stringify(answer));
    return answer.ticket;
  }

  /** Our leg of a new channel to that node. */
  async openChannel(vnetid: number): Promise<Socket> {
    return this.openLeg(await this.ticketFor(vnetid));
  }

  async openLeg(ticket: string): Promise<Socket> {
    const leg = await connectFrom(this.port);
    leg.write(encodeLegPreamble(ticket));
    return leg;
  }

  async nextOffer(): Promise<Offer> {
    for (;;) {
      const offer = this.offers.shift();
      if (offer !== undefined) return offer;
      const news = new Promise<void>((resolve) => {
        const before = this.offerWanted;
        this.offerWanted = () => {
          before?.();
          resolve();
        };
      });
      await within("an offer", news, TIMEOUT_MS);
    }
  }

  breakProtocol(): void {
    this.link.sendFrame(Buffer.alloc(8, 0xff));
  }

  close(): void {
    this.link.close(new VnetError("closed", "the fuzzer is done"));
  }

  private offered(offer: Offer): void {
    this.offers.push(offer);
    if (this.offers.length > 100) this.offers.shift();
    const wanted = this.offerWanted;
    this.offerWanted = undefined;
    wanted?.();
  }

  private ask(message: (request: number) => object): Promise<ToNode> {
    const request = this.request++;
    const answer = new Promise<ToNode>((resolve) => {
      this.asked.set(request, resolve);
    });
    this.link.sendFrame(encodeFrame(message(request)));
    return within("the hub's answer", answer, TIMEOUT_MS).finally(() =>
      this.asked.delete(request),
    );
  }
}
