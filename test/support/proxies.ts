// The real proxies that people put in front of a hub: nginx with its stream module, and haproxy. Both pass on what comes
// to their port of 127.0.0.1, with or without a PROXY header.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Context } from "mocha";
import { needs, skip } from "./find-program.js";
import { makeFolder } from "./folder.js";
import { reservePort } from "./ports.js";
import { start, type Service } from "./programs.js";

const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** In a `before` hook or a test: skips where nginx or its module is not installed. */
export function needsNginxStream(context: Context): void {
  needs(context, "nginx");
  if (!existsSync(STREAM_MODULE))
    skip(
      context,
      "needs nginx's stream module, not installed here (scripts/install-test-programs.sh installs it)",
    );
}

export async function startNginxStream(
  toPort: number,
  {
    proxyProtocol,
    timeoutMs = 600_000,
  }: { proxyProtocol: boolean; timeoutMs?: number },
): Promise<Service> {
  const folder = makeFolder();
  const port = await reservePort();
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `load_module ${STREAM_MODULE};
     daemon off; master_process off; worker_processes 1;
     ${process.getuid?.() === 0 ? "user root;" : ""}
     pid ${join(folder, "pid")}; error_log stderr;
     events { worker_connections 512; }
     stream {
       server {
         listen 127.0.0.1:${port};
         proxy_pass 127.0.0.1:${toPort};
         proxy_timeout ${timeoutMs}ms;
         proxy_protocol ${proxyProtocol ? "on" : "off"};
       }
     }\n`,
  );
  const args = ["-p", folder, "-e", "stderr", "-c", file];
  return start({ name: "nginx", folder, port, args });
}

export async function startHaproxy(
  toPort: number,
  header: "send-proxy" | "send-proxy-v2",
  timeoutMs = 60_000,
): Promise<Service> {
  const folder = makeFolder();
  const port = await reservePort();
  const file = join(folder, "haproxy.cfg");
  writeFileSync(
    file,
    `defaults
       mode tcp
       timeout connect 5s
       timeout client ${timeoutMs}ms
       timeout server ${timeoutMs}ms
     listen hub
       bind 127.0.0.1:${port}
       server hub 127.0.0.1:${toPort} ${header}\n`,
  );
  return start({ name: "haproxy", folder, port, args: ["-db", "-f", file] });
}
