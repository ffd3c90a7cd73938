// Requests for unregistered services that are on their way: who asked, who is to answer, and until when.
// An answer that nobody waits for any more is withdrawn at the provider, not left open.

import { VnetError } from "../errors.js";

export interface UnserveRequest<Party> {
  requester: Party;
  provider: Party;
  /** the requester's own number for it */
  request: number;
}

interface Pending<Party> extends UnserveRequest<Party> {
  timer: NodeJS.Timeout;
}

export interface UnserveRequestsOptions<Party> {
  timeoutMs: number;
  onRefused: (request: UnserveRequest<Party>, reason: VnetError) => void;
}

export class UnserveRequests<Party> {
  private readonly pending = new Map<number, Pending<Party>>();
  private next = 1;

  constructor(private readonly options: UnserveRequestsOptions<Party>) {}

  /** The number under which the provider is to answer. */
  add(request: UnserveRequest<Party>): number {
    const number = this.next++;
    const timer = setTimeout(() => {
      this.pending.delete(number);
      this.options.onRefused(
        request,
        new VnetError("timeout", "the node did not answer in time"),
      );
    }, this.options.timeoutMs);
    this.pending.set(number, { ...request, timer });
    return number;
  }

  /** Takes the request that `provider` answers; undefined when nobody waits for it (any more). */
  take(number: number, provider: Party): UnserveRequest<Party> | undefined {
    const pending = this.pending.get(number);
    if (pending?.provider !== provider) return undefined;
    this.pending.delete(number);
    clearTimeout(pending.timer);
    return pending;
  }

  /** A party is gone: what it asked is forgotten, what it was asked is refused. */
  drop(party: Party): void {
    for (const [number, pending] of this.pending) {
      if (pending.requester !== party && pending.provider !== party) continue;
      this.pending.delete(number);
      clearTimeout(pending.timer);
      if (pending.provider === party && pending.requester !== party)
        this.options.onRefused(
          pending,
          new VnetError("closed", "the node left before it answered"),
        );
    }
  }
}
