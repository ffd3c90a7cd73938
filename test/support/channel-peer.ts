// The other end of a channel, by hand: keeps the frames that come and says what a test wants, right or wrong.

import type { Duplex } from "node:stream";
import {
  ChannelFrameReader,
  encodeChannelFrame,
  encodeChannelHeader,
  FrameType,
} from "../../src/wire/channel-frame.js";
import { eventually } from "./deadline.js";

export type FrameName = keyof typeof FrameType;

/** Any frame, as it goes over the wire. */
export function frame(name: FrameName, payload = ""): Buffer {
  if (name !== "data") return encodeChannelFrame(FrameType[name], payload);
  const bytes = Buffer.from(payload);
  return Buffer.concat([
    encodeChannelHeader(FrameType.data, bytes.length),
    bytes,
  ]);
}

export const openFrame = (serveid: number) =>
  frame("open", JSON.stringify({ serveid }));

export class ChannelPeer {
  /** `open {"serveid":7}`, `data abc` (pieces joined), `fin` … */
  readonly heard: string[] = [];
  /** how the other side ended its half */
  state: "open" | "fin" | "reset" = "open";

  constructor(readonly duplex: Duplex) {
    const reader = new ChannelFrameReader({
      onData: (bytes) => {
        const text = bytes.toString();
        if (this.heard.at(-1)?.startsWith("data ") === true)
          this.heard.push(`${this.heard.pop() ?? ""}${text}`);
        else this.heard.push(`data ${text}`);
      },
      onFrame: (type, payload) => {
        const [name] = Object.entries(FrameType).find(([, id]) => id === type)!;
        this.heard.push(`${name} ${payload.toString()}`.trim());
      },
    });
    duplex.on("data", (chunk: Buffer) => {
      reader.push(chunk);
    });
    duplex.on("end", () => (this.state = "fin"));
    duplex.on("error", () => (this.state = "reset"));
  }

  say(...frames: readonly Buffer[]): void {
    this.duplex.write(Buffer.concat(frames));
  }

  /** Resolves when that much was heard, all together. */
  async hearing(...frames: readonly string[]): Promise<void> {
    const wanted = frames.join("\n");
    await eventually(
      `hearing ${JSON.stringify(frames)}`,
      () => this.heard.join("\n") === wanted,
    ).catch((error: unknown) => {
      throw new Error(`heard ${JSON.stringify(this.heard)}`, { cause: error });
    });
  }
}
