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
import type { Unrest } from "./unrest.js";

export const AUTHKEY = "the key of this soak";
/** Whatever was done to a LAN, all of it is back by then. */
export const BACK_MS = 20_000;

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

  /** The node is with its hub. */
  untilConnected(): Promise<void> {
    return until("back at the hub", async () => {
      const { link_state } = await this.ask<VnetView>("show vnet");
      return link_state === "online" ? null : link_state;
    });
  }

  /** The node's uses of these ports listen. */
  untilListening(ports: readonly number[]): Promise<void> {
    return until("all uses listen", async () => {
      const rows = await this.ask<UseRow[]>("show use");
      const isListening = (port: number) =>
        rows.some((row) => row.port === port && row.state === "listening");
      return ports.every(isListening) ? null : JSON.stringify(rows);
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work, work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}

/** @param look null: it is so; else what it is instead */
async function until(
  what: string,
  look: () => Promise<string | null>,
): Promise<void> {
  for (const end = performance.now() + BACK_MS; ;) {
    const found = await look();
    if (found === null) return;
    if (performance.now() > end)
      throw new Error(`not within ${BACK_MS} ms: ${what}; last: ${found}`);
    await sleep(50);
  }
}
