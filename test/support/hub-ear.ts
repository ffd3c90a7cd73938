// A member of a group that only listens, speaking the control link's frames by
// hand: it counts what the hub sends it.

import { randomBytes } from "node:crypto";
import type { Duplex } from "node:stream";
import { Identity } from "../../src/keys/identity.js";
import { identityProof } from "../../src/keys/psk.js";
import { secureAsClient } from "../../src/net/secure.js";
import { encodeFrame, FrameDecoder } from "../../src/wire/frame.js";
import type { ServeOf } from "../../src/wire/fields.js";
import { decodeToNode } from "../../src/wire/to-node.js";
import { connectTo } from "./echo.js";
import { openClientKey } from "./link-key.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

export class HubEar {
  /** bytes of frames that the hub sent, heartbeats left out */
  bytes = 0;
  private welcomed = false;
  private readonly known = new Set<string>();
  private readonly decoder = new FrameDecoder();
  private readonly waiting = new Set<() => void>();
  private readonly identity = Identity.generate();

  private constructor(
    private readonly duplex: Duplex,
    private readonly binding: Buffer,
    private readonly name: string,
  ) {
    duplex.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      for (const value of this.decoder.push(chunk)) this.hear(value);
      for (const check of [...this.waiting]) check();
    });
    duplex.on("error", () => undefined);
  }

  static async join(hubPort: number, name: string): Promise<HubEar> {
    const { socket } = await connectTo(hubPort, false);
    const key = await openClientKey();
    const secured = await secureAsClient(socket, key, 30_000);
    const ear = new HubEar(secured.duplex, secured.binding, name);
    await ear.until(() => ear.welcomed);
    return ear;
  }

  get serves(): number {
    return this.known.size;
  }

  /** Looks again after each read. */
  until(condition: () => boolean, timeoutMs = 60_000): Promise<void> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        clearTimeout(timer);
        this.waiting.delete(check);
      };
      const check = () => {
        if (!condition()) return;
        stop();
        resolve();
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`not within ${timeoutMs} ms; ${this.serves} serves`));
      }, timeoutMs);
      this.waiting.add(check);
      check();
    });
  }

  close(): void {
    this.duplex.destroy();
  }

  private hear(value: unknown): void {
    const message = decodeToNode(value);
    if (message === undefined) return;
    if (message.type === "ping" || message.type === "pong") {
      this.bytes -= encodeFrame(message).length;
      if (message.type === "ping")
        this.duplex.write(encodeFrame({ ...message, type: "pong" }));
    }
    if (message.type === "proof") this.greet(message.challenge);
    if (message.type === "welcome") this.welcomed = true;
    if (message.type !== "directory") return;
    for (const serve of message.goneServes) this.known.delete(keyOf(serve));
    for (const serve of message.serves) this.known.add(keyOf(serve));
  }

  private greet(challenge: string): void {
    const { binding, identity, name } = this;
    const shared = identity.agree(Buffer.from(challenge, "base64"));
    this.duplex.write(
      encodeFrame({
        type: "hello",
        protocol: OWN_ABILITIES.protocol,
        software: "ear",
        name,
        group: "default",
        guest: true,
        vnetid: 0,
        session: randomBytes(16).toString("hex"),
        key: identity.publicKey.toString("base64"),
        proof: identityProof(shared, binding),
        encrypt: true,
      }),
    );
  }
}

/** Where serves are balanced, several nodes have one id. */
function keyOf({ serveid, vnetid }: ServeOf): string {
  return `${serveid} ${vnetid}`;
}
