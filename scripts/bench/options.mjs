// The command line of the suite: a table, its parser and its help.

import { parseArgs } from "node:util";

const OPTIONS = {
  only: {
    ...{ type: "string", multiple: true, value: "PATTERN" },
    help: "measure only what matches: a regular expression on measurement, group or row",
  },
  rounds: {
    ...{ type: "string", default: "5", value: "N" },
    help: "how often each is measured, in turns (memory: at most 3 times)",
  },
  seconds: {
    ...{ type: "string", default: "3", value: "N" },
    help: "how long each load runs",
  },
  with: {
    ...{ type: "string", multiple: true, value: "COMPETITOR" },
    help: "only these; may stand more than once, or names with commas",
  },
  without: {
    ...{ type: "string", multiple: true, value: "COMPETITOR" },
    help: "all but these",
  },
  streams: {
    ...{ type: "string", default: "10000", value: "N" },
    help: "how many the measurement of very many streams opens",
  },
  json: { type: "string", value: "FILE", help: "write all figures there" },
  svg: { type: "string", value: "FILE", help: "write a chart of ratios there" },
  list: { type: "boolean", help: "print competitors and measurements; end" },
  help: { type: "boolean", short: "h", help: "print this; end" },
};

const RANGES = {
  rounds: [1, 100],
  seconds: [1, 600],
  streams: [1, 50_000],
};

/** A mistake on the command line; its message is one line. */
export class UsageError extends Error {
  name = "UsageError";
}

/** @throws {UsageError} */
export function readOptions(args, competitorNames) {
  let values;
  try {
    ({ values } = parseArgs({ args, options: OPTIONS }));
  } catch (error) {
    throw new UsageError(`${error.message.split(".")[0]}; see --help`);
  }
  const options = { ...values };
  for (const [name, range] of Object.entries(RANGES))
    options[name] = numberIn(name, values[name], range);
  for (const name of ["with", "without"])
    options[name] = namesOf(name, values[name], competitorNames);
  options.only = (values.only ?? []).map(patternOf);
  return options;
}

export function help() {
  const lines = Object.entries(OPTIONS).map(([name, { value, help }]) => {
    const left = `--${name}${value ? ` ${value}` : ""}`;
    return `  ${left.padEnd(22)}${help}`;
  });
  return `usage: npm run bench -- [options]\n\n${lines.join("\n")}\n`;
}

function numberIn(name, text, [least, most]) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  throw new UsageError(
    `--${name} is "${text}", allowed is ${least} to ${most}`,
  );
}

function namesOf(option, values = [], known) {
  const names = values.flatMap((value) => value.split(","));
  const wrong = names.find((name) => !known.includes(name));
  if (wrong !== undefined)
    throw new UsageError(
      `--${option} ${wrong}: there is ${known.join(", ")} only`,
    );
  return names;
}

function patternOf(text) {
  try {
    return new RegExp(text, "i");
  } catch (error) {
    throw new UsageError(`--only: ${error.message}`);
  }
}
