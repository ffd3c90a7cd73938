// A member of a group that only listens, speaking the control link's frames by
// hand: it counts what the hub sends it.

import { connect, type Socket } from "node:net";
import { encodeFrame, FrameDecoder } from "../../src/wire/frame.js";
import { encodeControlPreamble } from "../../src/wire/preamble.js";
import { decodeToNode } from "../../src/wire/to-node.js";
import { PROTOCOL_VERSION } from "../../src/wire/to-hub.js";

export class HubEar {
  /** bytes of frames that the hub sent, heartbeats left out */
  bytes = 0;
  private readonly known = new Set<number>();
  private readonly decoder = new FrameDecoder();
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly socket: Socket) {
    socket.on("data", (chunk: Buffer) => {
      this.bytes += chunk.length;
      for (const value of this.decoder.push(chunk)) this.hear(value);
      for (const check of [...this.waiting]) check();
    });
    socket.on("error", () => undefined);
  }

  static async join(hubPort: number, name: string): Promise<HubEar> {
    const socket = connect({ host: "127.0.0.1", port: hubPort });
    const ear = new HubEar(socket);
    socket.write(encodeControlPreamble());
    socket.write(
      encodeFrame({
        type: "hello",
        protocol: PROTOCOL_VERSION,
        software: "ear",
        name,
        group: "default",
        guest: true,
        vnetid: 0,
        session: "e".repeat(32),
      }),
    );
    await ear.until(() => ear.bytes > 0);
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
    this.socket.destroy();
  }

  private hear(value: unknown): void {
    const message = decodeToNode(value);
    if (message.type === "ping" || message.type === "pong") {
      this.bytes -= encodeFrame(message).length;
      if (message.type === "ping")
        this.socket.write(encodeFrame({ ...message, type: "pong" }));
    }
    if (message.type !== "directory") return;
    for (const serveid of message.goneServes) this.known.delete(serveid);
    for (const { serveid } of message.serves) this.known.add(serveid);
  }
}
