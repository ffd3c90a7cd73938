// One user's connection at the HTTP front: its requests one after the other, and its connection to the service.
// Bounds how long it may be idle and how much of it may wait; ends when either side does, and what breaks on one side
// breaks on the other. There is no deadline for an answer: it may be a long poll. The user who gives up ends it.

import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import { networkReason } from "../net/address.js";
import { pump } from "../net/pump.js";
import { reset } from "../net/reset.js";
import {
  informationHead,
  ownAnswer,
  switchingHead,
  userFraming,
  userHead,
  type Answer,
} from "./answer.js";
import { BodyReader, lastChunk, writePiece, type Framing } from "./body.js";
import { badAnswer, badRequest, HttpFault } from "./fault.js";
import { HeadReader, valuesOf, type Head, type Header } from "./head.js";
import { Outbox } from "./outbox.js";
import {
  checkHost,
  onwardHead,
  passingTrailers,
  readRequest,
  REQUEST_LINE,
  type Request,
  type Route,
} from "./request.js";
import { ServiceConnection, type Asker } from "./service-connection.js";

export interface VisitLimits {
  /** from the start or the last answer to the end of a request's head */
  idleMs: number;
  /** from our end, and again from when it was taken, to the user's end; more for what may still be on its way to him */
  lingerMs: number;
  /** the same, however much was said */
  lingerMaxMs: number;
  /** from an answer to the end of the request's body, or to its next piece where the service takes it */
  bodyMs: number;
  /** until what was written before a break has left */
  breakMs: number;
}

export interface VisitOptions {
  /** the front's end of the user's connection */
  user: Duplex;
  route: Route;
  /** Rejects with VnetError; has a deadline of its own. */
  dial: () => Promise<Duplex>;
  limits: VisitLimits;
  onClose: () => void;
}

/** Of what a user sends ahead: then he is not read on. */
const AHEAD_BYTES_MAX = 64 * 1024;

/**
 * What was said to a user may lie in the buffers of the systems on the way, where nobody sees whether he takes it. A reader
 * of this speed gets all of it.
 */
const SLOWEST_BYTES_PER_S = 1_024;

const EMPTY = Buffer.alloc(0);

/** A request that is being answered. */
interface Exchange {
  request: Request;
  /** of the request */
  body: BodyReader;
  /** its head has gone to the service */
  isAsked: boolean;
  /** of the answer to the user; null: its head has not come yet */
  answering: Framing | null;
  /** the answer is over */
  isAnswered: boolean;
  /** the service said 100, or bytes of the body came */
  isGoingOn: boolean;
  isLast: boolean;
}

