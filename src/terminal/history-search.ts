// Ctrl-R: looks for a line typed before, as one types a part of it. readline has none of its own; what is typed is its
// line meanwhile, and what was found stands in its prompt. Owned by the terminal, of one readline; prints nothing itself.
//
//   >: ──Ctrl-R──→ search [newest line that has it]: part ──Enter──→ runs it    Esc, arrows: to edit it   Ctrl-C, Ctrl-G: gives up

import type { Interface } from "node:readline";

/** As readline tells of it. */
export interface Key {
  name?: string;
  ctrl?: boolean;
  meta?: boolean;
  shift?: boolean;
}

export interface HistorySearchOptions {
  line: Interface;
  /** when nothing is searched */
  prompt: string;
  newestFirst: () => readonly string[];
}

/** These take over what was found, to edit it. */
const TAKES_OVER = new Set([
  ...["escape", "left", "right", "up", "down", "home", "end", "tab"],
]);
const TAKES_OVER_WITH_CTRL = new Set(["a", "b", "e", "f", "n", "p"]);

export class HistorySearch {
  /** `before`: what stood in the line; `older`: how many that fit were passed over */
  private search: { before: string; older: number } | null = null;

  constructor(private readonly options: HistorySearchOptions) {}

  get isOn(): boolean {
    return this.search !== null;
  }

  /** To be called when readline has dealt with the key. */
  press({ name = "", ctrl = false }: Key): void {
    if (ctrl && name === "r") this.next();
    else if (this.search === null) return;
    else if (ctrl && name === "g") this.giveUp();
    else if (ctrl ? TAKES_OVER_WITH_CTRL.has(name) : TAKES_OVER.has(name))
      this.end(this.found() ?? this.search.before);
    else {
      this.search.older = 0;
      this.show();
    }
  }

  /** The line was entered: what was found, `text` itself where nothing is searched, null where nothing was found. */
  take(text: string): string | null {
    if (this.search === null) return text;
    const found = text === "" ? text : this.found(text);
    this.search = null;
    this.options.line.setPrompt(this.options.prompt);
    return found;
  }

  /** What stood in the line before stands there again. */
  giveUp(): void {
    if (this.search !== null) this.end(this.search.before);
  }

  /** What `take` would give. */
  found(text = this.options.line.line): string | null {
    const { search } = this;
    if (search === null || text === "") return null;
    const fitting = new Set(
      this.options
        .newestFirst()
        .filter((each) => each.toLowerCase().includes(text.toLowerCase())),
    );
    return [...fitting][Math.min(search.older, fitting.size - 1)] ?? null;
  }

  private next(): void {
    if (this.search === null) {
      this.search = { before: this.options.line.line, older: 0 };
      this.replace("");
    } else this.search.older++;
    this.show();
  }

  private show(): void {
    const { line } = this.options;
    const what = line.line === "" ? "" : ` [${this.found() ?? "nothing"}]`;
    line.setPrompt(`search${what}: `);
    line.prompt(true);
  }

  private end(text: string): void {
    const { line, prompt } = this.options;
    this.search = null;
    line.setPrompt(prompt);
    this.replace(text);
    line.prompt(true);
  }

  private replace(text: string): void {
    const { line } = this.options;
    line.write(null, { ctrl: true, name: "e" });
    line.write(null, { ctrl: true, name: "u" });
    if (text !== "") line.write(text);
  }
}
