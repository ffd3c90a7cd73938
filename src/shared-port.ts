// The hub's own port as a public port too: who comes there and is no vnet is a user of the one `[public.X]` that has
// the hub's address. Hands connections over, owns none.

import { ALL_ADDRESSES } from "./config/config.js";
import { VnetError } from "./errors.js";
import { formatAddress } from "./net/address.js";
import type { Listening, ListenerOptions } from "./net/listener.js";

type OnConnection = ListenerOptions["onConnection"];

export class SharedPort {
  private user: ListenerOptions | undefined;

  constructor(private readonly route: { ip: string; port: number }) {}

  isAt({ host, port }: { host: string; port: number }): boolean {
    const { ip } = this.route;
    const isHost =
      host === ip || (ip === ALL_ADDRESSES && ["0.0.0.0", "::"].includes(host));
    return isHost && port === this.route.port;
  }

  /** As a listener on that address: while nobody listens, connections are turned away. */
  listen(options: ListenerOptions): Promise<Listening> {
    const { host, port } = options;
    if (this.user !== undefined)
      return Promise.reject(
        new VnetError(
          "network",
          `cannot listen on ${formatAddress(host, port)}: another public port has the hub's own`,
        ),
      );
    this.user = options;
    const close = () => {
      if (this.user === options) this.user = undefined;
      return Promise.resolve();
    };
    return Promise.resolve({ host, port, close });
  }

  /** Somebody came who is no vnet. */
  readonly take: OnConnection = (connection, peer) => {
    // The hub's port may be open on IPv6 too; this says that the public one is not.
    const isOutside =
      this.user?.host === "0.0.0.0" && peer.address.includes(":");
    if (this.user === undefined || isOutside) connection.destroy();
    else this.user.onConnection(connection, peer);
  };
}
