// The LAN of a soak that lives from its begin to its end, so that slopes mean something: a hub with a public port, an
// encrypted group and a plain one. Everything happens to it but the end of its own processes; a relay cuts its links.

import {
  serveSection,
  useSection,
  type NodeSketch,
  type VnetView,
} from "../support/lan.js";
import { startHub, type Hub } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { untilEchoed } from "../support/reach.js";
import {
  AUTHKEY,
  BACK_MS,
  Commands,
  probedConfig,
  startProbed,
  type Door,
} from "./lan.js";
import { Relay } from "../support/relay.js";
import { Lanes } from "./conversing.js";
import type { Measured, Sampler } from "./sampler.js";
import type { Services } from "./services.js";
import { Unrest } from "./unrest.js";

/** What its serves are, by id. */
export const SERVE = {
  checked: 700,
  spread: 701,
  echo: 702,
  rude: 703,
  slow: 704,
  nobody: 705,
  http: 706,
  program: 707,
  toggled: 708,
} as const;

const RED = { group: "red" };

export class SteadyLan {
  readonly unrest = new Unrest();
  readonly doors: Door[] = [];
  /** by what is behind: the office's uses */
  readonly ports = {} as Record<keyof typeof SERVE, number>;
  publicPort = 0;
  plainEchoPort = 0;
  lanes!: Lanes;
  plainLanes!: Lanes;
  hub!: Hub;
  relay!: Relay;
  home!: Commands;
  barn!: Commands;
  office!: Commands;
  plainHome!: Commands;
  plainOffice!: Commands;

  private constructor(
    readonly sampler: Sampler,
    readonly services: Services,
  ) {}

  /** @param lanes of each group, for conversations */
  static async start(
    sampler: Sampler,
    services: Services,
    lanes: number,
  ): Promise<SteadyLan> {
    const lan = new SteadyLan(sampler, services);
    lan.lanes = await Lanes.open(lanes);
    lan.plainLanes = await Lanes.open(lanes);
    await lan.#startHub();
    await lan.#startNodes();
    await lan.untilBack();
    return lan;
  }

  get nodes(): Record<string, Commands> {
    const { home, barn, office, plainHome, plainOffice } = this;
    return { home, barn, office, plainHome, plainOffice };
  }

  get measured(): Measured[] {
    const nodes = Object.entries(this.nodes);
    return [
      { name: "hub", program: this.hub },
      ...nodes.map(([name, { node }]) => ({ name, program: node })),
    ];
  }

  /** What the office's configuration says, with further sections: for reloads. */
  officeConfig(more = ""): string {
    const uses = Object.entries(this.ports).map(([name, port]) =>
      name === "spread"
        ? `[use.spread]\nserve = spread\nport = ${port}`
        : useSection(SERVE[name as keyof typeof SERVE], port),
    );
    const sections = `${uses.join("\n")}\n${this.lanes.useSections}${more}`;
    return probedConfig(this.relay.port, {
      ...{ ...RED, name: "office", sections },
    });
  }

  /** Every node is with its hub, and every door leads to somebody who answers. */
  async untilBack(): Promise<void> {
    for (const node of Object.values(this.nodes)) await node.untilConnected();
    const { lanes, plainLanes, plainEchoPort } = this;
    await this.office.untilListening([
      ...Object.values(this.ports),
      ...lanes.ports,
    ]);
    await this.plainOffice.untilListening([plainEchoPort, ...plainLanes.ports]);
    for (const port of [this.ports.echo, this.plainEchoPort, this.publicPort])
      await untilEchoed(port, "are you back?", BACK_MS);
  }

  /** Channels of all nodes: each is one descriptor at its node, and one at the hub. */
  async channels(): Promise<Record<string, number>> {
    const counts: Record<string, number> = { hub: 0 };
    for (const [name, commands] of Object.entries(this.nodes)) {
      const { channels } = await commands.ask<VnetView>("show vnet");
      const count = channels.idle + channels.busy;
      counts[name] = count;
      counts.hub = (counts.hub ?? 0) + count;
    }
    return counts;
  }

  async close(): Promise<void> {
    await this.lanes.close();
    await this.plainLanes.close();
    await this.relay.close();
  }

  async #startHub(): Promise<void> {
    const port = await reservePort();
    this.publicPort = await reservePort();
    this.hub = await startHub(
      `[route]
ip = 127.0.0.1
port = ${port}
authkey = ${AUTHKEY}

[public.echo]
group = red
serveid = ${SERVE.echo}
port = ${this.publicPort}
`,
      { env: this.sampler.env },
    );
    this.relay = await Relay.start(port);
  }

  async #startNodes(): Promise<void> {
    const { checked, echo } = this.services;
    for (const name of Object.keys(SERVE) as (keyof typeof SERVE)[])
      this.ports[name] = await reservePort();
    const plainPort = await reservePort();
    this.plainEchoPort = await reservePort();
    const plain = "encrypt = false";
    const start = async (config: string) =>
      new Commands(await startProbed(this.sampler, config));
    const configOf = (sketch: NodeSketch) =>
      probedConfig(this.relay.port, sketch);
    [this.home, this.barn, this.office, this.plainHome, this.plainOffice] =
      await Promise.all([
        start(configOf(this.#homeSketch())),
        start(configOf({ ...RED, name: "barn", sections: this.#spread() })),
        start(this.officeConfig()),
        start(
          configOf({
            ...{ name: "plain-home", group: "blue", vnet: plain },
            sections:
              serveSection(SERVE.checked, checked.port) +
              serveSection(SERVE.echo, echo.port) +
              this.plainLanes.serveSections,
          }),
        ),
        start(
          configOf({
            ...{ name: "plain-office", group: "blue", vnet: plain },
            sections:
              useSection(SERVE.checked, plainPort) +
              useSection(SERVE.echo, this.plainEchoPort) +
              this.plainLanes.useSections,
          }),
        ),
      ]);
    const { unrest } = this;
    this.doors.push(
      { name: "encrypted", port: this.ports.checked, unrest },
      { name: "plain", port: plainPort, unrest },
      { name: "balanced", port: this.ports.spread, unrest },
    );
  }

  #homeSketch(): NodeSketch {
    const { checked, echo, rude, slow, httpPort, nobody } = this.services;
    return {
      ...{ ...RED, name: "home" },
      vnet: "allow_unserve = true\nunserve_num = 8\nunserve_ttl = 10\nunserve_linger = 2",
      sections: [
        serveSection(SERVE.checked, checked.port),
        serveSection(SERVE.echo, echo.port),
        serveSection(SERVE.rude, rude.port),
        serveSection(SERVE.slow, slow.port),
        `${serveSection(SERVE.nobody, nobody)}check = false\n`,
        serveSection(SERVE.toggled, checked.port),
        `[serve.program]\nserveid = ${SERVE.program}\nip = exec:cat\n`,
        `[serve.http]\nserveid = ${SERVE.http}\ntype = http\nhost = soak.example\nport = ${httpPort}\n`,
        this.#spread(),
        this.lanes.serveSections,
      ].join("\n"),
    };
  }

  /** Two nodes have it. */
  #spread(): string {
    return `[serve.spread]\nport = ${this.services.checked.port}\nshare = balance\n`;
  }
}
