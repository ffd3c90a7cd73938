// Whether a typed line holds what must not stay in a file: a key, or the arguments of a program (`exec:`). Pure.
// Rather one line too many than a key: a line that is not kept costs a person that line and nothing else.

/** One of these words means that a key stands beside it. */
const KEY_WORD =
  /(?:^|[^a-z])(?:authkey|secret|password|passwd|passphrase|token)(?:[^a-z]|$)/i;

/** Programs are given passwords as arguments. Of the first one: its line holds what stands behind any other. */
const PROGRAM = /exec:(.*)/is;

/** As `keygen` makes them; a name of that length is rarely of all three. */
const KEY_CHARACTERS = 20;

/** @param keys those of this node, which are found wherever they stand */
export function isConfidential(
  line: string,
  keys: readonly string[] = [],
): boolean {
  return (
    KEY_WORD.test(line) ||
    hasArguments(line) ||
    keys.some((key) => key !== "" && line.includes(key)) ||
    line.split(/[\s"'=/]+/).some(looksLikeKey)
  );
}

function hasArguments(line: string): boolean {
  return /\s/.test(PROGRAM.exec(line)?.[1]?.trim() ?? "");
}

function looksLikeKey(word: string): boolean {
  return (
    word.length >= KEY_CHARACTERS &&
    /^[\w+-]+$/.test(word) &&
    [/[a-z]/, /[A-Z]/, /[0-9]/].every((kind) => kind.test(word))
  );
}
