// The command line of both programs: options, and those that stand for keys of the configuration.

import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { called } from "./called.js";
import {
  sectionsFromFlags,
  type Flag,
  type FlagTarget,
} from "./config/flags.js";
import type { IniSection } from "./config/ini.js";
import { messageOf, VnetError } from "./errors.js";

export interface ProgramArguments {
  /** the configuration file; null: what the command line says is enough */
  file: string | null;
  /** what the command line says of the configuration; wins over the file */
  flags: IniSection[];
  /** of the state folder where there is no file */
  name: string;
  /** of --state: the folder of the keys */
  state: string | null;
  /** of --no-hup: SIGHUP does nothing */
  noHup: boolean;
  check: boolean;
  noColor: boolean;
  /** of --no-wait: commands run before the hub is reached */
  noWait: boolean;
  /** of --no-pager */
  noPager: boolean;
  /** the commands of -e, in their order */
  commands: string[];
}

export interface ProgramOptions {
  name: "route" | "vnet";
  /** whether -e is known */
  takesCommands: boolean;
  /** options that stand for keys of the configuration, by their long names */
  flags: Record<string, FlagTarget & { isSwitch?: true }>;
  /** with one of these no file is needed, and none is read unless it is named */
  standsAlone: readonly string[];
}

export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 10);
}

/** Throws VnetError `usage`. `help`, `version`: that was asked for. */
export function parseArguments(
  program: ProgramOptions,
  argv: string[],
): ProgramArguments | "help" | "version" {
  const { values, positionals } = parseCommandLine(program, argv);
  if (values.help === true) return "help";
  if (values.version === true) return "version";
  if (positionals.length > 1)
    throw usage(program, "one configuration file at the most");
  const given = flagsOf(program, values);
  const standsAlone = given.some(({ name }) =>
    program.standsAlone.includes(name.slice("--".length)),
  );
  return {
    file: positionals[0] ?? (standsAlone ? null : "config.ini"),
    flags: sectionsFromFlags(given),
    name: nameOf(program, given),
    state: stateOf(program, values),
    noHup: values["no-hup"] === true,
    check: values.check === true,
    noColor: values["no-color"] === true,
    noWait: values["no-wait"] === true,
    noPager: values["no-pager"] === true,
    commands: textsOf(values.execute),
  };
}

type Values = Record<
  string,
  string | boolean | (string | boolean)[] | undefined
>;

function parseCommandLine(
  program: ProgramOptions,
  args: string[],
): { values: Values; positionals: string[] } {
  try {
    const flags = Object.entries(program.flags).map(([name, { isSwitch }]) => {
      const type =
        isSwitch === true ? ("boolean" as const) : ("string" as const);
      return [name, { type, multiple: isSwitch !== true }] as const;
    });
    const parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        ...Object.fromEntries(flags),
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "V" },
        check: { type: "boolean" },
        state: { type: "string" },
        "no-hup": { type: "boolean" },
        "no-color": { type: "boolean" },
        "no-wait": { type: "boolean" },
        "no-pager": { type: "boolean" },
        execute: { type: "string", short: "e", multiple: true },
      },
    });
    for (const [name, option] of [
      ["execute", "-e"],
      ["no-wait", "--no-wait"],
    ] as const)
      if (parsed.values[name] !== undefined && !program.takesCommands)
        throw new VnetError("usage", `${option} is an option of vnet only`);
    return parsed;
  } catch (cause) {
    // What Node adds behind it speaks of files whose names are like options.
    const [what = ""] = messageOf(cause).split(". To specify");
    throw usage(program, what, cause);
  }
}

/** The options that stand for keys. Throws VnetError `usage` when one is given twice that makes sense only once. */
function flagsOf(program: ProgramOptions, values: Values): Flag[] {
  return Object.entries(program.flags).flatMap(([option, target]) => {
    const name = `--${option}`;
    if (values[option] === true) return { name, target, value: "true" };
    const texts = textsOf(values[option]);
    const isSection = ["serve", "use", "public"].includes(target.section);
    if (texts.length > 1 && !isSection)
      throw usage(program, `${name} is given twice; give it once`);
    return texts.map((value) => ({ name, target, value }));
  });
}

function textsOf(value: Values[string]): string[] {
  const texts = Array.isArray(value) ? value : [value];
  return texts.filter((text) => typeof text === "string");
}

function stateOf(program: ProgramOptions, { state }: Values): string | null {
  if (state === "") throw usage(program, "--state wants the path of a folder");
  return typeof state === "string" ? state : null;
}

/** The same for the same command line but for its keys; with --name, for the same node of the same hub. */
function nameOf(program: ProgramOptions, flags: readonly Flag[]): string {
  const pick = (names: string[]) =>
    flags.filter(({ name }) => names.includes(name)).map(({ value }) => value);
  if (program.name === "route")
    return `route-${digest(JSON.stringify(pick(["--ip", "--port"])))}`;
  const named = pick(["--route", "--group", "--name"]);
  const isLook = ({ name }: Flag) => name.startsWith("--log-");
  const isKey = ({ name }: Flag) => name === "--authkey" || name === "--secret";
  const all = flags.filter((flag) => !isKey(flag) && !isLook(flag));
  const hasName = flags.some(({ name }) => name === "--name");
  return `vnet-${digest(JSON.stringify(hasName ? named : all))}`;
}

function usage(
  program: ProgramOptions,
  text: string,
  cause?: unknown,
): VnetError {
  return new VnetError(
    "usage",
    `${program.name}: ${text}; see ${called(program.name)} --help`,
    { cause },
  );
}
