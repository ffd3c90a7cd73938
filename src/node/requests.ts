// Questions to the hub that wait for their answer: numbers them, matches answers, and gives each a deadline.

import { VnetError } from "../errors.js";

interface Pending<Reply> {
  resolve: (reply: Reply) => void;
  reject: (error: VnetError) => void;
  timer: NodeJS.Timeout;
}

export class Requests<Reply extends { request: number }> {
  private readonly pending = new Map<number, Pending<Reply>>();
  private next = 1;

  constructor(private readonly timeoutMs: number) {}

  /** Calls `send` with the request's number. Rejects with VnetError: what refuse() or drop() say, or `timeout`. */
  ask(send: (request: number) => void): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const request = this.next++;
      const timer = setTimeout(() => {
        this.refuse(
          request,
          new VnetError("timeout", "the hub did not answer in time"),
        );
      }, this.timeoutMs);
      this.pending.set(request, { resolve, reject, timer });
      send(request);
    });
  }

  /** False: nobody waits for it (any more). */
  answer(reply: Reply): boolean {
    const pending = this.take(reply.request);
    pending?.resolve(reply);
    return pending !== undefined;
  }

  refuse(request: number, reason: VnetError): void {
    this.take(request)?.reject(reason);
  }

  /** Nothing will be answered any more. */
  drop(reason: VnetError): void {
    for (const request of [...this.pending.keys()])
      this.refuse(request, reason);
  }

  private take(request: number): Pending<Reply> | undefined {
    const pending = this.pending.get(request);
    this.pending.delete(request);
    clearTimeout(pending?.timer);
    return pending;
  }
}
