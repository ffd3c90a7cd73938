// The LAN of a soak in which processes are killed, stopped and started again, all the time under load.
// Each life of a process is a line of measurement of its own.

import { setTimeout as sleep } from "node:timers/promises";
import { serveSection, useSection } from "../support/lan.js";
import { startHub, type Hub, type Launched } from "../support/launch.js";
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
import type { Measured, Sampler } from "./sampler.js";
import type { Services } from "./services.js";
import type { Unrest } from "./unrest.js";

const CHECKED = 700;
const ECHO = 702;
const STOPPED_MS = 2_000;

type Role = "hub" | "home" | "office";

export class RoughLan {
  hub!: Hub;
  home!: Commands;
  office!: Commands;
  #hubConfig = "";
  #ports = { hub: 0, checked: 0, echo: 0 };
  #last: Promise<void> = Promise.resolve();

  private constructor(
    readonly sampler: Sampler,
    readonly services: Services,
    readonly unrest: Unrest,
  ) {}

  static async start(
    sampler: Sampler,
    services: Services,
    unrest: Unrest,
  ): Promise<RoughLan> {
    const lan = new RoughLan(sampler, services, unrest);
    const hub = await reservePort();
    const [checked, echo] = [await reservePort(), await reservePort()];
    lan.#ports = { hub, checked, echo };
    lan.#hubConfig = `[route]\nip = 127.0.0.1\nport = ${hub}\nauthkey = ${AUTHKEY}\n`;
    for (const role of ["hub", "home", "office"] as const)
      await lan.#start(role);
    await lan.#untilBack();
    return lan;
  }

  get door(): Door {
    return {
      ...{ name: "rough", port: this.#ports.checked, unrest: this.unrest },
    };
  }

  get measured(): Measured[] {
    return [
      { name: "rough hub", program: this.hub },
      { name: "rough home", program: this.home.node },
      { name: "rough office", program: this.office.node },
    ];
  }

  /** Ends the process with that signal and starts it again, with the same keys; resolves when all is back. */
  async restart(role: Role, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    await this.#alone(async () => {
      const program = this.#program(role);
      this.unrest.kill();
      program.kill(signal);
      await program.exited;
      // What was on its way when it went is told from what comes after.
      this.unrest.kill();
      await this.#start(role, program.folder);
      await this.#untilBack();
    });
  }

  /** Stops the process for a while, as a machine that is too busy does; resolves when all is back. */
  async freeze(role: Role): Promise<void> {
    await this.#alone(async () => {
      const program = this.#program(role);
      program.kill("SIGSTOP");
      try {
        await sleep(STOPPED_MS);
      } finally {
        program.kill("SIGCONT");
      }
      await this.#untilBack();
    });
  }

  /** One blow after the other, each with its recovery. */
  #alone(blow: () => Promise<void>): Promise<void> {
    const mine = this.#last.then(() => this.unrest.during(blow));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  #program(role: Role): Launched {
    return role === "hub" ? this.hub : this[role].node;
  }

  async #start(role: Role, folder?: string): Promise<void> {
    const { sampler, services } = this;
    if (role === "hub") {
      const { env } = sampler;
      this.hub = await startHub(this.#hubConfig, {
        env,
        ...(folder !== undefined && { folder }),
      });
      return;
    }
    const sections =
      role === "home"
        ? serveSection(CHECKED, services.checked.port) +
          serveSection(ECHO, services.echo.port)
        : useSection(CHECKED, this.#ports.checked) +
          useSection(ECHO, this.#ports.echo);
    const config = probedConfig(this.#ports.hub, { name: role, sections });
    this[role] = new Commands(await startProbed(sampler, config, folder));
  }

  async #untilBack(): Promise<void> {
    for (const node of [this.home, this.office]) await node.untilConnected();
    await this.office.untilListening([this.#ports.checked, this.#ports.echo]);
    await untilEchoed(this.#ports.echo, "are you back?", BACK_MS);
  }
}
