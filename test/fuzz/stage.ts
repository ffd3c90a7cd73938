// Where a target is attacked: real processes, and beside them a healthy pair of nodes that has to go on working.
// Owns its processes and services.

import type { Socket } from "node:net";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { exchange } from "../support/reach.js";
import type { Suspect } from "./suspect.js";

export interface Stage {
  /** Starts all of it, once; resolves when its healthy pair is well. */
  open(): Promise<void>;
  /** What is watched: all of them have to live, with bounded memory and descriptors. */
  readonly suspects: readonly Suspect[];
  /** The number of the script that did harm, where that is known. */
  readonly guilty?: number | null;
  /** Rejects when the healthy pair does not get its echo within the deadline. */
  checkHealth(): Promise<void>;
  /** Has what would wait for its deadline end at once, where that can be had: for a run that has no time. */
  dismiss?(): Promise<void>;
  close(): Promise<void>;
}

/** That stage, open. Nothing of it is left where that fails. */
export async function opened<S extends Stage>(stage: S): Promise<S> {
  try {
    await stage.open();
    return stage;
  } catch (error) {
    await stage.close();
    throw error;
  }
}

/** A hang is meant, and not a machine that has too much to do: how long it took is in the report. */
export const ECHO_DEADLINE_MS = 30_000;
const RETRY_MS = 50;

/** Tries again until the deadline: a single connection may meet a channel that was lost this moment, or a full machine. */
export async function checkEcho(
  port: number,
  before = "",
  answered = "",
): Promise<void> {
  const word = `are you well ${process.hrtime.bigint()}?`;
  const end = performance.now() + ECHO_DEADLINE_MS;
  for (;;)
    try {
      const text = await exchange(port, before + word);
      if (text === answered + word) return;
      throw new Error(`answered ${text}`);
    } catch (error) {
      if (performance.now() > end) throw error;
      await sleep(RETRY_MS);
    }
}

/** A service of the fuzzer's own, on a port of loopback. */
export class Service {
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(take: (socket: Socket) => void): Promise<Service> {
    const server = createServer({ allowHalfOpen: true });
    const service = new Service(server);
    server.on("connection", (socket) => {
      service.sockets.add(socket);
      socket.on("error", () => undefined);
      socket.once("close", () => service.sockets.delete(socket));
      take(socket);
    });
    server.listen(0, "127.0.0.1", 1_024);
    await once(server, "listening");
    return service;
  }

  static echo(): Promise<Service> {
    return Service.start((socket) => {
      socket.pipe(socket);
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }
}

/** Passes connections on to a port, with words in front that have this answer. */
export function prefixing(
  port: number,
  words: string,
  answer: string,
): Promise<Service> {
  return Service.start((socket) => {
    const onward = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    onward.on("error", () => socket.destroy());
    socket.on("close", () => onward.destroy());
    onward.on("close", () => socket.destroy());
    onward.write(words);
    socket.pipe(onward);
    let skipped = 0;
    const skip = (chunk: Buffer) => {
      const rest = chunk.subarray(Math.max(0, answer.length - skipped));
      skipped += chunk.length - rest.length;
      if (rest.length > 0) socket.write(rest);
      if (skipped < answer.length) return;
      onward.off("data", skip);
      onward.pipe(socket);
    };
    onward.on("data", skip);
  });
}
