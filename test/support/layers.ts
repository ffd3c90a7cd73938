// Reads one source file's imports and globals, and tells which rules of the
// layers it breaks. Pure; test/layers.test.ts feeds it.

import { dirname, posix } from "node:path";
import ts from "typescript";

/** From the bottom up; names on one line never import each other. */
const LAYERS = [
  ["base"],
  ["files"],
  ["keys", "screen"],
  ["config"],
  ["wire", "import"],
  ["net"],
  ["http", "channel"],
  ["hub", "node"],
  ["terminal"],
  ["programs"],
];
const BASE = [
  "errors.ts",
  "log.ts",
  "printable.ts",
  "count.ts",
  "nearest.ts",
  "utf8.ts",
];
const PROGRAMS = [
  ...[
    "program.ts",
    "program-arguments.ts",
    "program-log.ts",
    "shutdown.ts",
    "check.ts",
    "one-name.ts",
    "foreign-links.ts",
    "state-folder.ts",
    "run-lock.ts",
    "own-signals.ts",
    "own-screen.ts",
    "called.ts",
    "given-keys.ts",
    "piped-script.ts",
    "own-job.ts",
    "node-file.ts",
  ],
  ...["verb.ts", "verbs.ts", "forget.ts", "trust.ts"],
  ...["public-ports.ts", "public-state.ts", "shared-port.ts"],
  ...["route.ts", "vnet.ts"],
];
const OUTSIDE = /^(node:)?(net|tls|http|https|dns|child_process)$/;
/** The pager is the one program that has the terminal. */
const STARTS_PROGRAMS = /^(node:)?child_process$/;
/** Beside the programs: whose a file is; the environment and the end of children. */
const USE_PROCESS = ["files", "net/program.ts"];
const PROCESS = /^(node:)?process$/;

export interface Unit {
  /** below src/, with forward slashes */
  path: string;
  /** lines of the comment at the top, up to a drawing that an empty comment line sets off */
  header: number;
  imports: { from: string; typeOnly: boolean }[];
  usesProcess: boolean;
}

export function readUnit(path: string, source: string): Unit {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.ES2022, true);
  const unit: Unit = {
    path,
    header: /^(?:\/\/.+(?:\n|$))*/.exec(source)![0].split("\n").length - 1,
    imports: [],
    usesProcess: false,
  };
  const add = (from: ts.Node | undefined, typeOnly: boolean) => {
    if (from && ts.isStringLiteralLike(from))
      unit.imports.push({ from: from.text, typeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node))
      add(
        node.moduleSpecifier,
        node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword,
      );
    else if (ts.isExportDeclaration(node))
      add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
    else if (
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.ImportKeyword
    )
      add(node.arguments[0], false);
    else if (ts.isIdentifier(node) && isGlobalProcess(node))
      unit.usesProcess = true;
    ts.forEachChild(node, visit);
  };
  visit(file);
  return unit;
}

/** One line for each broken rule. */
export function offencesIn(unit: Unit): string[] {
  const mine = layerOf(unit.path);
  const myRank = rankOf(mine);
  const offences = new Set<string>();
  if (myRank < 0) offences.add(`${mine} has no layer`);
  if (unit.usesProcess && mine !== "programs" && !isExempt(unit.path, mine))
    offences.add("only the programs may use process");
  for (const { from, typeOnly } of unit.imports) {
    if (from.startsWith(".")) {
      const target = posix.join(dirname(unit.path), from);
      const theirs = layerOf(target.replace(/\.js$/, ".ts"));
      const theirRank = rankOf(theirs);
      if (theirs !== mine && (theirRank < 0 || theirRank >= myRank))
        offences.add(`${mine} may not import ${theirs}`);
    } else if (mine === "screen" && STARTS_PROGRAMS.test(from)) continue;
    else if (OUTSIDE.test(from) && !typeOnly && mine !== "net")
      offences.add(`only net may use ${from}`);
    else if (PROCESS.test(from) && mine !== "programs")
      offences.add("only the programs may use process");
  }
  return [...offences].map((offence) => `${unit.path}: ${offence}`);
}

function isExempt(path: string, layer: string): boolean {
  return USE_PROCESS.includes(path) || USE_PROCESS.includes(layer);
}

function layerOf(path: string): string {
  if (BASE.includes(path)) return "base";
  if (PROGRAMS.includes(path)) return "programs";
  return path.split("/")[0] ?? path;
}

function rankOf(layer: string): number {
  return LAYERS.findIndex((names) => names.includes(layer));
}

/** The global itself or globalThis.process, not something else so called. */
function isGlobalProcess(name: ts.Identifier): boolean {
  if (name.text !== "process") return false;
  const { parent } = name;
  if (ts.isPropertyAccessExpression(parent) && parent.name === name)
    return parent.expression.getText() === "globalThis";
  const names = parent as { name?: ts.Node; propertyName?: ts.Node };
  const isNameOf = names.name === name || names.propertyName === name;
  return !isNameOf || ts.isShorthandPropertyAssignment(parent);
}
