// What frp fills in before it reads a file: {{ .Envs.NAME }}, and the range
// over ports of its documents. Other actions of Go's templates are refused by name. Pure.

import { CONFIG_BYTES_MAX } from "../config/ini.js";
import { quoteFound, type Problems } from "../config/problem.js";
import { parsePortRanges, PORT_RANGES } from "./port-ranges.js";

export type Environment = Readonly<Record<string, string | undefined>>;

const HOW = `{{ .Envs.NAME }} is filled in from the environment or --env NAME=VALUE, and {{ range $_, $v := parseNumberRangePair "6000-6005" "7000-7005" }} … {{ end }} is written out; write the rest as it is to be and import again`;

/** Ranges in ranges that say nothing have no end by their length. */
const STEPS_MAX = 1_000_000;

type Piece =
  | { readonly text: string }
  | { readonly action: string; readonly line: number };

/** The values of a range's variables: `$i`, `$v`, `$v.First`. */
type Variables = Readonly<Record<string, string>>;

/** Whether frp would fill anything in; lines that are comments are not looked at. */
export function isTemplate(text: string): boolean {
  return text
    .split(/\r\n|\n|\r/)
    .some((line) => /^\s*[^#;\s].*\{\{/.test(line) || /^\s*\{\{/.test(line));
}

/** The text as frp would read it. What cannot be filled in goes to `problems`. */
export function fillIn(
  text: string,
  environment: Environment,
  problems: Problems,
): string {
  const pieces = piecesOf(text, problems);
  const output: string[] = [];
  let length = 0;
  let steps = 0;
  const isTooMuch = () => length > CONFIG_BYTES_MAX || steps > STEPS_MAX;
  const add = (part: string) => {
    length += part.length;
    if (length <= CONFIG_BYTES_MAX) output.push(part);
  };

  /** From `at` to the end of the block; returns where that is. */
  const run = (from: number, variables: Variables, depth: number): number => {
    let at = from;
    for (; at < pieces.length && !isTooMuch(); at += 1) {
      steps += 1;
      const piece = pieces[at];
      if (piece === undefined) break;
      if ("text" in piece) {
        add(piece.text);
        continue;
      }
      const { action, line } = piece;
      const complain = (problem: string) => {
        problems.add({ line }, problem);
      };
      if (action === "end" && depth > 0) return at;
      if (action === "" || /^\/\*[^]*\*\/$/.test(action)) continue;
      if (/^range\b/.test(action)) {
        const rounds = roundsOf(action, complain);
        let end = at;
        if (rounds.length === 0) end = skip(pieces, at + 1);
        for (const own of rounds) {
          if (isTooMuch()) break;
          end = run(at + 1, { ...variables, ...own }, depth + 1);
        }
        if (end >= pieces.length && !isTooMuch())
          complain("found {{ range }} without an {{ end }}");
        at = end;
        continue;
      }
      const value = valueOf(action, variables, environment, complain);
      if (value !== undefined) add(value);
    }
    return at;
  };
  run(0, {}, 0);
  if (isTooMuch())
    problems.add({}, "found templates that make more than 1 MiB of it");
  return output.join("");
}

function valueOf(
  action: string,
  variables: Variables,
  environment: Environment,
  complain: (problem: string) => void,
): string | undefined {
  const name =
    /^\.Envs\.([A-Za-z_][A-Za-z0-9_]*)$/.exec(action)?.[1] ??
    /^index \.Envs "([^"\\]+)"$/.exec(action)?.[1];
  if (name !== undefined) {
    const value = Object.hasOwn(environment, name)
      ? environment[name]
      : undefined;
    if (value === undefined)
      complain(
        `found the template {{ .Envs.${name} }} and no environment variable ${name}; give it by --env ${name}=VALUE`,
      );
    return value;
  }
  if (Object.hasOwn(variables, action)) return variables[action];
  complain(
    `found the template action ${quoteFound(`{{ ${action} }}`)}; ${HOW}`,
  );
  return undefined;
}

/** The variables of each round. Empty: there is none, or it is reported. */
function roundsOf(
  action: string,
  complain: (problem: string) => void,
): Variables[] {
  const match =
    /^range\s+(?:(?:(\$\w*)\s*,\s*)?(\$\w*)\s*:=\s*)?parseNumberRange(Pair)?\s+"([^"]*)"(?:\s+"([^"]*)")?$/.exec(
      action,
    );
  const [, index, item, pair, first = "", second] = match ?? [];
  if (match === null || (pair === undefined) !== (second === undefined)) {
    complain(
      `found the template action ${quoteFound(`{{ ${action} }}`)}; ${HOW}`,
    );
    return [];
  }
  const one = parsePortRanges(first);
  const two = parsePortRanges(second ?? first);
  if (one === undefined || two === undefined) {
    complain(`found something else in {{ range }}, allowed ${PORT_RANGES}`);
    return [];
  }
  if (one.length !== two.length) {
    complain(
      `found ${one.length} and ${two.length} ports in {{ range }}, allowed: as many on both sides`,
    );
    return [];
  }
  return one.map((port, at) => {
    const other = two[at] ?? 0;
    const variables: Record<string, string> = {};
    if (index !== undefined) variables[index] = String(at);
    // Without a variable, and with one too, the dot is the value.
    for (const name of [item ?? "", ""])
      if (pair === undefined) variables[name || "."] = String(port);
      else {
        variables[`${name}.First`] = String(port);
        variables[`${name}.Second`] = String(other);
      }
    return variables;
  });
}

/** Where the block that begins at `from` ends. */
function skip(pieces: readonly Piece[], from: number): number {
  let depth = 0;
  let at = from;
  for (; at < pieces.length; at += 1) {
    const piece = pieces[at];
    if (piece === undefined || "text" in piece) continue;
    if (/^(?:range|if|with|block|define)\b/.test(piece.action)) depth += 1;
    if (piece.action === "end" && depth-- === 0) return at;
  }
  return at;
}

/** Text and actions in turn. `{{-` and `-}}` take the blanks beside them away, lines too; comments of the file stay as they are. */
function piecesOf(text: string, problems: Problems): Piece[] {
  const pieces: Piece[] = [];
  let line = 1;
  let at = 0;
  let trims = false;
  const push = (part: string, trimsEnd: boolean) => {
    const start = trims ? part.trimStart() : part;
    pieces.push({ text: trimsEnd ? start.trimEnd() : start });
    line += part.split("\n").length - 1;
  };
  for (const match of text.matchAll(/\{\{(-\s)?([^]*?)(\s-)?\}\}/g)) {
    if (isInComment(text, match.index)) continue;
    push(text.slice(at, match.index), match[1] !== undefined);
    pieces.push({ action: (match[2] ?? "").trim(), line });
    line += match[0].split("\n").length - 1;
    at = match.index + match[0].length;
    trims = match[3] !== undefined;
  }
  const rest = text.slice(at);
  const open = /^(?!\s*[#;]).*\{\{/m.exec(rest);
  if (open !== null) {
    const before = rest.slice(0, open.index).split("\n").length - 1;
    problems.add({ line: line + before }, "found {{ without its }}");
  }
  push(rest, false);
  return pieces;
}

function isInComment(text: string, index: number): boolean {
  const start = text.lastIndexOf("\n", index - 1) + 1;
  return /^\s*[#;]/.test(text.slice(start, index));
}
