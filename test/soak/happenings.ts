// What else happens in a soak now and then: commands, reloads, unserves, guests, a node that comes and goes, strangers at the
// hub's port, links that are cut; and in the rough LAN processes that are killed.

import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { connectTo } from "../support/echo.js";
import { within } from "../support/deadline.js";
import { serveSection, useSection } from "../support/lan.js";
import { startNode } from "../support/launch.js";
import { untilEchoed, untilRefused } from "../support/reach.js";
import type { Random } from "../support/random.js";
import { Stranger } from "../support/stranger.js";
import { probedConfig, type Commands } from "./lan.js";
import type { Act } from "./mix.js";
import type { RoughLan } from "./rough-lan.js";
import { SERVE, type SteadyLan } from "./steady-lan.js";

const PARTING_MS = 10_000;
const WHICH = ["all", "control", "legs"] as const;
const SHOWN = ["serve", "use", "serves", "vnet", "vnets"];

export function happeningsOf(lan: SteadyLan, spare: number[]): Act[] {
  const { unrest } = lan;
  const act = (name: string, everyMs: number, run: Act["run"]): Act => ({
    ...{ name, everyMs, unrest, run },
  });
  const [mapped = 0, borrowed = 0, reloaded = 0, visited = 0] = spare;
  return [
    act("command", 1_000, (random) => ask(lan, random)),
    act("mistake in the terminal", 10_000, () => mistake(lan.office)),
    act("use run, use delete", 7_000, () => mapAndUnmap(lan, mapped)),
    act("unserve", 12_000, () => borrow(lan, borrowed)),
    act("reload", 15_000, () => reload(lan, reloaded)),
    act("guest", 60_000, () => visitAsGuest(lan)),
    act("node comes and goes", 45_000, (random) => visit(lan, visited, random)),
    act("stranger", 3_000, (random) => beStrange(lan.hub.port, random)),
    act("serve close, serve open", 10_000, () => toggle(lan)),
    // It excuses others, not itself: to be back in time is the promise.
    { name: "links cut", everyMs: 40_000, run: (random) => cut(lan, random) },
  ];
}

export function roughHappenings(lan: RoughLan): Act[] {
  const roles = ["hub", "home", "office"] as const;
  const act = (
    name: string,
    everyMs: number,
    run: (role: (typeof roles)[number]) => Promise<void>,
  ): Act => ({
    ...{ name, everyMs },
    run: (random) => run(roles[random.between(0, 2)] ?? "hub"),
  });
  return [
    act("killed -9", 40_000, (role) => lan.restart(role, "SIGKILL")),
    act("restarted", 80_000, (role) => lan.restart(role, "SIGTERM")),
    act("stopped for a while", 60_000, (role) => lan.freeze(role)),
  ];
}

/** One of the commands that only ask, at one of the nodes. */
async function ask(lan: SteadyLan, random: Random): Promise<void> {
  const nodes = Object.values(lan.nodes);
  const node = nodes[random.between(0, nodes.length - 1)] ?? lan.office;
  if (random.chance(0.2)) await node.ask("ping");
  else if (random.chance(0.2))
    await lan.office.ask(`ping ${await idOf(lan.home)}`);
  else await node.ask(`show ${SHOWN[random.between(0, 4)]}`);
}

async function mistake(node: Commands): Promise<void> {
  const said = await node.run("use rum 700");
  if (!said.includes("use"))
    throw new Error(`a mistake was answered with ${said}`);
}

async function mapAndUnmap(lan: SteadyLan, port: number): Promise<void> {
  await lan.office.run(`use run spread 127.0.0.1 ${port} extra`);
  try {
    await untilAccepted(port);
  } finally {
    await lan.office.run("use delete extra");
  }
  await untilRefused(port);
}

