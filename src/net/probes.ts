// Pings that wait for their pong: numbers them, times them, and gives each a deadline.

import { performance } from "node:perf_hooks";
import { VnetError } from "../errors.js";

interface Waiting {
  resolve: (rttMs: number) => void;
  reject: (reason: VnetError) => void;
  timer: NodeJS.Timeout;
  sentAt: number;
}

export class Probes {
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;

  /** Calls `send` with the ping's number; one round trip in ms. Rejects with VnetError `timeout`, or as drop() says. */
  ask(send: (request: number) => void, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const request = this.next++;
      const timer = setTimeout(() => {
        const text = `no answer within ${timeoutMs / 1000} s`;
        this.take(request)?.reject(new VnetError("timeout", text));
      }, timeoutMs);
      const sentAt = performance.now();
      this.waiting.set(request, { resolve, reject, timer, sentAt });
      send(request);
    });
  }

  /** A pong; one that nobody waits for is let go. */
  answer(request: number): void {
    const waiting = this.take(request);
    waiting?.resolve(performance.now() - waiting.sentAt);
  }

  /** Nothing will be answered any more. */
  drop(reason: VnetError): void {
    for (const request of [...this.waiting.keys()])
      this.take(request)?.reject(reason);
  }

  private take(request: number): Waiting | undefined {
    const waiting = this.waiting.get(request);
    this.waiting.delete(request);
    clearTimeout(waiting?.timer);
    return waiting;
  }
}
