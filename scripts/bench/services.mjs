// What stands at the far end of every path: nginx, iperf3 and our own service.
// Also the relays of the long links.

import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "./find-program.mjs";
import { freePorts, untilAccepting, untilAnswering } from "./ports.mjs";

/** One way, between a node and the hub. */
export const DELAY_MS = 25;

/** The kinds of service that every competitor carries. */
export const KINDS = ["bulk", "web", "answer", "greet"];

const module = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Starts those that all share; the result is kind → port, without "bulk". */
export async function startServices(children) {
  const [web, answer, greet] = await freePorts(3);
  const service = children.start(process.execPath, [
    ...[module("service.mjs"), String(answer), String(greet)],
  ]);
  await untilAnswering(answer, [service]);
  if (findProgram("nginx") !== null) {
    const nginx = startNginx(children, web);
    await untilAccepting(web, [nginx]);
  }
  return { web, answer, greet };
}

/** iperf3 serves one at a time and a broken test keeps it busy, so each competitor has its own. */
export function startIperf(children, port) {
  const args = ["-s", "-B", "127.0.0.1", "-p", String(port)];
  return children.start(findProgram("iperf3"), args);
}

/** One process for all the long links; `to(port)` is the port of a new one. */
export class LongLinks {
  #children;
  #process = null;

  constructor(children) {
    this.#children = children;
  }

  async to(port) {
    this.#process ??= this.#children.fork(module("delay-relay.mjs"), [
      String(DELAY_MS),
    ]);
    this.#process.send({ to: port });
    for (;;) {
      const [answer] = await once(this.#process, "message", {
        signal: AbortSignal.timeout(10_000),
      });
      if (answer.to === port) return answer.port;
    }
  }
}

function startNginx(children, port) {
  const folder = children.newFolder();
  writeFileSync(join(folder, "index.html"), "hello\n");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(" ");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `daemon off; master_process off; ${user} pid ${join(folder, "pid")};
     error_log stderr; events { worker_connections 2048; }
     http { access_log off; keepalive_requests 100000000; ${temporary}
       server { listen 127.0.0.1:${port}; root ${folder}; } }\n`,
  );
  return children.start(findProgram("nginx"), [
    ...["-p", folder, "-e", "stderr", "-c", file],
  ]);
}
