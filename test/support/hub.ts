// A hub in the test's own process, on port 0, with short limits, and with the
// nodes, clients and services that a test puts around it. It closes them all,
// and afterwards nothing may be left of them in the hub.

import { expect } from "chai";
import type { Duplex } from "node:stream";
import { Claims } from "../../src/hub/claims.js";
import { Hub, type HubCounts, type HubOptions } from "../../src/hub/hub.js";
import { KeyRing } from "../../src/hub/key-ring.js";
import type { HubLimits } from "../../src/hub/limits.js";
import { HostKey } from "../../src/keys/host-key.js";
import type { Identity } from "../../src/keys/identity.js";
import type { Hello } from "../../src/wire/to-hub.js";
import { DEADLINE_MS, eventually, within } from "./deadline.js";
import { connectTo, type Observed, type TestServer } from "./echo.js";
import { HubClient } from "./hub-client.js";
import { KeptLog } from "./kept-log.js";
import { TestNode, type NodeLimits } from "./node.js";
import { nodeSettings, type NodeSettings } from "./settings.js";

const LIMITS: Partial<HubLimits> = {
  heartbeat: { intervalMs: 100, timeoutMs: 2_000 },
  handshakeMs: 2_000,
  ticketMs: 2_000,
  holderProbeMs: 1_000,
};

let derived: Promise<KeyRing> | undefined;

/** Of a hub without authkey; slow to derive, so once for all tests. */
export function openKeys(): Promise<KeyRing> {
  derived ??= KeyRing.make(null);
  return derived;
}

export interface TestHubOptions
  extends
    Partial<HubLimits>,
    Pick<HubOptions, "proxyFrom" | "connectLine" | "onPlain"> {
  /** one that was reserved, for a hub that is to come back on it */
  port?: number;
}

export class TestHub {
  readonly log = new KeptLog();
  readonly hostKey = HostKey.generate();
  /** what a hub keeps on its disk */
  readonly claims = new Claims();
  #hub: Hub | undefined;
  #port: number;
  readonly #options: Omit<TestHubOptions, "port">;
  readonly #owned: (() => Promise<void> | void)[] = [];

  private constructor({ port = 0, ...options }: TestHubOptions) {
    this.#port = port;
    this.#options = options;
  }

  static async start(options: TestHubOptions = {}): Promise<TestHub> {
    const made = new TestHub(options);
    await made.open();
    return made;
  }

  get port(): number {
    return this.#port;
  }

  get counts(): HubCounts {
    if (this.#hub === undefined) throw new Error("the hub is stopped");
    return this.#hub.counts;
  }

  /** Starts it (again), on the same port. */
  async open(): Promise<void> {
    const { proxyFrom, connectLine, onPlain, ...limits } = this.#options;
    this.#hub = await Hub.start({
      ...(proxyFrom !== undefined && { proxyFrom }),
      ...(connectLine !== undefined && { connectLine }),
      ...(onPlain !== undefined && { onPlain }),
      host: "127.0.0.1",
      port: this.#port,
      software: "vnet test",
      log: this.log,
      hostKey: this.hostKey,
      keys: await openKeys(),
      claims: this.claims,
      limits: { ...LIMITS, ...limits },
    });
    this.#port = this.#hub.port;
  }

  /** Closes the hub itself and leaves all around it as it is. */
  async stop(): Promise<void> {
    await this.#hub?.close();
    this.#hub = undefined;
  }

  /** A node that joined. */
  async node(
    settings: NodeSettings,
    limits: NodeLimits = {},
  ): Promise<TestNode> {
    const node = this.nodeOffline(settings, limits);
    await node.online();
    return node;
  }

  /** A node that is not waited for. */
  nodeOffline(settings: NodeSettings, limits: NodeLimits = {}): TestNode {
    const node = TestNode.start(nodeSettings(this.#port, settings), limits);
    this.#owned.push(() => node.close());
    return node;
  }

  /** A connection that has said nothing yet. */
  async connect(from?: string): Promise<HubClient> {
    const client = await HubClient.connect(this.#port, from);
    this.#owned.push(() => {
      client.close();
    });
    return client;
  }

  /** A client that joined. */
  async client(
    fields: Partial<Hello> = {},
    identity?: Identity,
  ): Promise<HubClient> {
    return (await this.connect()).join(fields, identity);
  }

  /** Resolves when nobody is there any more. */
  async forgotten(): Promise<void> {
    await eventually("the hub has let everybody go", () => {
      const { nodes, serves, unknown } = this.counts;
      return nodes + serves + unknown === 0;
    });
  }

  /** One end of a connection within the process. */
  connectWithin(): Duplex {
    if (this.#hub === undefined) throw new Error("the hub is stopped");
    const duplex = this.#hub.connect();
    this.#owned.push(() => {
      duplex.destroy();
    });
    return duplex;
  }

  async service(start: () => Promise<TestServer>): Promise<TestServer> {
    const server = await start();
    this.#owned.push(() => server.close());
    return server;
  }

  /** A user's connection to a port of a use. */
  async user(port: number): Promise<Observed> {
    return this.keep(await connectTo(port));
  }

  keep(connection: Observed): Observed {
    this.#owned.push(() => {
      connection.socket.destroy();
    });
    return connection;
  }

  /** All that was put around it, newest first, and at last itself. */
  async close(): Promise<void> {
    for (const close of this.#owned.splice(0).reverse()) await close();
    const hub = this.#hub;
    try {
      if (hub !== undefined)
        await eventually("the hub forgets those who left", () => {
          // Tickets that nobody came with are let go in their own time.
          const { legs, ...counts } = hub.counts;
          expect({ ...counts, joined: legs.joined }).to.deep.equal({
            groups: 0,
            nodes: 0,
            serves: 0,
            unknown: 0,
            joined: 0,
          });
          return true;
        });
    } finally {
      await this.stop();
    }
  }
}

/** `await withHub(async (hub) => …)`: all closed whatever happens. */
export async function withHub(
  body: (hub: TestHub) => Promise<void>,
  options: TestHubOptions = {},
): Promise<void> {
  const hub = await TestHub.start(options);
  let failure: { error: unknown } | undefined;
  try {
    await within("the test's end", body(hub), 2 * DEADLINE_MS);
  } catch (error) {
    failure = { error };
  }
  try {
    await hub.close();
  } catch (error) {
    failure ??= { error };
  }
  if (failure !== undefined) throw failure.error;
}
