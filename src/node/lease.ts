// The requester's end of a lease: asks a node for a service that it has not registered, and holds what it grants until it
// is given back, or the provider ends it, or the stream breaks.

import { EventEmitter } from "node:events";
import type { Channel } from "../channel/channel.js";
import type { Stream } from "../channel/stream.js";
import { VnetError } from "../errors.js";
import { createDuplexPair } from "../net/duplex-pair.js";
import type { LeaseWord } from "../wire/lease.js";
import type { Lend } from "../wire/open.js";
import { LeaseTalk } from "./lease-talk.js";

/** The answer follows the ACCEPT at once. */
const ANSWER_TIMEOUT_MS = 5_000;

/**
 * Events: `over` once, with the provider's reason, or null when it broke; not after giveBack(). `done` once, when its
 * stream has ended. Both may have come before it was handed out: see `ended` and `isDone`.
 */
export class Lease extends EventEmitter<{
  over: [string | null];
  done: [];
}> {
  isReturned = false;
  isDone = false;
  /** what `over` said; undefined: it is not over */
  ended: string | null | undefined;
  private reason: string | null = null;

  private constructor(
    stream: Stream,
    private readonly talk: LeaseTalk,
    /** the number to open streams with */
    readonly unserve: number,
  ) {
    super();
    talk.on("word", ({ gone }) => {
      if (gone !== undefined) this.reason = gone || "its node took it back";
    });
    talk.on("end", () => {
      this.over(this.reason ?? "its node took it back");
    });
    talk.on("lost", () => {
      // Its last word counts, whatever became of the stream then.
      this.over(this.reason);
    });
    stream.on("end", () => {
      this.isDone = true;
      this.emit("done");
    });
    // It has been taken: if this does not arrive, the provider takes it back.
    talk.say({});
  }

  /**
   * What the other node grants, on a channel that is idle: a lease, or the id of a serve that has that very target.
   * Rejects with VnetError: `refused` with the provider's reason, or why it could not be asked.
   */
  static ask(channel: Channel, lend: Lend): Promise<Lease | number> {
    return new Promise((resolve, reject) => {
      const stream = channel.open({ lend });
      const { a, b } = createDuplexPair();
      const talk = new LeaseTalk(b);
      const stop = () => {
        clearTimeout(timer);
        talk.removeAllListeners();
        stream.off("end", ended);
      };
      const fail = (error: VnetError) => {
        stop();
        talk.destroy();
        reject(error);
      };
      let timer: NodeJS.Timeout | undefined;
      stream.on("accept", () => {
        timer = setTimeout(() => {
          fail(new VnetError("timeout", "the node did not answer in time"));
        }, ANSWER_TIMEOUT_MS);
      });
      const ended = (reason: VnetError | null) => {
        fail(reason ?? new VnetError("closed", "the node said nothing"));
      };
      stream.on("end", ended);
      talk.on("word", ({ unserve, serveid }: LeaseWord) => {
        if (unserve === undefined && serveid === undefined) return;
        stop();
        if (serveid !== undefined) {
          talk.end();
          resolve(serveid);
        } else if (unserve !== undefined)
          resolve(new Lease(stream, talk, unserve));
      });
      stream.attach(a);
    });
  }

  /** In good order: the provider takes it back at once. Idempotent. */
  giveBack(): void {
    this.isReturned = true;
    this.talk.end();
  }

  /** Without a word: the provider keeps it for a while, for whoever asks again. Idempotent. */
  break(): void {
    this.talk.destroy();
    this.over(null);
  }

  private over(reason: string | null): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.emit("over", reason);
  }
}