export class HttpVisit implements Asker {
  private state: "open" | "ending" | "upgraded" | "over" = "open";
  private readonly heads = new HeadReader({
    ...{ starts: REQUEST_LINE, joinsFolded: false },
  });
  private input: Buffer = EMPTY;
  private hasEnded = false;
  private exchange: Exchange | null = null;
  private service: ServiceConnection | null = null;
  private readonly outbox: Outbox;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: VisitOptions) {
    const { user } = options;
    this.outbox = new Outbox(user);
    user.on("data", this.take);
    user.on("end", this.ended);
    user.on("drain", this.drained);
    user.on("error", () => undefined);
    user.on("close", () => {
      this.over();
      options.onClose();
    });
    this.wait(options.limits.idleMs);
  }

  /** Cuts both sides off. Idempotent. */
  destroy(): void {
    reset(this.options.user);
    this.over();
  }

  // Of the service: ------------------------------------------------------------------------------------------------

  onInformation(answer: Answer): void {
    const { exchange } = this;
    if (exchange === null || exchange.request.isOld) return;
    const { headers } = exchange.request;
    if (answer.status === 100) {
      if (valuesOf(headers, "expect").length === 0) return;
      exchange.isGoingOn = true;
    }
    this.outbox.addHead(informationHead(answer));
  }

  onAnswer(answer: Answer): void {
    const { exchange } = this;
    if (exchange === null) return;
    const { request, body } = exchange;
    exchange.answering = userFraming(answer, request);
    // Whether the body comes after all is the user's to know.
    const isUncertain =
      valuesOf(request.headers, "expect").length > 0 &&
      !(exchange.isGoingOn || body.isOver);
    exchange.isLast ||= isUncertain || exchange.answering.kind === "end";
    this.outbox.addHead(userHead(answer, request, exchange.isLast));
  }

  onData(piece: Buffer): void {
    const framing = this.exchange?.answering;
    if (framing == null) return;
    writePiece(framing, piece, (bytes) => {
      this.outbox.add(bytes);
    });
  }

  onEnd(trailers: readonly Header[], isKept: boolean): void {
    const { exchange } = this;
    if (exchange === null) return;
    if (exchange.answering?.kind === "chunks")
      this.outbox.add(lastChunk(passingTrailers(trailers)));
    // The service may want the rest of the request behind its answer (202): then the connection stays for that.
    if (!isKept) this.dropService(true);
    this.settle(exchange);
  }

  onSwitch(answer: Answer, rest: Buffer): void {
    const { exchange, service, options } = this;
    const { user } = options;
    if (exchange === null || service === null) return;
    const { request, body } = exchange;
    const isWanted =
      request.upgrade !== "" && (body.isOver || body.framing.kind === "length");
    if (!isWanted) {
      reset(service.duplex);
      this.onBroken(
        badAnswer("the service changes the protocol unasked"),
        false,
      );
      return;
    }
    this.state = "upgraded";
    clearTimeout(this.timer);
    this.outbox.addHead(switchingHead(answer));
    this.outbox.flush();
    user.pause();
    user.off("data", this.take).off("end", this.ended);
    user.off("drain", this.drained);
    if (rest.length > 0) service.duplex.unshift(rest);
    if (this.input.length > 0) user.unshift(this.input);
    this.input = EMPTY;
    pump(user, service.duplex, () => undefined);
  }

  onBroken(fault: HttpFault, isEnd: boolean): void {
    const { exchange, service } = this;
    this.service = null;
    if (exchange === null) return;
    if (exchange.answering !== null) this.breakOff();
    // As if the service had closed the user's connection, which it did: clients try again then. What was answered before
    // may still be on its way to a user, whom a reset would cost it.
    else if (service?.isReused === true && isEnd) this.end();
    else if (service?.isReused === true) this.breakOff();
    else this.answer(exchange, fault);
  }

  onReadOver(): void {
    if (!this.outbox.flush() && this.state === "open") this.service?.pause();
    this.advance();
  }

  // Of the user: ---------------------------------------------------------------------------------------------------

  private readonly take = (chunk: Buffer): void => {
    // What comes behind a last answer is nobody's.
    if (this.state !== "open") return;
    this.input =
      this.input.length === 0 ? chunk : Buffer.concat([this.input, chunk]);
    this.advance();
  };

  private readonly drained = (): void => {
    if (this.state === "open") this.service?.resume();
  };

  private readonly ended = (): void => {
    this.hasEnded = true;
    if (this.state === "open") this.advance();
  };

  /** The user sends no more, and all of it has been looked at. */
  private settleEnd(): void {
    const { exchange } = this;
    if (exchange === null && this.heads.isWithin)
      this.refuse(badRequest("half a request"));
    else if (exchange === null) this.end();
    else if (exchange.body.isOver) this.passEnd();
    else if (exchange.isAnswered) this.end();
    else this.destroy();
  }

  /** As far as it goes just now. */
  private advance(): void {
    const { user } = this.options;
    try {
      while (this.state === "open" && this.input.length > 0)
        if (!this.step()) break;
    } catch (error) {
      if (!(error instanceof HttpFault)) throw error;
      // Where an answer has begun, ours would be a part of it.
      const { exchange } = this;
      const isUnheard =
        exchange === null ||
        (exchange.answering === null && !exchange.isAnswered);
      if (isUnheard) this.refuse(error);
      else this.breakOff();
    }
    if (this.state !== "open") return;
    this.service?.outbox.flush();
    if (this.hasEnded && this.input.length === 0) this.settleEnd();
    else if (this.input.length > AHEAD_BYTES_MAX) user.pause();
    else if (user.isPaused()) user.resume();
  }

  /** False: it has to wait for something. */
  private step(): boolean {
    const { exchange, input } = this;
    if (exchange === null) {
      this.input = EMPTY;
      const found = this.heads.push(input);
      if (found === null) return false;
      this.input = found.rest;
      this.begin(found.head);
      return true;
    }
    const { body, isAsked, isAnswered } = exchange;
    const isFull = this.service?.duplex.writableNeedDrain === true;
    if (body.isOver || isFull || !(isAnswered || isAsked)) return false;
    exchange.isGoingOn = true;
    this.input = EMPTY;
    this.input = body.push(input, {
      onData: (piece) => {
        // Null: it has answered and wants no more.
        const { service } = this;
        if (service === null) return;
        if (isAnswered) this.timer?.refresh();
        writePiece(body.framing, piece, (bytes) => {
          service.outbox.add(bytes);
        });
      },
    });
    if (body.isOver) this.sent(exchange);
    if (body.isOver && isAnswered) this.next();
    return true;
  }

  private begin(head: Head): void {
    clearTimeout(this.timer);
    const request = readRequest(head);
    const { route } = this.options;
    checkHost(request, route);
    const exchange: Exchange = {
      ...{ request, body: new BodyReader(request.framing) },
      ...{ isAsked: false, answering: null, isAnswered: false },
      ...{ isGoingOn: false, isLast: request.isLast },
    };
    this.exchange = exchange;
    if (this.service !== null) {
      this.service.isReused = true;
      this.ask(exchange, this.service);
    } else void this.dial(exchange);
  }

  private async dial(exchange: Exchange): Promise<void> {
    try {
      const duplex = await this.options.dial();
      if (this.state !== "open" || this.exchange !== exchange) {
        reset(duplex);
        return;
      }
      this.service = new ServiceConnection(duplex, {
        onLost: () => {
          this.service = null;
          if (this.exchange === null) this.end();
          else this.advance();
        },
        onDrain: () => {
          this.advance();
        },
      });
      this.ask(exchange, this.service);
      this.advance();
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      if (this.state !== "open" || this.exchange !== exchange) return;
      const status = error.code === "timeout" ? 504 : 502;
      this.answer(exchange, new HttpFault(status, networkReason(error)));
      this.advance();
    }
  }

  private ask(exchange: Exchange, service: ServiceConnection): void {
    const { request } = exchange;
    const head = onwardHead(request, this.options.route);
    service.ask(head, request.method, this);
    exchange.isAsked = true;
    if (exchange.body.isOver) this.sent(exchange);
    service.outbox.flush();
  }

  /** The request has been sent, all of it. */
  private sent({ body }: Exchange): void {
    if (body.framing.kind === "chunks")
      this.service?.outbox.add(lastChunk(passingTrailers(body.trailers)));
    if (this.hasEnded) this.passEnd();
  }

  /** The user sends no more: told to the service as without the front, which may answer all the same, or give up. */
  private passEnd(): void {
    const { exchange, service } = this;
    if (exchange === null || service === null || this.input.length > 0) return;
    if (!exchange.isAsked || !exchange.body.isOver) return;
    service.outbox.flush();
    service.end();
  }

  /** An answer of our own in place of the service's. */
  private answer(exchange: Exchange, fault: HttpFault): void {
    const { request } = exchange;
    exchange.isLast ||= !exchange.body.isOver && !exchange.isGoingOn;
    const text = ownAnswer(fault, request.method, exchange.isLast);
    this.outbox.add(Buffer.from(text));
    this.dropService(false);
    this.settle(exchange);
  }

  /** Where one request is understood in two ways, so are those behind it: it is the last. */
  private refuse(fault: HttpFault): void {
    const method = this.exchange?.request.method ?? "GET";
    this.outbox.add(Buffer.from(ownAnswer(fault, method, true)));
    this.end();
  }

  /** An answer is over. */
  private settle(exchange: Exchange): void {
    exchange.isAnswered = true;
    const isEmpty = this.input.length === 0;
    if (exchange.isLast || (this.hasEnded && isEmpty)) this.end();
    else if (exchange.body.isOver) this.next();
    else {
      // The rest of the request is read all the same: for the service, or so that the user gets to the answer.
      this.outbox.flush();
      this.timer = setTimeout(() => {
        this.destroy();
      }, this.options.limits.bodyMs);
    }
  }

  private next(): void {
    this.exchange = null;
    clearTimeout(this.timer);
    this.outbox.flush();
    this.wait(this.options.limits.idleMs);
  }

  private wait(idleMs: number): void {
    this.timer = setTimeout(() => {
      this.end();
    }, idleMs);
  }

  /** In good order: our side ends, and the user's is read until it ends too. */
  private end(): void {
    const { user, limits } = this.options;
    if (this.state !== "open" || user.destroyed) return;
    this.outbox.flush();
    this.state = "ending";
    this.input = EMPTY;
    this.dropService(false);
    clearTimeout(this.timer);
    const slowestMs = (this.outbox.total / SLOWEST_BYTES_PER_S) * 1000;
    this.timer = setTimeout(
      () => {
        this.destroy();
      },
      Math.min(limits.lingerMs + slowestMs, limits.lingerMaxMs),
    );
    user.end(() => this.timer?.refresh());
    user.resume();
  }

  /** What was said before still leaves; then the user must not take half of it for the whole. */
  private breakOff(): void {
    const { user, limits } = this.options;
    if (this.state !== "open") return;
    this.outbox.flush();
    this.over();
    if (user.writableLength === 0) {
      reset(user);
      return;
    }
    const timer = setTimeout(() => {
      reset(user);
    }, limits.breakMs);
    user.write(EMPTY, () => {
      clearTimeout(timer);
      reset(user);
    });
    user.resume();
  }

  private over(): void {
    if (this.state !== "upgraded") this.dropService(false);
    this.state = "over";
    clearTimeout(this.timer);
    this.exchange = null;
    this.input = EMPTY;
  }

  private dropService(isOver: boolean): void {
    const { service } = this;
    this.service = null;
    if (isOver) service?.outbox.flush();
    service?.drop();
  }
}
