// One user's connection at the HTTP front: its requests one after the other, and its connection to the service.
// Bounds how long it may be idle and how many requests may wait; ends when either side does.

import http from "node:http";
import type { Duplex } from "node:stream";
import { answer, exchange } from "./http-exchange.js";
import { refusalOf, type Refusal, type Route } from "./http-headers.js";
import { pump } from "./pump.js";
import { reset } from "./reset.js";
import { ServiceAgent } from "./service-agent.js";

export interface VisitLimits {
  /** from the start or the last response to the end of a request's headers */
  idleMs: number;
  /** from our last byte to the user's; what we said may still be on its way to a slow reader */
  lingerMs: number;
  /** from a response to the end of the request's body, which came too late for it */
  bodyMs: number;
  /** requests that a user sent without waiting for the responses before them */
  waitingMax: number;
}

export interface VisitOptions {
  /** the front's end of the user's connection */
  user: Duplex;
  route: Route;
  dial: () => Promise<Duplex>;
  limits: VisitLimits;
  onClose: () => void;
}

interface Pending {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  refusal: Refusal | null;
}

export class HttpVisit {
  private state: "open" | "ending" | "upgraded" = "open";
  private readonly agent: ServiceAgent;
  private timer: NodeJS.Timeout | undefined;
  /** requests that came and are not over; only the first one is with the service */
  private readonly pending: Pending[] = [];
  /** no further request is taken */
  private isFull = false;
  private onward: http.ClientRequest | null = null;

  constructor(private readonly options: VisitOptions) {
    this.agent = new ServiceAgent(options.dial, () => {
      if (this.pending.length === 0) this.end();
    });
    const { user } = options;
    user.on("error", () => undefined);
    user.on("end", () => {
      this.passEnd();
    });
    user.on("close", () => {
      clearTimeout(this.timer);
      this.agent.destroy();
      options.onClose();
    });
    this.wait(options.limits.idleMs);
  }

  /** A request; it is passed on when those before it are over. */
  take(request: http.IncomingMessage, response: http.ServerResponse): void {
    // What comes behind a last response is nobody's.
    if (this.state !== "open" || this.isFull) return;
    clearTimeout(this.timer);
    // Node's parser may lose what came behind an offer that is not taken.
    if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false;
    const isTooMany = this.pending.length >= this.options.limits.waitingMax;
    const refusal = isTooMany
      ? { status: 503, reason: "too many requests at once on one connection" }
      : refusalOf(request);
    this.pending.push({ request, response, refusal });
    if (isTooMany) this.stopReading();
    if (this.pending.length === 1) this.serveNext();
  }

  /** A request that wants to change the protocol; `head`: what came behind it. */
  upgrade(request: http.IncomingMessage, protocol: string, head: Buffer): void {
    const { user, route } = this.options;
    if (this.state === "ending") {
      // Node does not read it any more.
      user.resume();
      return;
    }
    if (this.state !== "open" || this.pending.length > 0) {
      reset(user);
      return;
    }
    clearTimeout(this.timer);
    // For a service that does not want to: Node makes no response for such a request.
    const response = new http.ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(user as never);
    response.on("finish", () => {
      this.end();
    });
    const refusal = refusalOf(request);
    if (refusal !== null) {
      this.refuse(response, refusal);
      return;
    }
    const { agent } = this;
    const onward = exchange({
      request,
      response,
      agent,
      route,
      upgrade: protocol,
    });
    onward?.on("upgrade", (switched, service, serviceHead) => {
      this.state = "upgraded";
      response.detachSocket(user as never);
      user.write(switchingOf(switched), "latin1");
      if (serviceHead.length > 0) service.unshift(serviceHead);
      pump(user, service, () => undefined);
    });
    if (head.length > 0) user.unshift(head);
  }

  /** The user's bytes are not HTTP. */
  misunderstood(error: NodeJS.ErrnoException): void {
    const { user } = this.options;
    // Bytes behind a request that was to be the last: nobody's.
    const isBehindLast =
      error.code === "HPE_CLOSED_CONNECTION" ||
      (this.isFull && error.code !== undefined);
    if (this.state !== "open" || isBehindLast) return;
    if (this.pending.length > 0 || !user.writable) {
      reset(user);
      return;
    }
    const isLarge = error.code === "HPE_HEADER_OVERFLOW";
    const status = isLarge ? 431 : 400;
    const text = `${status} ${http.STATUS_CODES[status] ?? ""}: ${isLarge ? "the headers are too large" : "this is not a valid HTTP request"}\n`;
    user.write(
      `HTTP/1.1 ${status} ${http.STATUS_CODES[status] ?? ""}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    );
    this.end();
  }

  /** Cuts both sides off. Idempotent. */
  destroy(): void {
    reset(this.options.user);
  }

  private serveNext(): void {
    const [next] = this.pending;
    if (next === undefined) return;
    const { request, response, refusal } = next;
    response.once("close", () => {
      this.pending.shift();
      this.onward = null;
      this.settle(request);
    });
    if (refusal !== null) {
      this.refuse(response, refusal);
      return;
    }
    const { agent } = this;
    const { route, user } = this.options;
    this.onward = exchange({ request, response, agent, route });
    if (user.readableEnded) this.passEnd();
  }

  /** Where one request is understood in two ways, so are those behind it: it is the last. */
  private refuse(response: http.ServerResponse, refusal: Refusal): void {
    response.shouldKeepAlive = false;
    answer(response, refusal.status, refusal.reason);
    this.end();
  }

  /** The user sends no more: told to the service as without the front, which may answer all the same, or give up. */
  private passEnd(): void {
    const { onward } = this;
    if (onward === null || this.pending.length > 1) return;
    const end = () => onward.socket?.end();
    if (onward.writableFinished) end();
    else onward.once("finish", end);
  }

  /** A response is over. */
  private settle(request: http.IncomingMessage): void {
    const { user, limits } = this.options;
    if (this.state !== "open" || user.destroyed) return;
    if (user.writableEnded) this.end();
    else if (this.pending.length > 0) this.serveNext();
    else if (request.complete) this.wait(limits.idleMs);
    else this.drain(request);
  }

  /** The response came before the end of the request's body, which has to be over before the next request. */
  private drain(request: http.IncomingMessage): void {
    const { limits } = this.options;
    this.timer = setTimeout(() => {
      this.destroy();
    }, limits.bodyMs);
    request.once("end", () => {
      if (this.state !== "open" || this.pending.length > 0) return;
      clearTimeout(this.timer);
      this.wait(limits.idleMs);
    });
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
    this.state = "ending";
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.destroy();
    }, limits.lingerMs);
    user.end();
    this.stopReading();
  }

  /** The parser would go on, and collect requests that nobody answers. */
  private stopReading(): void {
    const { user } = this.options;
    this.isFull = true;
    user.removeAllListeners("data");
    user.resume();
  }
}

function switchingOf({ statusMessage, rawHeaders }: http.IncomingMessage) {
  const lines = [`HTTP/1.1 101 ${statusMessage ?? "Switching Protocols"}`];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    lines.push(`${rawHeaders[at] ?? ""}: ${rawHeaders[at + 1] ?? ""}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}
