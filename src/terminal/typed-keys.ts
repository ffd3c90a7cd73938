// What a person types or pastes, on its way to readline: text of one read is inserted as a whole, with one redraw; control
// characters that are no keys are left out, as readline would write them to the screen. Made for one readline, and closed
// with it by its owner, the terminal.
//
//   input ──a read──→ text ──→ line.write      keys, escape sequences ──→ stream ──→ readline's own decoder

import type { Interface } from "node:readline";
import { PassThrough } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import type { Key } from "./history-search.js";

/** Ctrl-\ and Ctrl-], which mean nothing to readline, and all of C1: some terminals take U+009B for the begin of a sequence. */
const NO_KEYS = /[\u001c\u001d\u0080-\u009f]/g;
/** A run of text, or one key. A tab that more text follows is a blank in what was pasted; those at the end are keys. */
const PIECES = /[^\u0000-\u001f\u007f]+|[^]/g;
const INNER_TABS = /\t+(?=[^\t])/g;
const ESCAPE = "\u001b";

type Input = NodeJS.ReadableStream & { setRawMode?(isRaw: boolean): unknown };

export interface TypedKeysOptions {
  input: Input;
  /** A key, or a run of text, that readline has dealt with. */
  onKey: (key: Key) => void;
}

export class TypedKeys {
  /** readline's input; only keys come out of it */
  readonly stream: Input;
  private readonly decoder = new StringDecoder("utf8");
  private line: Interface | null = null;
  /** an escape sequence has begun, and is not decoded yet */
  private isInSequence = false;

  constructor(private readonly options: TypedKeysOptions) {
    const { input } = options;
    const stream = new PassThrough();
    this.stream = Object.assign(stream, {
      // What holds the process and the tty is the input itself.
      setRawMode: (isRaw: boolean) => input.setRawMode?.(isRaw),
      pause: () => (input.pause(), stream),
      resume: () => (input.resume(), stream),
    });
  }

  /** From now on its keys come. To be called when readline listens. */
  open(line: Interface): void {
    this.line = line;
    this.stream.on("keypress", this.onKeypress);
    this.options.input.on("data", this.onRead);
  }

  /** Idempotent. What was read and not dealt with is lost. */
  close(): void {
    this.line = null;
    this.options.input.off("data", this.onRead);
  }

  private readonly onKeypress = (_text: unknown, key?: Key) => {
    this.isInSequence = false;
    if (this.line !== null) this.options.onKey(key ?? {});
  };

  private readonly onRead = (read: Buffer | string) => {
    const text = typeof read === "string" ? read : this.decoder.write(read);
    const typed = text.replace(NO_KEYS, "").replace(INNER_TABS, " ");
    for (let at = 0; at < typed.length && this.line !== null;) {
      // A sequence is decoded character by character, whatever it is made of.
      PIECES.lastIndex = at;
      const piece = this.isInSequence
        ? String.fromCodePoint(typed.codePointAt(at) ?? 0)
        : (PIECES.exec(typed)?.[0] ?? "");
      at += piece.length;
      if (this.isInSequence || piece < " " || piece === "\u007f")
        this.press(piece);
      else this.insert(this.line, piece);
    }
  };

  private press(key: string): void {
    if (key === ESCAPE) this.isInSequence = true;
    this.stream.emit("data", Buffer.from(key));
  }

  private insert(line: Interface, text: string): void {
    line.write(text);
    // It may have been the end: U+2028 enters a line.
    if (this.line !== null) this.options.onKey({});
  }
}
