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
    const lineEnd = endOfLine(text, at);
    if (open < at) open = text.indexOf("{{", at);
    // A comment, and a line without a template, are gone over whole.
    if (open < 0) break;
    if (isComment(text, at) || open >= lineEnd) {
      at = lineEnd + 1;
      line += 1;
      continue;
    }
    for (let next = open; next >= 0 && next < endOfLine(text, at);) {
      const close = text.indexOf("}}", next + 2);
      if (close < 0) {
        problems.add({ line }, "found {{ without its }}");
        push(text.length, false);
        return pieces;
      }
      const inside = text.slice(next + 2, close);
      push(next, /^-\s/.test(inside));
      pieces.push({
        action: inside.replace(/^-\s/, "").replace(/\s-$/, "").trim(),
        line,
      });
      trims = /\s-$/.test(inside);
      line += inside.split("\n").length - 1;
      from = close + 2;
      at = from;
      next = text.indexOf("{{", from);
    }
    at = endOfLine(text, at) + 1;
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
