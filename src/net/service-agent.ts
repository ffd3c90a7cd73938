// The connections to a service of one user's HTTP connection: made by whatever dials the service, at most one at a time
// kept for the next request, never shared with another user.

import http from "node:http";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import { reset } from "./reset.js";
import { hearOut } from "./socket-handle.js";

export class ServiceAgent extends http.Agent {
  private isClosed = false;
  /** what ends the wait of a kept connection */
  private wake: (() => void) | undefined;

  /**
   * @param dial rejects with VnetError; has a deadline of its own
   * @param onLost a kept connection ended while nobody used it
   */
  constructor(
    private readonly dial: () => Promise<Duplex>,
    private readonly onLost: () => void,
  ) {
    super({ keepAlive: true, maxFreeSockets: 1 });
  }

  override createConnection(
    _options: http.ClientRequestArgs,
    done: (error: Error | null, connection?: Duplex) => void,
  ): null {
    this.dial().then(
      (connection) => {
        if (this.isClosed) {
          reset(connection);
          done(new VnetError("closed", "the user's connection is closed"));
          return;
        }
        // An answer that lasts to the end of its connection would look whole after a reset; and the answer of a service that
        // wants no more of a request would be lost.
        hearOut(connection);
        done(null, countable(connection));
      },
      (error: unknown) => {
        done(error as Error);
      },
    );
    return null;
  }

  /** Not as Node does it: a duplex has no timeout of its own; and how long it is kept is the service's to say. */
  override keepSocketAlive(connection: Duplex): true {
    const lose = () => {
      this.wake?.();
      connection.destroy();
      this.onLost();
    };
    // Bytes that nobody asked for would be taken for the answer to the next request.
    const events = ["data", "end", "close"] as const;
    for (const event of events) connection.on(event, lose);
    this.wake = () => {
      this.wake = undefined;
      for (const event of events) connection.off(event, lose);
    };
    return true;
  }

  override reuseSocket(connection: Duplex, request: http.ClientRequest): void {
    this.wake?.();
    super.reuseSocket(connection, request);
  }

  /** Cuts off whatever there is. Idempotent. */
  override destroy(): void {
    this.isClosed = true;
    this.wake?.();
    for (const connections of [this.sockets, this.freeSockets])
      for (const connection of Object.values(connections).flat())
        if (connection !== undefined) reset(connection);
    super.destroy();
  }
}

/** Node counts the connection among those for which the process stays, as only sockets can be counted. */
function countable(connection: Duplex): Duplex {
  return "ref" in connection
    ? connection
    : Object.assign(connection, { ref: () => connection });
}
