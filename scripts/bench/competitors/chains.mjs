// Three equal proxies in a row, each dialling the next one: socat, haproxy,
// and the simplest hop that Node gives.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findProgram } from "../find-program.mjs";
import { openFilesLimit } from "../process-figures.mjs";
import { untilAccepting } from "../ports.mjs";

const HOP = fileURLToPath(new URL("../hop.mjs", import.meta.url));

/** haproxy's pipes for splice, and what it opens beside connections. */
const PIPES = 256;
const OTHER_FILES = 300;

export async function socat(context) {
  const { children } = context;
  return chain(context, (_, pairs) =>
    pairs.map(({ listen, target }) =>
      children.start(findProgram("socat"), [
        ...["-b", "65536"],
        `TCP-LISTEN:${listen},bind=127.0.0.1,reuseaddr,fork,backlog=1024,nodelay`,
        `TCP:127.0.0.1:${target},nodelay`,
      ]),
    ),
  );
}

export async function haproxy(context) {
  const { children } = context;
  // Two descriptors a connection and two for each pipe of splice; it refuses to start where they are too few.
  const most = Math.floor((openFilesLimit() - 2 * PIPES - OTHER_FILES) / 2);
  const connections = Math.min(25_000, most);
  return chain(context, (_, pairs) => {
    const listens = pairs.map(
      ({ listen, target }) =>
        `listen l${listen}\n bind 127.0.0.1:${listen} backlog 4096\n server s 127.0.0.1:${target}\n`,
    );
    const config = children.write(
      "haproxy.cfg",
      `global\n maxconn ${connections}\n maxpipes ${PIPES}
defaults\n mode tcp\n option splice-auto\n maxconn ${connections}\n timeout connect 10s\n timeout client 1h\n timeout server 1h
${listens.join("")}`,
    );
    return [children.start(findProgram("haproxy"), ["-db", "-f", config])];
  });
}

/**
 * @param tls "none", on the "links" with a certificate, between the "ends" with a pre-shared key, or between the "ends
 *   with certificates", one for each end
 */
export async function pipes(context, tls) {
  const { children } = context;
  const certificate = /links|certificates/.test(tls)
    ? makeCertificate(children)
    : undefined;
  const mutual = { ...certificate, requestCert: true };
  const key = { psk: randomBytes(32).toString("hex") };
  const sides = {
    none: {},
    links: {
      use: { dialTls: certificate },
      hub: { listenTls: certificate, dialTls: certificate },
      serve: { listenTls: certificate },
    },
    ends: { use: { dialTls: key }, serve: { listenTls: key } },
    "ends with certificates": {
      use: { dialTls: certificate },
      serve: { listenTls: mutual },
    },
  }[tls];
  return chain(context, (role, pairs) => [
    children.start(process.execPath, [
      HOP,
      JSON.stringify({ pairs, ...sides[role] }),
    ]),
  ]);
}

/** @param startHop role and pairs of ports → its processes */
async function chain({ targets, between, ports }, startHop) {
  const kinds = Object.keys(targets);
  let next = kinds.map((kind) => targets[kind]);
  const roles = {};
  for (const role of ["serve", "hub", "use"]) {
    const listens = await ports(kinds.length);
    const pairs = listens.map((listen, i) => ({ listen, target: next[i] }));
    const hops = startHop(role, pairs);
    // Not through the hop to iperf3, which takes any connection for a client.
    for (const [i, kind] of kinds.entries())
      if (kind !== "bulk") await untilAccepting(listens[i], hops);
    roles[role] = hops.map(({ pid }) => pid);
    next = listens;
    if (role !== "use")
      for (const [i, port] of next.entries()) next[i] = await between(port);
  }
  const entries = kinds.map((kind, i) => [kind, next[i]]);
  return { ports: Object.fromEntries(entries), roles };
}

function makeCertificate(children) {
  const folder = children.newFolder();
  const [key, cert] = ["key.pem", "cert.pem"].map((file) => join(folder, file));
  execFileSync(
    findProgram("openssl"),
    [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt"],
      ...["ec_paramgen_curve:prime256v1", "-nodes", "-days", "1"],
      ...["-subj", "/CN=bench", "-keyout", key, "-out", cert],
    ],
    { stdio: "pipe", timeout: 10_000 },
  );
  return { key, cert };
}
