// One file that has to become several configurations, because a node has one
// hub and one secret: the first one counts, the others are sketches. Pure.

import type { Comment, Item } from "./outline.js";

export interface Part {
  /** what it is for, behind "2 of 3:" */
  readonly title: string;
  readonly items: readonly Item[];
}

const NAMED_MAX = 10;

/** @param why completes "The file … , so here are 2 whole configurations" */
export function severalParts(parts: readonly Part[], why: string): Item[] {
  const [only] = parts;
  if (parts.length < 2) return [...(only?.items ?? [])];
  const intro: Comment = {
    comment: `${why}, so here are ${parts.length} whole configurations. The first one counts; the others are comments. For each of them: copy its lines into a file of its own, take the first two characters (; and the space) of each line away, and start one more node with that file. docs/coming-from.md has a command that does it.`,
  };
  const others = parts.slice(1).map(({ title }) => title);
  const more = others.length - NAMED_MAX;
  const named = [
    ...others.slice(0, NAMED_MAX),
    ...(more > 0 ? [`and ${more} more`] : []),
  ].join(", ");
  const left = `only the first of ${parts.length} configurations counts; the others are comments and need a file and a node each: ${named}`;
  return [
    intro,
    { comment: left, isLost: true },
    ...parts.flatMap(({ title, items }, at): Item[] => {
      const head = {
        comment: `==== ${at + 1} of ${parts.length}: ${title} ====`,
      };
      return at === 0 ? [head, ...items] : [head, { sketch: items }];
    }),
  ];
}
