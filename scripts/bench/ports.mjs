// Free ports, and waiting for whoever is to listen on them.

import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Below the range from which the system takes ports of outgoing connections: thousands of those run at a time. */
const FIRST = 12_000;
const LAST = 31_999;
const READY_MS = 15_000;
const AGAIN_MS = 50;

let next = FIRST + ((process.pid * 7) % (LAST - FIRST));

/** `count` ports of 127.0.0.1 on which nobody listens, none given twice. */
export async function freePorts(count) {
  const ports = [];
  for (let tries = 0; ports.length < count; tries++) {
    if (tries > LAST - FIRST) throw new Error("no free port is left");
    const port = next;
    next = next === LAST ? FIRST : next + 1;
    if (await isFree(port)) ports.push(port);
  }
  return ports;
}

async function isFree(port) {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return true;
  } catch {
    return false;
  } finally {
    if (server.listening) await new Promise((done) => server.close(done));
  }
}

/** Waits until the port takes a connection. */
export function untilAccepting(port, children) {
  return until(port, children, "accept", async (socket) => {
    await once(socket, "connect");
  });
}

/** Waits until a byte goes through to the answering service and comes back. */
export function untilAnswering(port, children) {
  return until(port, children, "answer", async (socket) => {
    socket.write("e");
    socket.setTimeout(5_000, () => socket.destroy(new Error("no answer")));
    await Promise.race([
      once(socket, "data"),
      once(socket, "close").then(() => {
        throw new Error("closed");
      }),
    ]);
  });
}

/** Tries again until it works, one of `children` ends, or it is too late. */
async function until(port, children, what, attempt) {
  const giveUpAt = Date.now() + READY_MS;
  for (;;) {
    const socket = connect({ host: "127.0.0.1", port });
    socket.on("error", () => undefined);
    try {
      await attempt(socket);
      return;
    } catch {
      const ended = children.find((child) => child.ended !== null);
      if (ended)
        throw new Error(
          `${ended.command} ended (${ended.ended}): ${ended.tail()}`,
        );
      if (Date.now() > giveUpAt)
        throw new Error(
          `port ${port} does not ${what} within ${READY_MS} ms: ${children.map((child) => child.tail()).join(" ")}`,
        );
      await pause(AGAIN_MS);
    } finally {
      socket.destroy();
    }
  }
}

export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
