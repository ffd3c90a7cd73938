// What stands behind the serves of a soak: a checked service, an echo, an HTTP server, one that breaks off, one that is slow.

import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CheckedService,
  type CheckedOptions,
} from "../support/checked-streams.js";
import { startEcho, TestServer, type Observed } from "../support/echo.js";
import { reservePort } from "../support/ports.js";

/** Bytes after which a service breaks off. */
const RUDE_BYTES = 100_000;
/** A slow reader takes this many bytes, and rests. */
const SLOW_BYTES = 128 * 1024;
const SLOW_MS = 60;

export class Services {
  private constructor(
    readonly checked: CheckedService,
    readonly echo: TestServer,
    readonly rude: TestServer,
    readonly slow: TestServer,
    readonly http: Server,
    /** an echo that no node serves */
    readonly unregistered: TestServer,
    /** nobody listens there */
    readonly nobody: number,
  ) {}

  static async start(options: CheckedOptions): Promise<Services> {
    const checked = await CheckedService.start(options);
    const echo = await startEcho();
    // It answers nothing: behind bytes, Node's own client takes a reset for an end.
    const rude = await TestServer.start(
      ({ socket }) => {
        let bytes = 0;
        socket.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > RUDE_BYTES) socket.resetAndDestroy();
        });
      },
      { keep: false },
    );
    const slow = await TestServer.start(readSlowly, { keep: false });
    const http = createServer((request, response) => {
      request.pipe(response);
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const nobody = await reservePort();
    const unregistered = await startEcho();
    return new Services(checked, echo, rude, slow, http, unregistered, nobody);
  }

  get httpPort(): number {
    return (this.http.address() as AddressInfo).port;
  }

  /** What was observed of connections that are over is of no use to anybody here. */
  forget(): void {
    const { echo, rude, slow, unregistered } = this;
    for (const { connections } of [echo, rude, slow, unregistered])
      for (let at = connections.length - 1; at >= 0; at--)
        if (connections[at]?.socket.destroyed) connections.splice(at, 1);
  }

  async close(): Promise<void> {
    const { checked, echo, rude, slow, unregistered } = this;
    for (const each of [checked, echo, rude, slow, unregistered])
      await each.close();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }
}

/** Reads in small portions with rests, and says at the end how many bytes came. */
function readSlowly({ socket }: Observed): void {
  let bytes = 0;
  let rested = 0;
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes - rested < SLOW_BYTES) return;
    rested = bytes;
    socket.pause();
    void sleep(SLOW_MS).then(() => socket.resume());
  });
  socket.once("end", () => socket.end(String(bytes)));
}
