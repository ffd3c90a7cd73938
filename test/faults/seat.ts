// One node of the ring: a real ./vnet with a serve of its own and a use of its neighbour's, that is killed, stopped and
// started again with the same configuration and keys.

import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { CheckedService, runStream } from "../support/checked-streams.js";
import type { Tally } from "../support/checked-stream.js";
import {
  askJson,
  untilRow,
  type UseRow,
  type VnetView,
} from "../support/lan.js";
import { startNode, type Launched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import type { Relay } from "../support/relay.js";

/** Asks only whether somebody answers. */
const PROBE = { seed: 1, up: 4, down: 4, order: "answer" } as const;

export interface SeatOptions {
  index: number;
  /** whose serve it uses */
  neighbour: number;
  hubPort: number;
  relay?: Relay | undefined;
  /** further lines of [route] */
  route: string;
  tally: Tally;
  /** of probes, which are no load */
  probes: Tally;
}

export class Seat {
  program: Launched | undefined;
  vnetid = "";

  private constructor(
    private readonly options: SeatOptions,
    readonly service: CheckedService,
    readonly usePort: number,
    private readonly deaths: { at: number },
  ) {}

  static async create(options: SeatOptions): Promise<Seat> {
    const deaths = { at: -Infinity };
    const service = await CheckedService.start({
      tally: options.tally,
      killedSince: (beganMs) => deaths.at >= beganMs,
    });
    return new Seat(options, service, await reservePort(), deaths);
  }

  get name(): string {
    return `n${this.options.index}`;
  }

  get relay(): Relay | undefined {
    return this.options.relay;
  }

  get serveid(): number {
    return 500 + this.options.index;
  }

  get wants(): number {
    return 500 + this.options.neighbour;
  }

  readonly killedSince = (beganMs: number): boolean =>
    this.deaths.at >= beganMs;

  get running(): Launched {
    if (this.program === undefined) throw new Error(`${this.name} is not up`);
    return this.program;
  }

  /** Starts it, anew with what it had; resolves when it has joined. */
  async start(timeoutMs = 30_000): Promise<void> {
    this.launch();
    await this.running.waitForOutput("connected to the hub", timeoutMs);
  }

  launch(): Launched {
    const { hubPort, relay, route } = this.options;
    const folder = this.program?.folder;
    this.program = startNode(
      `[route]
ip = 127.0.0.1
port = ${relay?.port ?? hubPort}
${route}
[vnet]
name = ${this.name}
terminal = true
[serve.own]
serveid = ${this.serveid}
port = ${this.service.port}
[use.next]
serveid = ${this.wants}
port = ${this.usePort}
`,
      folder === undefined ? {} : { folder },
    );
    return this.program;
  }

  /** Whoever runs it on another machine, or hangs there, is nobody to a start here. */
  forgetLock(): void {
    const state = join(this.running.folder, "state");
    for (const entry of readdirSync(state, { recursive: true }))
      if (String(entry).endsWith("vnet.lock"))
        rmSync(join(state, String(entry)), { force: true });
  }

  /** With -9; what its own sockets say then is the kernel's doing. */
  async kill(program = this.running): Promise<void> {
    // What a dead process had accepted or dialled may show itself a moment later.
    this.deaths.at = Infinity;
    program.kill("SIGKILL");
    await program.exited;
    this.deaths.at = performance.now() + 500;
  }

  /** One probe through its use. */
  async answers(silenceMs = 4_000): Promise<boolean> {
    const { probes } = this.options;
    const verdict = await runStream(this.usePort, PROBE, {
      tally: probes,
      silenceMs,
      killedSince: this.killedSince,
    });
    return verdict === "whole";
  }

  /** How long after `fromMs` a use answers; rejects when it does not. */
  async untilAnswers(fromMs: number, timeoutMs = 60_000): Promise<number> {
    for (;;) {
      if (await this.answers()) return performance.now() - fromMs;
      if (performance.now() - fromMs > timeoutMs)
        throw new Error(
          `the use of ${this.name} does not answer again; ${await this.account()}`,
        );
      await sleep(50);
    }
  }

  /** How long after `fromMs` its use is in that state. */
  async untilUse(
    state: string,
    fromMs: number,
    timeoutMs = 30_000,
  ): Promise<number> {
    await untilRow<UseRow>(
      this.running,
      "show use",
      (row) => row.state === state,
      `the use of ${this.name} is ${state}`,
      timeoutMs,
    );
    return performance.now() - fromMs;
  }

  /** How long after `fromMs` it knows that its link is lost. */
  async untilOffline(fromMs: number, timeoutMs = 30_000): Promise<number> {
    while (performance.now() - fromMs < timeoutMs) {
      if ((await this.view()).link_state !== "online")
        return performance.now() - fromMs;
      await sleep(50);
    }
    throw new Error(`${this.name} does not notice that its link is dead`);
  }

  view(): Promise<VnetView> {
    return askJson<VnetView>(this.running, "show vnet");
  }

  /** What it says of itself, for whoever has to find out why it does not answer. */
  private async account(): Promise<string> {
    const rows = await askJson<UseRow[]>(this.running, "show use");
    const lines = this.running.lines.filter(
      (line) => !line.endsWith(" is here"),
    );
    return `it says ${JSON.stringify([rows, await this.view()])}\n${lines.slice(-30).join("\n")}`;
  }

  /** Is what `show use` says of its state what a connection finds? In words what is not; null: it is true. */
  async untruth(): Promise<string | null> {
    const [row] = await askJson<UseRow[]>(this.running, "show use");
    const answers = await this.answers();
    if ((row?.state === "listening") === answers) return null;
    return `${this.name}: show use says ${row?.state}, a connection ${answers ? "is answered" : "is not"}`;
  }

  async close(): Promise<void> {
    await this.program?.close("SIGTERM");
    await this.service.close();
  }
}
