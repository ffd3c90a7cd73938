// Links: the forms of an `ip=` that are no host but another way to a service: a Unix socket, a program, a virtual
// machine's socket. Pure: says what a text means and what of it may be shown, opens nothing.

import { VnetError } from "../errors.js";
import { isPrintable } from "../printable.js";

export type Link =
  /** a Unix socket, or a named pipe of Windows */
  | { readonly scheme: "unix"; readonly path: string }
  /** a program whose stdin and stdout are the connection */
  | {
      readonly scheme: "exec";
      readonly program: string;
      readonly args: readonly string[];
    }
  | { readonly scheme: "vsock"; readonly cid: number; readonly port: number }
  /** the Unix socket by which a virtual machine monitor leads to its guest's ports */
  | { readonly scheme: "hvsock"; readonly path: string; readonly port: number };

export type LinkScheme = Link["scheme"];

const FORMS: Record<LinkScheme, string> = {
  unix: "unix:/PATH",
  exec: "exec:PROGRAM ARGUMENTS",
  vsock: "vsock:CID:PORT",
  hvsock: "hvsock:/PATH:PORT",
};

/** All of them as a person would write them, for error messages and help. */
export const LINK_FORMS = `${FORMS.unix}, ${FORMS.exec}, ${FORMS.vsock} or ${FORMS.hvsock}`;

const SCHEME = /^(unix|exec|vsock|hvsock):/;
const LINK_CHARACTERS_MAX = 1_000;
/** What the `sun_path` of a socket's address holds on Linux, without its closing zero. */
export const SOCKET_PATH_BYTES_MAX = 107;
const PIPE_CHARACTERS_MAX = 256;
/** 32 bits; the highest number means "any" (vsock(7)). */
const VSOCK_NUMBER_MAX = 0xffff_fffe;
const SHOWN_PROGRAM_CHARACTERS = 64;

const NAMED_PIPE = /^\\\\[.?]\\pipe\\[^\\]/i;

/** Whether a socket's path is the name of a pipe of Windows, which behaves otherwise and has no file. */
export function isNamedPipe(path: string): boolean {
  return NAMED_PIPE.test(path);
}

/** Whether the text has one of the four schemes, well formed or not. */
export function isLink(text: string): boolean {
  return SCHEME.test(text);
}

/** Null where the text has none of the four schemes. Throws VnetError `config` that says what is wrong with the link. */
export function parseLink(text: string): Link | null {
  const scheme = SCHEME.exec(text)?.[1] as LinkScheme | undefined;
  if (scheme === undefined) return null;
  if (text.length > LINK_CHARACTERS_MAX)
    throw wrong(`longer than ${LINK_CHARACTERS_MAX} characters`);
  const rest = text.slice(scheme.length + 1);
  // A tab between words is as good as a space.
  if (!isPrintable(scheme === "exec" ? rest.replaceAll("\t", " ") : rest))
    throw wrong("with a character that cannot be shown");
  switch (scheme) {
    case "unix":
      return { scheme, path: socketPath(rest, FORMS.unix) };
    case "exec":
      return { scheme, ...programOf(rest) };
    case "vsock": {
      const [cid = "", port = "", ...more] = rest.split(":");
      if (more.length > 0 || port === "") throw wrong(`write ${FORMS.vsock}`);
      return {
        scheme,
        cid: vsockNumber(cid, 0, "the CID"),
        port: vsockNumber(port, 1, "the port"),
      };
    }
    case "hvsock": {
      const colon = rest.lastIndexOf(":");
      if (colon < 0) throw wrong(`without a port: write ${FORMS.hvsock}`);
      return {
        scheme,
        path: socketPath(rest.slice(0, colon), FORMS.hvsock),
        port: vsockNumber(rest.slice(colon + 1), 1, "the port"),
      };
    }
  }
}

/** What is wrong with a link, or null: nothing is, or it is no link. */
export function linkProblem(text: string): string | null {
  try {
    parseLink(text);
    return null;
  } catch (error) {
    if (error instanceof VnetError) return error.message;
    throw error;
  }
}

/**
 * What may be told to others and shown in lists: of a program only its name, as its arguments may hold secrets. Any
 * other text is left as it is. Never throws.
 */
