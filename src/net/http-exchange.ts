// One request of a user and the service's response to it, passed on as they come: bodies are streamed in both
// directions, whichever side is full stops the other, and what breaks on one side breaks on the other.
// There is no deadline for a response: it may be a long poll. The user who gives up ends it.

import http from "node:http";
import { VnetError } from "../errors.js";
import { networkReason } from "./address.js";
import {
  hasBody,
  hasTooManyHeaders,
  isChunked,
  requestHeaders,
  responseHeaders,
  targetOf,
  trailersOf,
  type Route,
} from "./http-headers.js";
import { reset } from "./reset.js";

/** Of a request, of a response, of trailers; as much as any server takes. */
export const HEADER_BYTES_MAX = 64 * 1024;

export interface ExchangeOptions {
  request: http.IncomingMessage;
  response: http.ServerResponse;
  agent: http.Agent;
  route: Route;
  /** the protocol that the user's connection is to change to */
  upgrade?: string;
}

/** The request to the service, for what only the caller knows to do with it. Its errors are dealt with here. */
export function exchange(options: ExchangeOptions): http.ClientRequest | null {
  const { request, response } = options;
  const onward = createRequest(options);
  if (onward === null) return null;
  let answered = false;
  onward.on("continue", () => {
    if (request.headers.expect !== undefined) response.writeContinue();
  });
  onward.on("information", (information) => {
    passInformation(information, response);
  });
  onward.on("response", (answer) => {
    answered = true;
    passResponse(answer, response, request.httpVersion !== "1.0");
  });
  onward.on("error", (cause) => {
    // A response that breaks off tells so itself.
    if (answered || response.closed) return;
    // As if the service had closed the user's connection, which it did: clients try again then.
    if (onward.reusedSocket) response.destroy();
    else {
      const status = isTimeout(cause) ? 504 : 502;
      answer(response, status, reasonOf(cause));
    }
  });
  response.on("close", () => {
    if (response.writableFinished) {
      if (request.complete) return;
      // The service answered before the body was over. The rest is read all the same, so that the user gets to it.
      request.unpipe(onward);
      request.resume();
    }
    if (onward.socket !== null) reset(onward.socket);
    onward.destroy();
  });
  passRequest(request, onward);
  return onward;
}

/** A response of our own: one line of text. */
export function answer(
  response: http.ServerResponse,
  status: number,
  reason: string,
): void {
  if (response.headersSent || response.closed) {
    response.destroy();
    return;
  }
  const phrase = http.STATUS_CODES[status] ?? "";
  const text = `${status} ${phrase}: ${reason}\n`;
  // Said in any case: a phrase of the service's that Node refused to write would still stand there, and be refused again.
  response.writeHead(status, phrase, {
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}

function createRequest(options: ExchangeOptions): http.ClientRequest | null {
  const { request, response, agent, route, upgrade } = options;
  try {
    const onward = http.request({
      agent,
      method: request.method,
      path: targetOf(request)?.path,
      headers: requestHeaders(request, route, upgrade),
      maxHeaderSize: HEADER_BYTES_MAX,
      insecureHTTPParser: false,
    });
    // Bytes are what is bounded. A bound of their number would drop the rest without a word.
    onward.maxHeadersCount = 0;
    return onward;
  } catch (error) {
    answer(response, 400, (error as Error).message);
    return null;
  }
}

function passRequest(
  request: http.IncomingMessage,
  onward: http.ClientRequest,
): void {
  if (!hasBody(request)) {
    onward.end();
    return;
  }
  request.on("error", () => undefined);
  request.on("end", () => {
    if (isChunked(request)) onward.addTrailers(trailersOf(request));
  });
  request.pipe(onward);
  // The service may have something to say before the body comes.
  flushSoon(onward);
}

function passResponse(
  from: http.IncomingMessage,
  to: http.ServerResponse,
  isForChunks: boolean,
): void {
  // At its end it may belong to nobody any more.
  const { socket: connection } = from;
  from.on("error", () => undefined);
  from.on("close", () => {
    // The user must not take half of it for the whole.
    if (!from.complete) to.destroy();
  });
  const { statusCode = 502, statusMessage = "" } = from;
  try {
    if (hasTooManyHeaders(from)) throw new Error("too many headers");
    if (from.headers["transfer-encoding"] !== undefined && !isChunked(from))
      throw new Error("a transfer coding other than chunked");
    const headers = responseHeaders(from, isForChunks);
    to.writeHead(statusCode, statusMessage, headers);
  } catch (error) {
    const reason = `the service's response cannot be passed on: ${(error as Error).message}`;
    answer(to, 502, reason);
    from.destroy();
    return;
  }
  from.on("end", () => {
    // Node takes whatever ends the connection for the end of an answer that lasts as long.
    if (connection.errored !== null) to.destroy();
    else if (isForChunks) to.addTrailers(trailersOf(from));
  });
  from.pipe(to);
  flushSoon(to);
}

/** 102 and 103; 100 has an event of its own. */
function passInformation(
  { statusCode, headers }: http.InformationEvent,
  response: http.ServerResponse,
): void {
  if (response.req.httpVersion === "1.0" || response.headersSent) return;
  if (statusCode === 102) response.writeProcessing();
  const { link } = headers;
  if (statusCode !== 103 || link === undefined) return;
  try {
    response.writeEarlyHints({ link });
  } catch {
    // Hints that Node does not take for such are left out; the response follows all the same.
  }
}

/** Headers leave together with the first of the body, but do not wait for it. */
function flushSoon(message: http.OutgoingMessage): void {
  setImmediate(() => {
    if (!message.destroyed && !message.writableEnded) message.flushHeaders();
  });
}

function isTimeout(cause: Error): boolean {
  return cause instanceof VnetError && cause.code === "timeout";
}

function reasonOf(cause: NodeJS.ErrnoException): string {
  if (cause instanceof VnetError) return cause.message;
  if (cause.code?.startsWith("HPE_") === true)
    return "what the service answered is not HTTP";
  if (cause.code === "ECONNRESET")
    return "the service closed the connection without a response";
  return networkReason(cause);
}
