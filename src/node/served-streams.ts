// The streams that other nodes have on one service of this node: each gets a connection to it, or the reason why not.

import type { Duplex } from "node:stream";
import type { Stream } from "../channel/stream.js";
import { VnetError } from "../errors.js";
import type { Consent } from "../keys/known-nodes.js";
import type { Caller } from "./channels.js";

export interface ServedBy {
  /** the service's end; rejects with VnetError */
  connect: (from: string) => Promise<Duplex>;
  /** who else may have what is served */
  consent: () => Consent;
}

export class ServedStreams {
  private readonly callers = new Map<Stream, Caller>();

  /** @param onChange when their number has changed */
  constructor(private readonly onChange: () => void = () => undefined) {}

  get count(): number {
    return this.callers.size;
  }

  async add(
    stream: Stream,
    caller: Caller,
    { connect, consent }: ServedBy,
  ): Promise<void> {
    this.callers.set(stream, caller);
    this.onChange();
    stream.on("end", () => {
      this.callers.delete(stream);
      this.onChange();
    });
    try {
      stream.accept(await connect(stream.from), consent());
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      stream.refuse(error.message);
    }
  }

  /** @param whose only of those */
  reset(reason: string, whose: (caller: Caller) => boolean = () => true): void {
    for (const [stream, caller] of [...this.callers])
      if (whose(caller)) stream.reset(reason);
  }
}
