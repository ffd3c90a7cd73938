// What frp fills in before it reads a file: {{ .Envs.NAME }}, and the range
// over ports of its documents. Other actions of Go's templates are refused by name. Pure.

import { CONFIG_BYTES_MAX } from "../config/ini.js";
import { quoteFound, type Problems } from "../config/problem.js";
import { parsePortRanges, PORT_RANGES } from "./port-ranges.js";

export type Environment = Readonly<Record<string, string | undefined>>;

const HOW = `{{ .Envs.NAME }} is filled in from the environment or --env NAME=VALUE, and {{ range $_, $v := parseNumberRangePair "6000-6005" "7000-7005" }} … {{ end }} is written out; write the rest as it is to be and import again`;

/** Ranges in ranges that say nothing have no end by their length. */
const STEPS_MAX = 1_000_000;

/** Nobody nests more; without a bound the file decides how deep the stack is. */
const DEPTH_MAX = 100;

/** Of actions with a mistake; what is behind them is not looked at. */
const WRONG_MAX = 200;

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
  const { ends, tooDeep } = blocksOf(pieces);
  if (tooDeep !== undefined) {
    const found = `found {{ range }} in {{ range }} more than ${DEPTH_MAX} times, allowed: up to ${DEPTH_MAX}`;
    problems.add({ line: tooDeep }, found);
    return "";
  }
  const closing = new Set(ends.values());
  const output: string[] = [];
  let length = 0;
  let steps = 0;
  const isTooMuch = () => length > CONFIG_BYTES_MAX || steps > STEPS_MAX;
  const add = (part: string) => {
    length += part.length;
    if (length <= CONFIG_BYTES_MAX) output.push(part);
  };
  /** by their text: what an action means is the same in each round */
  const ranges = new Map<string, Range | string>();
  const rangeOf = (action: string): Range | string => {
    const range = ranges.get(action) ?? readRange(action);
    if (!ranges.has(action) && typeof range !== "string")
      steps += range.ports.length;
    ranges.set(action, range);
    return range;
  };
  /** the pieces that something is wrong with, which is told once */
  const wrong = new Set<number>();
  const isOver = () => isTooMuch() || wrong.size >= WRONG_MAX;
  /** of the ranges around, the innermost last */
  const scopes: Variables[] = [];

  const run = (from: number, to: number): void => {
    for (let at = from; at < to && !isOver(); at += 1) {
      steps += 1;
      const piece = pieces[at];
      if (piece === undefined) break;
      if ("text" in piece) {
        add(piece.text);
        continue;
      }
      const { action, line } = piece;
      const isRange = /^range\b/.test(action);
      const end = ends.get(at) ?? pieces.length;
      const complain = (problem: string) => {
        wrong.add(at);
        problems.add({ line }, problem);
      };
      if (closing.has(at)) continue;
      if (!isRange) {
        if (wrong.has(at)) continue;
        const value = valueOf(action, scopes, environment, complain);
        if (value !== undefined) add(value);
        continue;
      }
      if (!wrong.has(at)) {
        const range = rangeOf(action);
        if (typeof range === "string") complain(range);
        else
          for (let round = 0; round < range.ports.length; round += 1) {
            if (isOver()) break;
            scopes.push(variablesOf(range, round));
            run(at + 1, end);
            scopes.pop();
          }
        if (!ends.has(at) && !isTooMuch())
          complain("found {{ range }} without an {{ end }}");
      }
      at = end;
    }
  };
  run(0, pieces.length);
  if (isTooMuch())
    problems.add({}, "found templates that make more than 1 MiB of it");
  return output.join("");
}

function valueOf(
  action: string,
  scopes: readonly Variables[],
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
  for (let depth = scopes.length - 1; depth >= 0; depth -= 1) {
    const variables = scopes[depth] ?? {};
    if (Object.hasOwn(variables, action)) return variables[action];
  }
  complain(
    `found the template action ${quoteFound(`{{ ${action} }}`)}; ${HOW}`,
  );
  return undefined;
}

/** What a range goes over: numbers, or pairs of them. */
interface Range {
  /** the variables that are named, if any */
  readonly index: string | undefined;
  readonly item: string | undefined;
  readonly ports: readonly number[];
  readonly others: readonly number[] | undefined;
}

