// What people type who come from other programs' terminals (psql, mongosh, redis-cli, shells), and what to type here.
// Pure. Words that mean one of our commands and nothing else are its aliases; these need a word of explanation.

const LEAVES = "`exit` leaves";
const LISTS =
  "`show serves` lists what the group offers, `show use` what is mapped here";
const NODES = "`show vnets` lists the nodes of the group";
const REMOVES = "`use delete` and `serve delete` remove one";
const OFFERS = "`serve run PORT` offers a service";
const MAPS = "`use run SERVE` maps a serve of the group to a local port";

const ANSWERS = new Map<string, string>([
  // A single letter is what pagers and `watch` end with: one too many must not end the node.
  ...["q", "x", ":wq", ":q!", ":x"].map((word) => [word, LEAVES] as const),
  ...["ls", "dir", "list", "\\d", "\\l", "\\dt"].map(
    (word) => [word, LISTS] as const,
  ),
  ...["nodes", "peers", "who"].map((word) => [word, NODES] as const),
  ...["rm", "del", "remove", "stop", "kill"].map(
    (word) => [word, REMOVES] as const,
  ),
  ...["add", "expose", "listen"].map((word) => [word, OFFERS] as const),
  ...["connect", "forward", "map"].map((word) => [word, MAPS] as const),
  ...["clear", "cls"].map(
    (word) => [word, "Ctrl-L clears the screen"] as const,
  ),
  ["history", "Up and Ctrl-R bring earlier lines back"],
  ["!!", "Up brings the last line back"],
  ["status", "`show vnet` tells of this node"],
  ["\\conninfo", "`show vnet` tells of this node"],
  ...["top", "\\watch"].map(
    (word) => [word, "`watch show use` draws it again and again"] as const,
  ),
  ["restart", "`reload` reads the configuration again"],
]);

/** @param word the first of a line that is no command of ours */
export function answerTo(word: string): string | undefined {
  return ANSWERS.get(word.toLowerCase());
}
