// A hub and many nodes as real processes, each with a use of the next one's serve, under checked load: what the faults
// happen to. The first few reach the hub over relays.

import { readdirSync } from "node:fs";
import { CheckedLoad } from "../support/checked-streams.js";
import { Tally } from "../support/checked-stream.js";
import { askJson } from "../support/lan.js";
import { startHub, type Hub } from "../support/launch.js";
import { accepts } from "../support/program.js";
import { reservePort } from "../support/ports.js";
import type { Random } from "../support/random.js";
import { Relay } from "../support/relay.js";
import { Seat } from "./seat.js";

/** Processes that start at the same time; more would only wait for each other. */
const STARTS = 4;

export interface RingOptions {
  nodes: number;
  /** how many of them have a relay in front of the hub */
  relays: number;
  random: Random;
  /** streams at the same time */
  streams: number;
  maxBytes?: number;
  /** a stream without a byte for so long hangs */
  silenceMs: number;
  /** further lines of [route], the same for hub and nodes */
  route?: string;
}

interface Member {
  vnetid: string;
  name: string;
}

export class Ring {
  readonly tally = new Tally();
  readonly probes = new Tally();
  readonly seats: Seat[] = [];
  private readonly relays: Relay[] = [];
  private load: CheckedLoad | undefined;
  hub!: Hub;

  private constructor(readonly options: RingOptions) {}

  static async start(options: RingOptions): Promise<Ring> {
    const ring = new Ring(options);
    const { nodes, relays, route = "" } = options;
    const port = await reservePort();
    ring.hub = await startHub(ring.hubConfig(port));
    for (let index = 0; index < nodes; index++) {
      const relay = index < relays ? await Relay.start(port) : undefined;
      if (relay !== undefined) ring.relays.push(relay);
      const { tally, probes } = ring;
      const neighbour = (index + 1) % nodes;
      const told = { index, neighbour, hubPort: port, relay, route };
      ring.seats.push(await Seat.create({ ...told, tally, probes }));
    }
    await ring.each((seat) => seat.start());
    await ring.untilAllAnswer(performance.now());
    await ring.each(async (seat) => {
      seat.vnetid = (await seat.view()).vnetid;
    });
    return ring;
  }

  /** Does something with every seat, a few at a time. */
  async each(act: (seat: Seat) => Promise<void>): Promise<void> {
    const waiting = [...this.seats];
    const work = async () => {
      for (let seat = waiting.shift(); seat; seat = waiting.shift())
        await act(seat);
    };
    await Promise.all(Array.from({ length: STARTS }, work));
  }

  /** In ms after `fromMs`, for each seat. */
  untilAllAnswer(fromMs: number): Promise<number[]> {
    return Promise.all(this.seats.map((seat) => seat.untilAnswers(fromMs)));
  }

  beginLoad(): void {
    const { random, streams, silenceMs, maxBytes } = this.options;
    this.load = new CheckedLoad({
      lanes: this.seats.map(({ usePort: port, killedSince }) => ({
        port,
        killedSince,
      })),
      random,
      tally: this.tally,
      concurrency: streams,
      isSettled: true,
      silenceMs,
      ...(maxBytes !== undefined && { maxBytes }),
    });
  }

  async endLoad(): Promise<void> {
    await this.load?.stop();
    for (const { service } of this.seats) await service.idle();
  }

  /** Any seat, or one with a relay. */
  pick(withRelay = false): Seat {
    const { nodes, relays, random } = this.options;
    const seat =
      this.seats[random.between(0, (withRelay ? relays : nodes) - 1)];
    if (seat === undefined) throw new Error("no such seat");
    return seat;
  }

  /** The one whose use leads to that seat. */
  userOf(seat: Seat): Seat {
    const user = this.seats.at(this.seats.indexOf(seat) - 1);
    return user ?? seat;
  }

  async killHub(): Promise<void> {
    this.hub.kill("SIGKILL");
    await this.hub.exited;
  }

  /** The same hub again; resolves with the moment at which its port accepted. */
  async returnHub(): Promise<number> {
    const { port, folder } = this.hub;
    const coming = startHub(this.hubConfig(port), { folder });
    while (!(await accepts(port)))
      await new Promise((resolve) => setTimeout(resolve, 5));
    const acceptedAt = performance.now();
    this.hub = await coming;
    return acceptedAt;
  }

  /** What some seats say of the LAN and of themselves, in words where it is not so. */
  async untruths(among: readonly Seat[]): Promise<string[]> {
    const found: string[] = [];
    const expect = (what: string, said: unknown, truth: unknown) => {
      if (JSON.stringify(said) !== JSON.stringify(truth))
        found.push(
          `${what}: ${JSON.stringify(said)}, and not ${JSON.stringify(truth)}`,
        );
    };
    const byId = (a: Member, b: Member) => Number(a.vnetid) - Number(b.vnetid);
    const all = this.seats.map(({ name, vnetid }) => ({ vnetid, name }));
    for (const seat of among) {
      const said = await seat.untruth();
      if (said !== null) found.push(said);
      const nodes = await askJson<Member[]>(seat.running, "show vnets");
      const members = nodes.map(({ vnetid, name }) => ({ vnetid, name }));
      expect(`${seat.name}: show vnets`, members.sort(byId), all.sort(byId));
      const serves = await askJson<{ serveid: string; vnet: string }[]>(
        seat.running,
        "show serves",
      );
      const offers = serves.map(({ serveid, vnet }) => `${serveid} ${vnet}`);
      const truth = this.seats.map(({ serveid, name }) => `${serveid} ${name}`);
      expect(`${seat.name}: show serves`, offers.sort(), truth.sort());
    }
    return found;
  }

  /** Open descriptors of the hub and of each node; names of streams and channels that are still busy. */
  async leftovers(): Promise<{ descriptors: number[]; busy: string[] }> {
    const descriptors = [this.hub, ...this.seats.map((seat) => seat.running)];
    const busy: string[] = [];
    await this.each(async (seat) => {
      const { streams, channels } = await seat.view();
      if (streams.now > 0 || channels.busy > 0)
        busy.push(`${seat.name}: ${JSON.stringify({ streams, channels })}`);
    });
    return { descriptors: descriptors.map(({ pid }) => openFiles(pid)), busy };
  }

  async close(): Promise<void> {
    await Promise.all(this.seats.map((seat) => seat.close()));
    await this.hub.close();
    for (const relay of this.relays) await relay.close();
  }

  private hubConfig(port: number): string {
    return `[route]\nip = 127.0.0.1\nport = ${port}\n${this.options.route ?? ""}`;
  }
}

function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
