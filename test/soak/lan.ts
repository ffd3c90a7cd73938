// What both LANs of a soak are made of: programs with probes, doors through which streams go, and terminals.
// Ended by closeLaunched, and by its owner what it starts beside programs.

import { setTimeout as sleep } from "node:timers/promises";
import {
  askJson,
  nodeConfig,
  type NodeSketch,
  type UseRow,
  type VnetView,
} from "../support/lan.js";
import { startNode, type Launched } from "../support/launch.js";
import type { Sampler } from "./sampler.js";
import { Unrest } from "./unrest.js";

export const AUTHKEY = "the key of this soak";

/** A local port that leads through a LAN to a checked service. */
export interface Door {
  name: string;
  port: number;
  unrest: Unrest;
}

/** A LAN's node, started with a probe, that has joined. */
export async function startProbed(
  sampler: Sampler,
  config: string,
  folder?: string,
): Promise<Launched> {
  const node = startNode(config, {
    env: sampler.env,
    ...(folder !== undefined && { folder }),
  });
  await node.waitForOutput("connected to the hub", 20_000);
  return node;
}

/** The text of a node's configuration, which names the hub's key. */
export function probedConfig(hubPort: number, sketch: NodeSketch): string {
  return nodeConfig(hubPort, sketch).replace(
    "[vnet]",
    `authkey = ${AUTHKEY}\n\n[vnet]`,
  );
}

/** A node's stdin, one command at a time, so that answers are told apart. */
export class Commands {
  #last: Promise<unknown> = Promise.resolve();

  constructor(readonly node: Launched) {}

  /** Runs the command alone and resolves with its JSON document. */
  ask<T>(command: string): Promise<T> {
    return this.#alone(() => askJson<T>(this.node, command));
  }

  /** Runs the command alone and resolves with what was printed meanwhile. */
  run(command: string): Promise<string> {
    return this.#alone(async () => {
      const from = this.node.output.length;
      this.node.send(command);
      // The next one is answered when this one is done.
      await askJson(this.node, "show vnet");
      return this.node.output.slice(from);
    });
  }

  /** Asks again and again until the answer fits. */
  async until<T>(
    command: string,
    fits: (answer: T) => boolean,
    what: string,
    timeoutMs = 20_000,
  ): Promise<void> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const answer = await this.ask<T>(command);
      if (fits(answer)) return;
      if (performance.now() > end)
        throw new Error(
          `not within ${timeoutMs} ms: ${what}; last answer ${JSON.stringify(answer)}`,
        );
      await sleep(50);
    }
  }

  /** The node is with its hub. */
  untilConnected(): Promise<void> {
    const fits = ({ link_state }: VnetView) => link_state === "online";
    return this.until("show vnet", fits, "back at the hub");
  }

  /** The node's uses of these ports listen. */
  untilListening(ports: readonly number[]): Promise<void> {
    const listens = (rows: UseRow[], port: number) =>
      rows.some((row) => row.port === port && row.state === "listening");
    const fits = (rows: UseRow[]) => ports.every((port) => listens(rows, port));
    return this.until("show use", fits, `uses of ${ports.join()} listen`);
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
