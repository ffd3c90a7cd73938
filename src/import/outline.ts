// What an imported configuration is made of before it is text: sections, and
// comments for all that has no counterpart. Plain data; made by the importers.

export interface Comment {
  /** any text; the writer makes it harmless and breaks it into lines */
  readonly comment: string;
  /** it decided who reaches what, and the configuration does not: told on stderr too */
  readonly isLost?: boolean;
}

export interface Entry {
  readonly key: string;
  readonly value: string | number | boolean;
}

export interface Section {
  /** as between the brackets: `route`, `serve.ssh` */
  readonly title: string;
  readonly lines: readonly (Comment | Entry)[];
}

/** Lines of a configuration that does not count until somebody takes the `; ` away. */
export interface Sketch {
  readonly sketch: readonly Item[];
}

export type Item = Comment | Section | Sketch;

/** What an importer makes of a file. */
export interface Imported {
  /** completes the sentence "Imported from …": `qjw-proxy's JSON (out)` */
  readonly from: string;
  readonly program: "route" | "vnet";
  /** it asks the file of the server, where one is named */
  readonly usesServer?: boolean;
  readonly items: readonly Item[];
}

const COMMENT_CHARACTERS_MAX = 1000;

/** Its text, cut: what a file has thousands of helps nobody in one line. */
export function commentText({ comment }: Comment): string {
  return comment.length > COMMENT_CHARACTERS_MAX
    ? `${comment.slice(0, COMMENT_CHARACTERS_MAX)}…`
    : comment;
}

/** The comments that tell of a loss, each once. */
export function lossesOf(items: readonly Item[]): string[] {
  const found = items.flatMap((item): string[] => {
    if ("sketch" in item) return lossesOf(item.sketch);
    const comments = "comment" in item ? [item] : item.lines;
    return comments.flatMap((line) =>
      "comment" in line && line.isLost === true ? [commentText(line)] : [],
    );
  });
  return [...new Set(found)];
}
