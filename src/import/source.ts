// A file's text → the value it describes, whatever it is written in. The
// libraries are loaded when one is needed: nobody else of the program wants them.

import { quoteFound, type Problems } from "../config/problem.js";
import { messageOf, VnetError } from "../errors.js";
import { readFrpIni } from "./frp-ini.js";
import { reindent } from "./loose-yaml.js";

export type Format = "JSON" | "YAML" | "TOML" | "INI";

export interface Source {
  readonly format: Format;
  readonly value: unknown;
  /** what a person should know about the reading */
  readonly notes: readonly string[];
}

/** Aliases of YAML that may be followed; a small file can mean gigabytes. */
const ALIASES_MAX = 50;

const EXTENSIONS: Readonly<Record<string, Format>> = {
  json: "JSON",
  json5: "JSON",
  jsonc: "JSON",
  yaml: "YAML",
  yml: "YAML",
  toml: "TOML",
};

/** Throws VnetError `config` with line and column where the text is not what it claims to be. */
export async function readSource(
  file: string,
  given: string,
  problems: Problems,
): Promise<Source> {
  const text = given.replace(/^\uFEFF/, "");
  if (text.trim() === "")
    throw new VnetError("config", `${file}: found nothing in it`);
  const format = formatOf(file, text);
  try {
    const read = READERS[format];
    return { format, ...(await read(text, problems)) };
  } catch (cause) {
    if (cause instanceof VnetError) throw cause;
    throw notReadable(file, format, cause);
  }
}

type Reader = (
  text: string,
  problems: Problems,
) => Promise<{ value: unknown; notes: string[] }>;

const READERS: Readonly<Record<Format, Reader>> = {
  JSON: readJson,
  YAML: readYaml,
  TOML: async (text) => {
    const { parse } = await import("smol-toml");
    return { value: parse(text, { integersAsBigInt: "asNeeded" }), notes: [] };
  },
  INI: async (text, problems) => ({
    value: readFrpIni(text, problems),
    notes: [],
  }),
};

async function readJson(
  text: string,
): Promise<{ value: unknown; notes: string[] }> {
  try {
    return { value: JSON.parse(text), notes: [] };
  } catch {
    const { default: json5 } = await import("json5");
    // Of these two it would warn on stderr; no name may have them anyway.
    const plain = text.replace(/[\u2028\u2029]/g, " ");
    return { value: json5.parse<unknown>(plain), notes: [] };
  }
}

async function readYaml(
  text: string,
): Promise<{ value: unknown; notes: string[] }> {
  const { parseDocument } = await import("yaml");
  const parse = (source: string): unknown => {
    const document = parseDocument(source, { logLevel: "error", merge: true });
    const [error] = document.errors;
    if (error !== undefined) throw error;
    return document.toJS({ maxAliasCount: ALIASES_MAX });
  };
  try {
    return { value: parse(text), notes: [] };
  } catch (error) {
    const again = reindent(text);
    if (again === null) throw error;
    try {
      const note =
        "The file's indentation is not YAML's (keys of a list item deeper than its first one); it was read as it is meant.";
      return { value: parse(again), notes: [note] };
    } catch {
      // The person's own lines are what the message should be about.
      throw error;
    }
  }
}

/** A value that TOML would want in quotes. */
const BARE_WORD =
  /^[ \t]*[\w-]+[ \t]*=[ \t]*(?!true\b|false\b|inf\b|nan\b|[0-9]{4}-)(?:[a-z_/]|[0-9]+\.[0-9]+\.)/im;

/** By content where the name's end says nothing; frp's old INI and our own tell by their sections, whatever the name. */
function formatOf(file: string, text: string): Format {
  const extension = /\.([a-z0-9]+)$/i.exec(file)?.[1]?.toLowerCase() ?? "";
  const known = EXTENSIONS[extension];
  if (known === "JSON" || known === "YAML") return known;
  if (/^[ \t]*\[(?:common|route|vnet)\][ \t]*(?:[;#].*)?$/m.test(text))
    return "INI";
  if (known !== undefined) return known;
  if (/^\s*(?:\{|\/\/|\/\*)/.test(text)) return "JSON";
  const isIni = /^[ \t]*\[(?!\[)[^\]\n\r\u2028\u2029]*\]/m.test(text);
  if (isIni && (extension === "ini" || BARE_WORD.test(text))) return "INI";
  if (isIni || /^[ \t]*(?:\[\[|[\w.-]+[ \t]*=)/m.test(text)) return "TOML";
  return "YAML";
}

/** One line, with the place in the form that editors open: FILE:LINE:COLUMN. */
function notReadable(file: string, format: Format, cause: unknown): VnetError {
  // Behind the first line stand the person's own lines, which may be a whole file.
  const message = messageOf(
    cause instanceof Error ? cause.message.split("\n", 1)[0] : cause,
  );
  // The YAML library catches its own RangeError, and makes a message of it.
  if (cause instanceof RangeError || message.startsWith("Maximum call stack"))
    return failure(file, `this ${format} is nested too deeply`, cause);
  if (cause instanceof ReferenceError)
    return failure(
      file,
      `found too many aliases (*), allowed: up to ${ALIASES_MAX}`,
      cause,
    );
  const { line, column } = placeOf(cause);
  const where = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  const text = message
    .replace(/^JSON5: |^Invalid TOML document: /, "")
    .replace(/(?: at (?:line )?\d+(?:, column |:)\d+)?[:.]?$/, "");
  const shown = quoteFound(text).slice(1, -1);
  return failure(where, `not valid ${format}: ${shown}`, cause);
}

interface Located {
  line?: number;
  column?: number;
  lineNumber?: number;
  columnNumber?: number;
  linePos?: readonly { line: number; col: number }[];
}

function placeOf(cause: unknown): { line?: number; column?: number } {
  if (!(cause instanceof Error)) return {};
  const located = cause as Error & Located;
  const line = located.linePos?.[0]?.line ?? located.line ?? located.lineNumber;
  const column =
    located.linePos?.[0]?.col ?? located.column ?? located.columnNumber;
  return {
    ...(line === undefined ? {} : { line }),
    ...(column === undefined ? {} : { column }),
  };
}

function failure(where: string, text: string, cause: unknown): VnetError {
  return new VnetError("config", `${where}: ${text}`, { cause });
}