async function borrow(lan: SteadyLan, port: number): Promise<void> {
  const target = `127.0.0.1 ${lan.services.unregistered.port}`;
  const said = await lan.office.run(
    `unserve ${await idOf(lan.home)} ${target} 127.0.0.1 ${port}`,
  );
  const label = /use (unserve-\d+)/.exec(said)?.[1];
  if (label === undefined) throw new Error(`unserve: ${said}`);
  try {
    await untilEchoed(port);
  } finally {
    await lan.office.run(`use delete ${label}`);
  }
}

/** A serve and a use more, and then as before. */
async function reload(lan: SteadyLan, port: number): Promise<void> {
  lan.office.node.writeConfig(
    lan.officeConfig(
      `[serve.more]\nport = ${lan.services.echo.port}\n[use.more]\nserve = more@office\nport = ${port}\n`,
    ),
  );
  try {
    await lan.office.run("reload");
    await untilEchoed(port);
  } finally {
    lan.office.node.writeConfig(lan.officeConfig());
    await lan.office.run("reload");
  }
  await untilRefused(port);
}

async function toggle(lan: SteadyLan): Promise<void> {
  await lan.home.run(`serve close s${SERVE.toggled}`);
  try {
    await untilRefused(lan.ports.toggled);
  } finally {
    await lan.home.run(`serve open s${SERVE.toggled}`);
  }
  await untilAccepted(lan.ports.toggled);
}

async function visitAsGuest(lan: SteadyLan): Promise<void> {
  const config = probedConfig(lan.relay.port, { name: "guest", group: "red" });
  const guest = startNode(config.replace("terminal = true", ""), {
    args: ["-e", "show serves"],
  });
  try {
    await guest.waitForOutput("spread", 20_000);
    await within("the guest's end", guest.exited, PARTING_MS);
  } finally {
    await guest.close();
  }
}

/** Joins, offers, uses, and goes in good order or not. */
async function visit(
  lan: SteadyLan,
  port: number,
  random: Random,
): Promise<void> {
  const { echo } = lan.services;
  const sections =
    `[serve.visitor]\nport = ${echo.port}\n` +
    serveSection(750, echo.port) +
    useSection(SERVE.echo, port);
  const config = probedConfig(lan.relay.port, {
    ...{ name: "visitor", group: "red", sections },
  });
  const visitor = startNode(config);
  try {
    await untilEchoed(port);
  } finally {
    await visitor.close(random.chance(0.5) ? "SIGKILL" : "SIGTERM");
  }
}

/** Somebody who is no node comes to the hub's port. */
async function beStrange(port: number, random: Random): Promise<void> {
  if (random.chance(0.1)) {
    await Stranger.connect(port, { authkey: "not the key at all" }).then(
      (stranger) => {
        stranger.close();
        throw new Error("a wrong key was accepted");
      },
      () => undefined,
    );
    return;
  }
  const { socket, ended } = await connectTo(port, false);
  const silent = random.chance(0.3);
  if (!silent) socket.write(random.bytes(random.between(1, 2_000)));
  if (random.chance(0.3)) socket.end();
  await Promise.race([ended, sleep(random.between(0, 1_000))]);
  if (random.chance(0.5)) socket.resetAndDestroy();
  else socket.destroy();
}

async function cut(lan: SteadyLan, random: Random): Promise<void> {
  const which = WHICH[random.between(0, 2)] ?? "all";
  await lan.unrest.during(async () => {
    lan.relay.cut(random.chance(0.7) ? "reset" : "fin", which);
    await lan.untilBack();
  });
}

async function idOf(commands: Commands): Promise<string> {
  return (await commands.ask<{ vnetid: string }>("show vnet")).vnetid;
}

/** A connection that is given up at once. */
async function untilAccepted(port: number): Promise<void> {
  for (const end = performance.now() + PARTING_MS; ;) {
    const accepted = await new Promise<boolean>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
      socket.once("connect", () => socket.resetAndDestroy());
    });
    if (accepted) return;
    if (performance.now() > end) throw new Error(`${port} does not accept`);
    await sleep(30);
  }
}
