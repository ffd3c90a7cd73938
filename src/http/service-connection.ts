// A connection to the service: carries one request at a time and reads the answer to it. Owns the connection.
// Never shared between users: it belongs to one user's visit.

import type { Duplex } from "node:stream";
import { networkReason } from "../net/address.js";
import { reset } from "../net/reset.js";
import { hearOut } from "../net/socket-handle.js";
import { readAnswer, STATUS_LINE, type Answer } from "./answer.js";
import { BodyReader } from "./body.js";
import { badAnswer, HttpFault } from "./fault.js";
import { HEAD_BYTES_MAX, HeadReader, type Header } from "./head.js";
import { Outbox } from "./outbox.js";

/** Who asked. After onEnd, onSwitch or onBroken nothing more is told. */
export interface Asker {
  onInformation(answer: Answer): void;
  onAnswer(answer: Answer): void;
  onData(piece: Buffer): void;
  /** `isKept`: it may carry the next request. */
  onEnd(trailers: readonly Header[], isKept: boolean): void;
  /** It is no HTTP any more; `rest` came behind the head. The connection is the asker's now. */
  onSwitch(answer: Answer, rest: Buffer): void;
  /** `isEnd`: in good order, between two answers. */
  onBroken(fault: HttpFault, isEnd: boolean): void;
  /** All that came in this moment has been told. */
  onReadOver(): void;
}

export interface ServiceOwner {
  /** It ended while nobody asked. */
  onLost(): void;
  /** After the outbox was full: also behind an answer, for the rest of its request. */
  onDrain(): void;
}

const EVENTS = ["data", "end", "error", "close", "drain"] as const;

export class ServiceConnection {
  readonly outbox: Outbox;
  /** It has carried a request before. */
  isReused = false;
  private asker: Asker | null = null;
  private method = "";
  private readonly heads = new HeadReader({
    ...{ starts: STATUS_LINE, joinsFolded: true },
  });
  private answer: Answer | null = null;
  private body: BodyReader | null = null;

  constructor(
    readonly duplex: Duplex,
    private readonly owner: ServiceOwner,
  ) {
    // An answer that lasts to the end of its connection would look whole after a reset; and the answer of a service that
    // wants no more of a request would be lost.
    hearOut(duplex);
    this.outbox = new Outbox(duplex);
    duplex.on("data", (chunk: Buffer) => {
      this.read(chunk);
    });
    duplex.on("end", () => {
      this.ended();
    });
    duplex.on("error", (cause: NodeJS.ErrnoException) => {
      this.broke(
        cause.code === "ECONNRESET" && this.answer === null
          ? this.unanswered
          : networkReason(cause),
      );
    });
    duplex.on("close", () => {
      this.broke(this.unanswered);
    });
    duplex.on("drain", () => {
      owner.onDrain();
    });
  }

  /** The request's head is put into the outbox. */
  ask(head: string, method: string, asker: Asker): void {
    this.asker = asker;
    this.method = method;
    this.outbox.addHead(head);
  }

  pause(): void {
    this.duplex.pause();
  }

  resume(): void {
    this.duplex.resume();
  }

  /** The user sends no more. */
  end(): void {
    this.duplex.end();
  }

  /** Nothing of it is wanted any more. Idempotent. */
  drop(): void {
    const isWithin = this.asker !== null;
    this.asker = null;
    this.forget();
    if (isWithin) reset(this.duplex);
    else this.duplex.destroy();
  }

  private get unanswered(): string {
    return this.heads.isWithin
      ? "the service closed the connection within the headers of its answer"
      : "the service closed the connection without a response";
  }

  private read(chunk: Buffer): void {
    const { asker } = this;
    if (asker === null) {
      // Bytes that nobody asked for would be taken for the answer to the next request.
      this.lose();
      return;
    }
    try {
      let rest = chunk;
      while (rest.length > 0 && this.asker === asker)
        rest = this.take(rest, asker);
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      this.broke(reasonOf(error));
    }
    asker.onReadOver();
  }

  private take(bytes: Buffer, asker: Asker): Buffer {
    if (this.body === null) {
      const found = this.heads.push(bytes);
      if (found === null) return EMPTY;
      const answer = readAnswer(found.head, this.method);
      if (answer.status === 101) {
        this.forget();
        asker.onSwitch(answer, found.rest);
        return EMPTY;
      }
      if (answer.status < 200) asker.onInformation(answer);
      else {
        this.answer = answer;
        this.body = new BodyReader(answer.framing, true);
        asker.onAnswer(answer);
        if (this.body.isOver) return this.finish(found.rest, asker);
      }
      return found.rest;
    }
    const rest = this.body.push(bytes, asker);
    return this.body.isOver ? this.finish(rest, asker) : rest;
  }

  private finish(rest: Buffer, asker: Asker): Buffer {
    if (this.asker !== asker) return EMPTY;
    const { answer, body } = this;
    this.asker = this.answer = this.body = null;
    const isKept = answer?.isKept === true && rest.length === 0;
    asker.onEnd(body?.trailers ?? [], isKept);
    return EMPTY;
  }

  private ended(): void {
    const { asker } = this;
    if (asker === null) this.lose();
    else if (this.answer?.framing.kind === "end") {
      this.finish(EMPTY, asker);
      asker.onReadOver();
    } else
      this.broke(this.unanswered, this.answer === null && !this.heads.isWithin);
  }

  private broke(reason: string, isEnd = false): void {
    const { asker } = this;
    if (asker === null) {
      this.lose();
      return;
    }
    this.asker = null;
    this.forget();
    reset(this.duplex);
    asker.onBroken(badAnswer(reason), isEnd);
    // Nothing more comes that would make him go on with what his user sends.
    asker.onReadOver();
  }

  private lose(): void {
    this.forget();
    this.duplex.destroy();
    this.owner.onLost();
  }

  private forget(): void {
    const { duplex } = this;
    for (const event of EVENTS) duplex.removeAllListeners(event);
    duplex.on("error", () => undefined);
    duplex.pause();
  }
}

const EMPTY = Buffer.alloc(0);

function reasonOf({ status, reason }: HttpFault): string {
  if (status === 502) return reason;
  if (status === 431)
    return `the headers of the service's answer are larger than ${HEAD_BYTES_MAX / 1024} KiB, or too many`;
  return `what the service answered is not HTTP: ${reason}`;
}
