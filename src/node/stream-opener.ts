// Opens the stream of one user's connection at one of the serves that a use reaches. Where they are balanced, or an earlier
// one stands behind the one that took over, it waits for the service before it lets the user's bytes go, so that a serve
// that fails is passed over and nothing is lost.

import type { Channel } from "../channel/channel.js";
import { ACCEPT_TIMEOUT_MS, type Stream } from "../channel/stream.js";
import { VnetError } from "../errors.js";
import type { Consent } from "../keys/known-nodes.js";
import { quoted } from "../printable.js";
import { Balance } from "./balance.js";
import type { Wanted } from "../wire/open.js";
import type { Channels, Taken } from "./channels.js";
import { serveKey } from "./directory.js";
import type { Provider } from "./search.js";

/** One of several serves has this long to take a stream; then it is the next one's turn. */
const ATTEMPT_TIMEOUT_MS = 3_000;

/** Whose connection it is. */
export interface Visitor {
  /** his address, for the service; empty: he has none */
  from: string;
  /** aborted when he has gone; his stream is in nobody's way then, and no other serve is asked for him */
  gone?: AbortSignal;
}

export class StreamOpener {
  private readonly balance = new Balance();

  /** @param onAccepted a stream was accepted there; before anybody else hears of it */
  constructor(
    private readonly channels: Channels,
    private readonly onAccepted: (
      serve: Provider,
      stream: Stream,
      consent: Consent,
    ) => void,
  ) {}

  /** The serves changed. */
  settle(serves: readonly Provider[]): void {
    this.balance.keep(serves);
  }

  /**
   * Rejects with VnetError when none of them takes it: the last one's reason.
   * @param serves those of the moment; asked again after each failure
   */
  async open(
    serves: () => readonly Provider[],
    visitor: Visitor,
  ): Promise<Stream> {
    const tried = new Set<string>();
    let failure: VnetError | undefined;
    for (;;) {
      const left = serves().filter((serve) => !tried.has(serveKey(serve)));
      const [serve] = this.balance.order(left);
      if (serve === undefined)
        throw failure ?? new VnetError("closed", "nobody offers it just now");
      try {
        // There is no other to turn to behind the last one: it has as long as one that is not shared.
        const isLast = left.length === 1;
        if (isLast && serve.share !== "balance") {
          const { channel } = await this.channelTo(serve, visitor);
          return this.begin(channel, serve, visitor);
        }
        const patienceMs = isLast ? ACCEPT_TIMEOUT_MS : ATTEMPT_TIMEOUT_MS;
        return await this.openAt(serve, visitor, patienceMs);
      } catch (error) {
        if (!(error instanceof VnetError) || visitor.gone?.aborted === true)
          throw error;
        failure = error;
        tried.add(serveKey(serve));
      }
    }
  }

  private async openAt(
    serve: Provider,
    visitor: Visitor,
    patienceMs: number,
  ): Promise<Stream> {
    const { balance } = this;
    balance.opened(serve);
    try {
      const stream = await this.openAccepted(serve, visitor, patienceMs);
      balance.succeeded(serve);
      return stream;
    } catch (error) {
      // That he had to wait behind the others says nothing of the serve.
      if (visitor.gone?.aborted !== true) balance.failed(serve);
      balance.ended(serve);
      throw error;
    }
  }

  private begin(channel: Channel, serve: Provider, { from }: Visitor): Stream {
    const stream = channel.open(wantedOf(serve), from);
    stream.once("accept", (consent) => {
      this.onAccepted(serve, stream, consent);
    });
    return stream;
  }

  private openAccepted(
    serve: Provider,
    visitor: Visitor,
    patienceMs: number,
  ): Promise<Stream> {
    return new Promise((resolve, reject) => {
      let stream: Stream | undefined;
      let isOver = false;
      const stop = () => {
        isOver = true;
        clearTimeout(timer);
        stream?.off("accept", accepted).off("end", ended);
      };
      const accepted = () => {
        stop();
        if (stream === undefined) return;
        // At once: the service may reset it in the same breath.
        stream.on("end", () => {
          this.balance.ended(serve);
        });
        resolve(stream);
      };
      const ended = (reason: VnetError | null) => {
        fail(reason ?? new VnetError("closed", "closed before it began"));
      };
      const fail = (error: Error) => {
        stop();
        reject(error);
      };
      const timer = setTimeout(() => {
        const text = `vnet ${quoted(serve.vnet)} did not answer within ${patienceMs / 1000} s`;
        fail(new VnetError("timeout", text));
        stream?.reset(text);
      }, patienceMs);
      const open = ({ channel, pool }: Taken) => {
        // Nobody waits for it any more.
        if (isOver) {
          pool.release(channel);
          return;
        }
        stream = this.begin(channel, serve, visitor);
        stream.on("accept", accepted).on("end", ended);
      };
      this.channelTo(serve, visitor).then(open, fail);
    });
  }

  private channelTo(serve: Provider, { gone }: Visitor): Promise<Taken> {
    const { serveid, unserve } = serve;
    const turn = unserve === undefined ? serveid : -unserve;
    return this.channels.acquire(serve, turn, gone);
  }
}

/** What its OPEN asks for. */
function wantedOf({ serveid, unserve, name }: Provider): Wanted {
  return unserve === undefined ? { serveid, name } : { unserve };
}
