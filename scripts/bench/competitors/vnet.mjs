// vnet itself, from its launchers, and the original one, which reads the same
// configuration.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../built.mjs";
import { findProgram } from "../find-program.mjs";
import { untilAccepting, untilAnswering } from "../ports.mjs";

const FIRST_SERVEID = 700;

export async function vnet(context, encrypt) {
  const state = { ...process.env, VNET_STATE: context.children.newFolder() };
  return start(context, {
    options: `encrypt=${encrypt}\n`,
    launch: (program, cwd) =>
      context.children.start(
        process.execPath,
        [join(root, program), "config.ini"],
        { cwd, env: state },
      ),
  });
}

export async function originalVnet(context) {
  return start(context, {
    options: "terminal=false\n",
    launch: (program, cwd) =>
      context.children.start(
        findProgram(`vnet-original-${program}`),
        ["config.ini"],
        { cwd },
      ),
  });
}

async function start({ targets, between, ports, children }, how) {
  const kinds = Object.keys(targets);
  const [hubPort, ...usePorts] = await ports(1 + kinds.length);
  const run = (program, config) => {
    const folder = join(children.newFolder(), "run");
    mkdirSync(folder);
    writeFileSync(join(folder, "config.ini"), config);
    return how.launch(program, folder);
  };
  const hub = run("route", `[route]\nip=127.0.0.1\nport=${hubPort}\n`);
  await untilAccepting(hubPort, [hub]);
  const link = await between(hubPort);
  const node = (name, sections) =>
    run(
      "vnet",
      `[route]\nip=127.0.0.1\nport=${link}\n[vnet]\nname=${name}\ngroup=bench\n${how.options}${sections.join("")}`,
    );
  const id = (i) => `serveid=${FIRST_SERVEID + i}\nip=127.0.0.1\n`;
  const serve = node(
    "home",
    kinds.map((kind, i) => `[serve.${kind}]\n${id(i)}port=${targets[kind]}\n`),
  );
  const use = node(
    "office",
    kinds.map((kind, i) => `[use.${kind}]\n${id(i)}port=${usePorts[i]}\n`),
  );
  const app = Object.fromEntries(kinds.map((kind, i) => [kind, usePorts[i]]));
  await untilAnswering(app.answer, [hub, serve, use]);
  return {
    ports: app,
    roles: { use: [use.pid], hub: [hub.pid], serve: [serve.pid] },
  };
}
