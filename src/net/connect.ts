// One outgoing socket, of TCP or of a socket file, with a deadline and ready for streams: half-open allowed, Nagle off.
// The name is looked up each time, so that a changed DNS entry is followed.

import type { LookupAddress } from "node:dns";
import net from "node:net";
import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { isNamedPipe } from "../config/link.js";
import { VnetError } from "../errors.js";
import { NamedPipe, PIPE_SILENCE_MS } from "./named-pipe.js";
import { names } from "./names.js";

/**
 * A quiet stream (an SSH session overnight) must not be forgotten by a NAT on the way, and a peer that is gone without
 * a word must be noticed some time.
 */
export const KEEP_ALIVE_MS = 30_000;

/** For each address of a name but the last one. Node's own 250 ms would never reach one that is further away. */
const ATTEMPT_MS = 1_000;

/** A socket file whose queue is full says so at once, where TCP would wait. */
const FULL_RETRY_MS = 20;

/**
 * Rejects with the system's error, or VnetError `timeout`.
 * @param isHub see names.ts
 */
export async function connectHost(
  host: string,
  port: number,
  timeoutMs: number,
  isHub = false,
): Promise<net.Socket> {
  const end = performance.now() + timeoutMs;
  const addresses = await names.lookup(host, { timeoutMs, isHub });
  return connect(
    {
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      lookup: lookupOf(addresses),
    },
    Math.max(1, end - performance.now()),
    timeoutMs,
  );
}

/** What was looked up, in the form in which a socket asks for it. */
function lookupOf(addresses: LookupAddress[]): net.LookupFunction {
  return (_host, { all }, done) => {
    const [first] = addresses;
    if (all === true) done(null, addresses);
    else done(null, first?.address ?? "", first?.family);
  };
}

/** The same for a Unix socket, or a named pipe of Windows. */
export async function connectFile(
  path: string,
  timeoutMs: number,
): Promise<Duplex> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const leftMs = end - performance.now();
    try {
      const socket = await connect({ path }, Math.max(1, leftMs), timeoutMs);
      return isNamedPipe(path)
        ? new NamedPipe(socket, PIPE_SILENCE_MS.dialled)
        : socket;
    } catch (cause) {
      const isFull = (cause as NodeJS.ErrnoException).code === "EAGAIN";
      if (!isFull || leftMs < 2 * FULL_RETRY_MS) throw cause;
      await new Promise((resolve) => setTimeout(resolve, FULL_RETRY_MS));
    }
  }
}

function connect(
  where: net.NetConnectOpts,
  timeoutMs: number,
  toldMs = timeoutMs,
): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({
      ...where,
      allowHalfOpen: true,
      autoSelectFamilyAttemptTimeout: ATTEMPT_MS,
    });
    const fail = (error: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => {
      fail(new VnetError("timeout", `no answer within ${toldMs / 1000} s`));
    }, timeoutMs);
    socket.once("error", fail);
    socket.once("connect", () => {
      clearTimeout(timer);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}
