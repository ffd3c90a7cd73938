// `npm run demo`: a hub and two nodes on free loopback ports. "home" serves a
// small page, "office" maps it; then you sit at office's terminal. With --once
// it checks the page itself and ends. Everything is removed at the end.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBuilt, orExit, root } from "./built.mjs";

const DEADLINE_MS = 15_000;
const SERVEID = 700;

const onceOnly = process.argv.includes("--once");
const say = (text) => process.stderr.write(`demo: ${text}\n`);
await orExit(ensureBuilt({ tests: false, say }), say);

const folder = mkdtempSync(join(tmpdir(), "vnet-demo-"));
const children = [];
let ending = false;

// The terminal asks on Ctrl-C and the demo lives as long as the terminal.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"])
  process.on(signal, () => {
    const atTerminal = children.some((child) => child.isTerminal);
    if (signal !== "SIGINT" || !atTerminal) void end(130);
  });

try {
  await demo();
  await end(0);
} catch (error) {
  if (!ending) say(error.message);
  await end(1);
}

async function demo() {
  const page = createHttpServer((_, response) =>
    response.end("hello from home\n"),
  ).listen(0, "127.0.0.1");
  await once(page, "listening");
  page.unref();
  const pagePort = page.address().port;
  const [hubPort, localPort] = await freePorts(2);

  const route = `[route]\nip = 127.0.0.1\nport = ${hubPort}\n`;
  const hub = write("hub", route);
  const home = write(
    "home",
    `${route}
[vnet]
name = home

[serve.page]
serveid = ${SERVEID}
type = http
port = ${pagePort}
info = a page of this demo
`,
  );
  const office = (terminal) =>
    write(
      "office",
      `${route}
[vnet]
name = office
terminal = ${terminal}

[use.page]
serveid = ${SERVEID}
port = ${localPort}
`,
    );
  // What -e connects with: it registers nothing and opens nothing.
  const guest = write("guest", `${route}\n[vnet]\nname = guest\n`);

  say(`hub on 127.0.0.1:${hubPort}, nodes home and office`);
  start("hub", "route", hub);
  start("home", "vnet", home);

  if (onceOnly) {
    start("office", "vnet", office(false));
    const { address, text } = await answer(localPort);
    console.log(`${address} answered: ${text.trim()}`);
    console.log(await show(guest));
    return;
  }
  // The table needs home only; so the terminal can be the last thing to start.
  console.log(await show(guest));
  console.log(`home's page is at office's http://127.0.0.1:${localPort}/`);
  console.log("Try: show use · ping 01 · help · exit\n");
  const terminal = start("office", "vnet", office(true), true);
  const { text } = await Promise.race([
    answer(localPort),
    terminal.gone.then(() => ({ text: "" })),
  ]);
  if (text === "") return;
  if (process.stdin.isTTY) {
    await terminal.gone;
    return;
  }
  // Commands were piped in: end of input leaves a node running, not a demo.
  say(`office's page answers: ${text.trim()}`);
  await Promise.race([terminal.gone, endOfInput(terminal)]);
}

/** Writes a configuration into a folder of its own. */
function write(name, text) {
  const place = join(folder, name);
  mkdirSync(place, { recursive: true });
  writeFileSync(join(place, "config.ini"), text);
  return place;
}

/** Starts a hub or node that is to run until the demo ends it. */
function start(name, launcher, cwd, isTerminal = false) {
  // Piped input passes through here, so that its end can be noticed.
  const stdin = process.stdin.isTTY ? "inherit" : "pipe";
  const child = launch(
    launcher,
    cwd,
    [],
    isTerminal
      ? { stdio: [stdin, "inherit", "inherit"] }
      : // Out of the way of the terminal's Ctrl-C: the demo ends them.
        { detached: process.platform !== "win32" },
  );
  child.isTerminal = isTerminal;
  child.once("exit", (status, signal) => {
    if (ending || isTerminal) return;
    say(`${name} ended by itself (${status ?? signal}):\n${child.log}`);
    void end(1);
  });
  return child;
}

function launch(launcher, cwd, args, options) {
  if (ending) throw new Error("ended");
  const child = spawn(
    process.execPath,
    [join(root, launcher), "config.ini", ...args],
    {
      cwd,
      // Keys and history of a demo go with it.
      env: { ...process.env, VNET_STATE: join(folder, "state") },
      stdio: ["ignore", "pipe", "pipe"],
      ...options,
    },
  );
  child.log = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text) => (child.log += text));
  child.gone = once(child, "close");
  children.push(child);
  return child;
}

/** Fetches the page through the virtual LAN, again and again until it comes. */
async function answer(port) {
  const address = `http://127.0.0.1:${port}/`;
  let last = "";
  for (const giveUpAt = Date.now() + DEADLINE_MS; Date.now() < giveUpAt;) {
    try {
      const response = await fetch(address, {
        headers: { connection: "close" },
        signal: AbortSignal.timeout(2_000),
      });
      if (response.ok) return { address, text: await response.text() };
      last = `status ${response.status}`;
    } catch (error) {
      last = error.cause?.message ?? error.message;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const logs = children.map((child) => child.log).join("");
  throw new Error(`${address} does not answer (${last})\n${logs}`);
}

/** The table of serves, asked for until home's serve stands in it. */
async function show(cwd) {
  const giveUpAt = Date.now() + DEADLINE_MS;
  for (;;) {
    const child = launch("vnet", cwd, ["-e", "show serves"], {});
    const [status] = await child.gone;
    const text = child.log;
    if (status === 0 && text.includes(String(SERVEID))) return text.trimEnd();
    if (Date.now() > giveUpAt)
      throw new Error(`\`show serves\` does not list ${SERVEID}: ${text}`);
  }
}

/** Passes piped input on, one command a line, and leaves after the last. */
async function endOfInput(terminal) {
  process.stdin.pipe(terminal.stdin, { end: false });
  terminal.stdin.on("error", () => undefined);
  await once(process.stdin, "end");
  terminal.stdin.write("exit\n");
  await terminal.gone;
}

/** Free at this moment, which is enough for a demo. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () =>
    createServer().listen(0, "127.0.0.1"),
  );
  return Promise.all(
    servers.map(async (server) => {
      if (!server.listening) await once(server, "listening");
      const { port } = server.address();
      await new Promise((resolve) => server.close(resolve));
      return port;
    }),
  );
}

async function end(status) {
  if (ending) return;
  ending = true;
  for (const child of children.reverse()) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 3_000);
    await child.gone;
    clearTimeout(timer);
  }
  rmSync(folder, { recursive: true, force: true });
  process.exit(status);
}
