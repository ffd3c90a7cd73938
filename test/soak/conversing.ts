// Conversations of the table in a soak: each lane has a serve and a use of its own in the steady LAN, and holds one at a time.

import { setTimeout as sleep } from "node:timers/promises";
import { CONVERSATIONS } from "../support/conversations.js";
import { Lane } from "../support/lane.js";
import { serveSection, useSection } from "../support/lan.js";
import { reservePort } from "../support/ports.js";
import type { Random } from "../support/random.js";
import type { Act } from "./mix.js";
import type { Unrest } from "./unrest.js";

const FIRST_ID = 800;
/** After a break the provider may still be dialling for a conversation that is over. */
const AFTERMATH_MS = 500;

export class Lanes {
  readonly #idle: Lane[];

  private constructor(private readonly lanes: readonly Lane[]) {
    this.#idle = [...lanes];
  }

  static async open(count: number): Promise<Lanes> {
    const lanes: Lane[] = [];
    while (lanes.length < count)
      lanes.push(await Lane.open(await reservePort()));
    return new Lanes(lanes);
  }

  /** For the node that has the services. */
  get serveSections(): string {
    return this.lanes
      .map(
        ({ servicePort }, at) =>
          // A service is there for one conversation only, and the use shall listen all the time.
          `${serveSection(FIRST_ID + at, servicePort)}check = false\n`,
      )
      .join("");
  }

  /** For the node that the clients are at. */
  get useSections(): string {
    return this.lanes
      .map(({ clientPort }, at) => useSection(FIRST_ID + at, clientPort))
      .join("");
  }

  get ports(): number[] {
    return this.lanes.map(({ clientPort }) => clientPort);
  }

  act(name: string, unrest: Unrest): Act {
    return {
      ...{ name: `conversation, ${name}`, weight: 6, unrest },
      run: (random) => this.#hold(random),
    };
  }

  async close(): Promise<void> {
    for (const lane of this.lanes) await lane.close();
  }

  async #hold(random: Random): Promise<void> {
    const lane = this.#idle.shift();
    if (lane === undefined) throw new Error("fewer lanes than workers");
    const conversation =
      CONVERSATIONS[random.between(0, CONVERSATIONS.length - 1)];
    if (conversation === undefined) throw new Error("an empty table");
    try {
      const { faults } = await lane.hold(conversation, random);
      if (faults.length === 0) return;
      await sleep(AFTERMATH_MS);
      throw new Error(`"${conversation.name}": ${faults.join("; ")}`);
    } finally {
      this.#idle.push(lane);
    }
  }
}
