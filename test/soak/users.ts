// What users do in a soak, over and over: whole streams of all sizes, and those that are slow, break off, or reach nobody.

import { Agent, request } from "node:http";
import {
  encodeHeader,
  randomPlan,
  type Tally,
} from "../support/checked-stream.js";
import { runStream } from "../support/checked-streams.js";
import { connectTo } from "../support/echo.js";
import { within } from "../support/deadline.js";
import { exchange } from "../support/reach.js";
import type { Random } from "../support/random.js";
import type { Door } from "./lan.js";
import type { Act } from "./mix.js";
import type { SteadyLan } from "./steady-lan.js";

const MAX_BYTES = 8 * 1024 * 1024;
const SILENCE_MS = 20_000;
const END_MS = 15_000;
const BURST = 100;
const FILL_BYTES = 2 * 1024 * 1024;

/** A whole stream: every byte both ways is compared. */
export function streamAct(door: Door, tally: Tally): Act {
  const { name, port, unrest } = door;
  const { killedSince } = unrest;
  return {
    ...{ name: `stream, ${name}`, weight: 6, unrest },
    run: async (random) => {
      const plan = randomPlan(random, MAX_BYTES);
      const options = { tally, killedSince, silenceMs: SILENCE_MS };
      const verdict = await runStream(port, plan, options);
      if (verdict !== "whole") throw new Error(`${verdict}: ${show(plan)}`);
    },
  };
}

/** Many at the same moment. */
export function burstAct(door: Door, tally: Tally): Act {
  const one = streamAct(door, tally);
  const run = async (random: Random) => {
    const small = { tally, killedSince: door.unrest.killedSince };
    const verdicts = await Promise.all(
      Array.from({ length: BURST }, () =>
        runStream(door.port, randomPlan(random, 4_096), small),
      ),
    );
    const bad = verdicts.filter((verdict) => verdict !== "whole");
    if (bad.length > 0) throw new Error(`${bad.length} of ${BURST}: ${bad[0]}`);
  };
  return {
    ...one,
    name: `burst of ${BURST}, ${door.name}`,
    everyMs: 30_000,
    run,
  };
}

/** As much at once as ever comes: afterwards everything that is kept for bulk, and has a bound, is at its bound. */
export async function fill(
  doors: readonly Door[],
  tally: Tally,
): Promise<void> {
  const plan = { up: FILL_BYTES, down: FILL_BYTES, order: "both" as const };
  for (const { port } of doors)
    await Promise.all(
      Array.from({ length: BURST }, (_, seed) =>
        runStream(port, { ...plan, seed }, { tally }),
      ),
    );
}

/** The client goes without a word, in the middle of what it sends and gets. */
export function breakOffAct({ name, port, unrest }: Door): Act {
  return {
    ...{ name: `client breaks off, ${name}`, unrest },
    run: async (random) => {
      const plan = { ...randomPlan(random), order: "both" as const };
      plan.up = plan.down = 4 * 1024 * 1024;
      const { socket, untilBytes } = await speaking(port);
      socket.write(encodeHeader(plan));
      await untilBytes(random.between(1, 200_000));
      socket.resetAndDestroy();
    },
  };
}

export function usersOf(lan: SteadyLan): Act[] {
  const { unrest, ports, publicPort } = lan;
  const act = (name: string, run: Act["run"]): Act => ({ name, unrest, run });
  return [
    act("service breaks off", () => expectReset(ports.rude, 300_000)),
    act("service refuses", () => expectReset(ports.nobody, 1)),
    act("slow reader", (random) => uploadSlowly(ports.slow, random)),
    act("public port", (random) => echo(publicPort, random)),
    act("a program's input and output", (random) =>
      echo(ports.program, random),
    ),
    act("HTTP, kept alive", (random) => httpVisit(ports.http, random)),
  ];
}

async function echo(port: number, random: Random): Promise<void> {
  const words = random.bytes(random.between(1, 3_000)).toString("hex");
  const answer = await exchange(port, words);
  if (answer !== words) throw new Error("the echo is not what was said");
}

/** Sends that many bytes, or fewer, and is reset. */
async function expectReset(port: number, bytes: number): Promise<void> {
  const { socket, ended } = await connectTo(port, false);
  socket.write(Buffer.alloc(bytes));
  try {
    const how = await within("a reset", ended, END_MS);
    if (how !== "reset") throw new Error(`ended with ${how}, not with a reset`);
  } finally {
    socket.destroy();
  }
}

/** The service takes its time, and tells at the end how many bytes came. */
async function uploadSlowly(port: number, random: Random): Promise<void> {
  const connection = await connectTo(port);
  const bytes = random.between(500_000, 3_000_000);
  connection.socket.end(Buffer.alloc(bytes, 1));
  try {
    await within("the slow reader's answer", connection.ended, END_MS);
  } finally {
    connection.socket.destroy();
  }
  if (connection.text !== String(bytes))
    throw new Error(
      `${bytes} bytes sent, the service counts ${connection.text}`,
    );
}

/** A few requests on one connection, each with a body that comes back. */
async function httpVisit(port: number, random: Random): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    for (let count = random.between(1, 5); count > 0; count--) {
      const body = random.bytes(random.between(1, 20_000));
      const answer = await within(
        "a response",
        post(port, agent, body),
        END_MS,
      );
      if (!answer.equals(body))
        throw new Error("the body is not what was sent");
    }
  } finally {
    agent.destroy();
  }
}

function post(port: number, agent: Agent, body: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, agent, method: "POST" };
    const sent = request(options, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () => resolve(Buffer.concat(chunks)));
      response.once("error", reject);
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

async function speaking(port: number) {
  const connection = await connectTo(port, false);
  const { socket } = connection;
  const untilBytes = async (count: number) => {
    try {
      await within("the first bytes", connection.untilBytes(count), END_MS);
    } finally {
      socket.resetAndDestroy();
    }
  };
  return { socket, untilBytes };
}

function show(plan: object): string {
  return JSON.stringify(plan);
}
