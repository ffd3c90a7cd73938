// `npm run bench:encryption`: what end-to-end encryption costs. One hub, a pair
// of nodes with it and a pair without, measured in turns within one run, so
// that only ratios count. Needs iperf3, wrk and nginx on the PATH.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { ensureBuilt, orExit, root } from "../build.mjs";

const ROUNDS = 5;
const SECONDS = 3;
const PAIRS = ["encrypted", "plain"];
const PROGRAMS = ["iperf3", "wrk", "nginx"];

const say = (text) => process.stderr.write(`bench: ${text}\n`);
await orExit(ensureBuilt({ tests: false, say }), say);

const folder = mkdtempSync(join(tmpdir(), "vnet-bench-"));
const children = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

for (const program of PROGRAMS)
  try {
    execFileSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" });
  } catch {
    say(`${program} is not installed; nothing was measured`);
    process.exit(1);
  }

const [hubPort, iperfPort, webPort, ...usePorts] = await freePorts(9);
const greeter = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.write("hello");
  socket.resume();
}).listen(0, "127.0.0.1");
await once(greeter, "listening");
greeter.unref();

start("iperf3", ["-s", "-B", "127.0.0.1", "-p", String(iperfPort)]);
startNginx();
const route = `[route]\nip=127.0.0.1\nport=${hubPort}\n`;
launch("route", "hub", route);
const services = [iperfPort, webPort, greeter.address().port];
const ports = {};
for (const [number, pair] of PAIRS.entries()) {
  const vnet = (name) =>
    `${route}[vnet]\nname=${name}\ngroup=${pair}\nencrypt=${pair === "encrypted"}\n`;
  ports[pair] = usePorts.slice(number * 3, number * 3 + 3);
  const section = (kind, list) =>
    list
      .map((port, i) => `[${kind}.s${i}]\nserveid=${700 + i}\nport=${port}\n`)
      .join("");
  launch("vnet", `${pair}-home`, vnet("home") + section("serve", services));
  launch(
    "vnet",
    `${pair}-office`,
    vnet("office") + section("use", ports[pair]),
  );
}
// Not iperf3's own port: it would take the attempt for a client.
for (const pair of PAIRS)
  for (const port of ports[pair].slice(1)) await untilAccepting(port);
await pause(2_000);

const rows = {
  "throughput, 1 stream, Gbit/s": (pair) => throughput(ports[pair][0]),
  "requests/s, 16 kept connections": (pair) => requests(ports[pair][1]),
  "time to first byte, warm channel, ms": (pair) =>
    firstByte(ports[pair][2], false),
  "time to first byte, cold channel, ms": (pair) =>
    firstByte(ports[pair][2], true),
};
console.log(
  `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model}, medians of ${ROUNDS} rounds in turns\n`,
);
console.log("| row | encrypted | plain | encrypted / plain |");
console.log("| --- | --- | --- | --- |");
for (const [row, measure] of Object.entries(rows)) {
  const values = { encrypted: [], plain: [] };
  for (let round = 0; round < ROUNDS; round++)
    for (const pair of PAIRS) values[pair].push(await measure(pair));
  const [encrypted, plain] = PAIRS.map((pair) => median(values[pair]));
  const ratios = values.encrypted.map((value, i) => value / values.plain[i]);
  console.log(
    `| ${row} | ${encrypted.toFixed(2)} | ${plain.toFixed(2)} | ${median(ratios).toFixed(2)} |`,
  );
}
process.exit(0);

function throughput(port) {
  const json = execFileSync("iperf3", [
    ...["-c", "127.0.0.1", "-p", String(port), "-t", String(SECONDS), "--json"],
  ]);
  return JSON.parse(json).end.sum_received.bits_per_second / 1e9;
}

function requests(port) {
  const text = execFileSync("wrk", [
    ...["-t1", "-c16", `-d${SECONDS}s`, `http://127.0.0.1:${port}/`],
  ]).toString();
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]);
}

/** The median of 20 connections. Cold: another one takes the warm channel in the same moment. */
async function firstByte(port, cold) {
  const times = [];
  for (let n = 0; n < 20; n++) {
    const first = greeting(port);
    const measured = cold ? greeting(port) : first;
    times.push(await measured);
    await first;
    // The pool gets its warm channel back, and what was cold goes.
    await pause(cold ? 250 : 30);
  }
  return median(times);
}

async function greeting(port) {
  const from = performance.now();
  const socket = connect({ host: "127.0.0.1", port });
  await once(socket, "data");
  const took = performance.now() - from;
  socket.destroy();
  return took;
}

function startNginx() {
  const site = join(folder, "site");
  mkdirSync(site);
  writeFileSync(join(site, "index.html"), "hello\n");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `${kind}_temp_path ${join(folder, kind)};`)
    .join(" ");
  const user = process.getuid?.() === 0 ? "user root;" : "";
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; ${user} pid ${join(folder, "pid")};
     error_log stderr; events {}
     http { access_log off; keepalive_requests 100000000; ${temporary}
       server { listen 127.0.0.1:${webPort}; root ${site}; } }\n`,
  );
  start("nginx", [
    "-p",
    folder,
    "-e",
    "stderr",
    "-c",
    join(folder, "nginx.conf"),
  ]);
}

function launch(program, name, config) {
  const place = join(folder, name);
  mkdirSync(place);
  writeFileSync(join(place, "config.ini"), config);
  const env = { ...process.env, VNET_STATE: join(folder, "state") };
  start(join(root, program), [join(place, "config.ini")], env);
}

function start(command, args, env = process.env) {
  children.push(spawn(command, args, { env, stdio: "ignore" }));
}

async function untilAccepting(port) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect({ host: "127.0.0.1", port });
    try {
      await once(socket, "connect");
      return;
    } catch {
      await pause(100);
    } finally {
      socket.destroy();
    }
  }
  throw new Error(`nothing listens on port ${port}`);
}

async function freePorts(count) {
  const servers = Array.from({ length: count }, () =>
    createServer().listen(0, "127.0.0.1"),
  );
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(
    servers.map((server) => new Promise((resolve) => server.close(resolve))),
  );
  return ports;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
