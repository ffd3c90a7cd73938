// Which of several serves of one name or id the next stream goes to: the one on which this use has the fewest, or the
// latest where they take over; those that failed a moment ago last. Counts streams; opens none.

import { performance } from "node:perf_hooks";
import type { RemoteServe } from "./control.js";
import { serveKey } from "./directory.js";

/** After a failure it is tried last for this long, doubled with each further one. */
const FIRST_REST_MS = 1_000;
const MAX_REST_MS = 30_000;

interface Standing {
  streams: number;
  /** when it was chosen last: among equals it is not its turn again */
  chosen: number;
  failures: number;
  restsUntil: number;
}

export class Balance {
  private readonly standings = new Map<string, Standing>();
  private turn = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** The best one first. Those that take over come with the latest first. */
  order<T extends RemoteServe>(serves: readonly T[]): T[] {
    const now = this.now();
    const rank = (serve: T) => {
      const { streams, chosen, restsUntil } = this.of(serve);
      const rests = restsUntil > now ? 1 : 0;
      return serve.share === "takeover"
        ? ([rests, 0, 0] as const)
        : ([rests, streams, chosen] as const);
    };
    return [...serves].sort((a, b) => {
      const [restA, streamsA, chosenA] = rank(a);
      const [restB, streamsB, chosenB] = rank(b);
      return restA - restB || streamsA - streamsB || chosenA - chosenB;
    });
  }

  /** A stream is being opened there. */
  opened(serve: RemoteServe): void {
    const standing = this.of(serve);
    standing.streams++;
    standing.chosen = ++this.turn;
  }

  /** It has been accepted. */
  succeeded(serve: RemoteServe): void {
    const standing = this.of(serve);
    standing.failures = 0;
    standing.restsUntil = 0;
  }

  /** It could not be opened. */
  failed(serve: RemoteServe): void {
    const standing = this.of(serve);
    const restMs = Math.min(
      FIRST_REST_MS * 2 ** standing.failures++,
      MAX_REST_MS,
    );
    standing.restsUntil = this.now() + restMs;
  }

  /** The stream, opened or not, is over. */
  ended(serve: RemoteServe): void {
    this.of(serve).streams--;
  }

  /** Forgets who is not there any more and has no stream left. */
  keep(serves: readonly RemoteServe[]): void {
    const there = new Set(serves.map(serveKey));
    for (const [key, { streams }] of this.standings)
      if (!there.has(key) && streams === 0) this.standings.delete(key);
  }

  private of(serve: RemoteServe): Standing {
    const key = serveKey(serve);
    let standing = this.standings.get(key);
    if (standing === undefined) {
      // Many uses that meet the same serves at once shall not all begin with the same one.
      const chosen = -Math.random();
      standing = { streams: 0, chosen, failures: 0, restsUntil: 0 };
      this.standings.set(key, standing);
    }
    return standing;
  }
}