export function describeLink(text: string): string {
  if (!text.startsWith("exec:")) return text;
  const name = programIn(text.slice("exec:".length));
  const characters = Array.from(name);
  return characters.length > SHOWN_PROGRAM_CHARACTERS
    ? `exec:${characters.slice(0, SHOWN_PROGRAM_CHARACTERS).join("")}…`
    : `exec:${name}`;
}

/** The last part of a path as any system writes it. */
export function baseName(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? "";
}

function wrong(problem: string): VnetError {
  return new VnetError("config", problem);
}

/** Absolute only: what a path is relative to differs between a shell and a service manager. */
function socketPath(path: string, form: string): string {
  if (isNamedPipe(path) && path.length <= PIPE_CHARACTERS_MAX) return path;
  if (!path.startsWith("/"))
    throw wrong(
      `the path of a socket must be absolute, beginning with /: write ${form}`,
    );
  if (/(?:^|\/)\.{0,2}$/.test(path))
    throw wrong("a folder, where the path of a socket is wanted");
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_BYTES_MAX)
    throw wrong(
      `a path of ${bytes} bytes; a socket's path has at most ${SOCKET_PATH_BYTES_MAX}`,
    );
  return path;
}

function vsockNumber(text: string, min: number, what: string): number {
  const number = /^[0-9]{1,10}$/.test(text) ? Number(text) : NaN;
  if (number >= min && number <= VSOCK_NUMBER_MAX) return number;
  throw wrong(
    `${what} of a virtual machine's socket must be ${min}–${VSOCK_NUMBER_MAX}`,
  );
}

function programOf(text: string): { program: string; args: string[] } {
  const { words, openQuote } = splitWords(text);
  if (openQuote !== "") throw wrong(`without a closing ${openQuote}`);
  const [program = "", ...args] = words;
  if (program === "") throw wrong(`without a program: write ${FORMS.exec}`);
  const isAbsolute = /^(?:\/|\\\\|[a-z]:[\\/])/i.test(program);
  if (isCutPath(program, args[0]))
    throw wrong(
      'a path with a space in it must stand in quotes: write exec:"C:\\PATH\\PROGRAM.exe" ARGUMENTS',
    );
  if (!isAbsolute && /[/\\]/.test(program))
    throw wrong(
      "the program must be a name that is found in the PATH, or an absolute path",
    );
  if (baseName(program) === "")
    throw wrong("a folder, where a program is wanted");
  return { program, args };
}

/** `C:\Program Files\x.exe` without quotes: the first word is a folder's, and the second goes on with the path. */
function isCutPath(program: string, next = ""): boolean {
  const isBegin = /^[a-z]:\\.*(?<!\.(?:exe|com|cmd|bat))$/i.test(program);
  return isBegin && /^[^\s:"/\\-][^:]*\\/.test(next);
}

/** Of a path of Windows, spaces and all: up to the program's name, and no argument is in it. */
const WINDOWS_PROGRAM =
  /^(?:[a-z]:\\|\\\\)(?:(?!\s[-/]).)*?\.(?:exe|com|cmd|bat)(?=\s|$)/i;

/** Up to the first space in any other case: a whole command between quotes, by mistake, is not shown either. */
function programIn(text: string): string {
  const first = splitWords(text).words[0] ?? "";
  const path = WINDOWS_PROGRAM.exec(first)?.[0] ?? /^\S*/.exec(first)?.[0];
  return /^\S*/.exec(baseName(path ?? ""))?.[0] ?? "";
}

/** Words at spaces; quotes of either kind keep what is between them together, and nothing else is special. */
function splitWords(text: string): { words: string[]; openQuote: string } {
  const words: string[] = [];
  let word: string | undefined;
  let openQuote = "";
  for (const character of text) {
    if (openQuote !== "") {
      if (character === openQuote) openQuote = "";
      else word = (word ?? "") + character;
    } else if (character === '"' || character === "'") {
      openQuote = character;
      word ??= "";
    } else if (character === " " || character === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? "") + character;
  }
  if (word !== undefined) words.push(word);
  return { words, openQuote };
}