/** A text: what is wrong with it. */
function readRange(action: string): Range | string {
  const match =
    /^range\s+(?:(?:(\$\w*)\s*,\s*)?(\$\w*)\s*:=\s*)?parseNumberRange(Pair)?\s+"([^"]*)"(?:\s+"([^"]*)")?$/.exec(
      action,
    );
  const [, index, item, pair, first = "", second] = match ?? [];
  if (match === null || (pair === undefined) !== (second === undefined))
    return `found the template action ${quoteFound(`{{ ${action} }}`)}; ${HOW}`;
  const ports = parsePortRanges(first);
  const others = second === undefined ? undefined : parsePortRanges(second);
  if (ports === undefined || (second !== undefined && others === undefined))
    return `found something else in {{ range }}, allowed ${PORT_RANGES}`;
  if (others !== undefined && ports.length !== others.length)
    return `found ${ports.length} and ${others.length} ports in {{ range }}, allowed: as many on both sides`;
  return { index, item, ports, others };
}

function variablesOf(
  { index, item, ports, others }: Range,
  round: number,
): Variables {
  const port = String(ports[round] ?? 0);
  const variables: Record<string, string> = {};
  if (index !== undefined) variables[index] = String(round);
  // Without a variable, and with one too, the dot is the value.
  for (const name of [item ?? "", ""])
    if (others === undefined) variables[name || "."] = port;
    else {
      variables[`${name}.First`] = port;
      variables[`${name}.Second`] = String(others[round] ?? 0);
    }
  return variables;
}

/** Where each block that is closed ends, by where it begins; and the line of one that is too deep in others. */
function blocksOf(pieces: readonly Piece[]): {
  ends: ReadonlyMap<number, number>;
  tooDeep?: number;
} {
  const ends = new Map<number, number>();
  const open: number[] = [];
  for (const [at, piece] of pieces.entries()) {
    if ("text" in piece) continue;
    if (/^(?:range|if|with|block|define)\b/.test(piece.action)) open.push(at);
    if (open.length > DEPTH_MAX) return { ends, tooDeep: piece.line };
    const begin = piece.action === "end" ? open.pop() : undefined;
    if (begin !== undefined) ends.set(begin, at);
  }
  return { ends };
}

/** Text and actions in turn. `{{-` and `-}}` take the blanks beside them away, lines too; comments of the file stay as they are. */
function piecesOf(text: string, problems: Problems): Piece[] {
  const pieces: Piece[] = [];
  /** of what no piece has yet */
  let from = 0;
  let trims = false;
  let line = 1;
  const push = (to: number, trimsEnd: boolean) => {
    const part = text.slice(from, to);
    const start = trims ? part.trimStart() : part;
    pieces.push({ text: trimsEnd ? start.trimEnd() : start });
  };
  let open = -1;
  for (let at = 0; at < text.length;) {
    let lineEnd = endOfLine(text, at);
    if (open < at) open = text.indexOf("{{", at);
    // A comment, and a line without a template, are gone over whole.
    if (open < 0) break;
    if (isComment(text, at) || open >= lineEnd) {
      at = lineEnd + 1;
      line += 1;
      continue;
    }
    for (let next = open; next >= 0 && next < lineEnd;) {
      const close = text.indexOf("}}", next + 2);
      if (close < 0) {
        problems.add({ line }, "found {{ without its }}");
        push(text.length, false);
        return pieces;
      }
      const inside = text.slice(next + 2, close);
      push(next, /^-\s/.test(inside));
      const action = inside.replace(/^-\s/, "").replace(/\s-$/, "").trim();
      const isNote = action.startsWith("/*") && action.endsWith("*/");
      if (action !== "" && !isNote) pieces.push({ action, line });
      trims = /\s-$/.test(inside);
      line += inside.split("\n").length - 1;
      from = close + 2;
      if (from > lineEnd) lineEnd = endOfLine(text, from);
      next = text.indexOf("{{", from);
    }
    at = lineEnd + 1;
    line += 1;
  }
  push(text.length, false);
  return pieces;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end < 0 ? text.length : end;
}

/** Whether the line that begins there is one. */
function isComment(text: string, start: number): boolean {
  let at = start;
  while (text[at] === " " || text[at] === "\t") at += 1;
  return text[at] === "#" || text[at] === ";";
}
