// The HTTP front of a serve with host=: what a user may ask, and what a service may answer.

import type { Duplex } from "node:stream";
import type { Random } from "../../support/random.js";
import { connectFrom } from "../member.js";
import { mutate, pick } from "../mutator.js";
import { createScript } from "../script.js";
import { cutOff, target } from "../target.js";
import { encryptedLan } from "./stages.js";

const lines = (...all: string[]) => Buffer.from(all.join("\r\n"), "latin1");

const REQUESTS = [
  lines("GET / HTTP/1.1", "Host: a", "", ""),
  lines(
    "GET /a?b=c HTTP/1.1",
    "Host: a",
    "Cookie: x=y",
    "TE: trailers",
    "",
    "",
  ),
  lines("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "", "hello"),
  lines(
    ...["PUT /x HTTP/1.1", "Host: a", "Transfer-Encoding: chunked"],
    ...["Trailer: X-Sum", "", "5", "hello", "0", "X-Sum: 1", "", ""],
  ),
  lines(
    ...["GET /ws HTTP/1.1", "Host: a", "Connection: Upgrade"],
    ...["Upgrade: websocket", "Sec-WebSocket-Key: AAAA", "", ""],
  ),
  lines(
    ...["POST / HTTP/1.1", "Host: a", "Expect: 100-continue"],
    ...["Content-Length: 3", "", "abc"],
  ),
  lines("OPTIONS * HTTP/1.1", "Host: a", "", ""),
  lines("GET http://other.example/x HTTP/1.1", "Host: a", "", ""),
  lines("GET / HTTP/1.0", "Connection: keep-alive", "", ""),
  lines("CONNECT a:443 HTTP/1.1", "Host: a:443", "", ""),
  lines(
    "GET / HTTP/1.1",
    "Host: a",
    "Connection: close, x-a",
    "X-A: 1",
    "",
    "",
  ),
  Buffer.from("BAN /\xe4 HTTP/1.1\nHost: a\nX-A: \xfc\n\n", "latin1"),
  lines(
    ...["POST /exec/1/start HTTP/1.1", "Host: a", "Connection: Upgrade"],
    ...["Upgrade: tcp", "Content-Length: 2", "", "{}ls"],
  ),
  lines("HEAD / HTTP/1.1", "Host: a", `X-Long: ${"x".repeat(5_000)}`, "", ""),
];
/** Those that are answered without an end of the connection. */
const QUIET_REQUESTS = REQUESTS.slice(0, 4);

const RESPONSES = [
  lines("HTTP/1.1 200 OK", "Content-Length: 5", "", "hello"),
  lines(
    ...["HTTP/1.1 200 OK", "Transfer-Encoding: chunked", "Trailer: X-Sum"],
    ...["", "5", "hello", "0", "X-Sum: 1", "", ""],
  ),
  lines("HTTP/1.1 204 No Content", "", ""),
  lines("HTTP/1.1 304 Not Modified", 'ETag: "a"', "", ""),
  lines("HTTP/1.0 200 OK", "", "until the end"),
  lines(
    ...["HTTP/1.1 103 Early Hints", "Link: </a>; rel=preload", ""],
    ...["HTTP/1.1 200 OK", "Content-Length: 0", "", ""],
  ),
  lines("HTTP/1.1 100 Continue", "", "HTTP/1.1 200 OK", "", "x"),
  lines(
    ...["HTTP/1.1 101 Switching Protocols", "Connection: Upgrade"],
    ...["Upgrade: websocket", "", "frames"],
  ),
  lines("HTTP/1.1 502 Bad Gateway", "Connection: close", "", "sorry"),
  Buffer.from("HTTP/1.1 200 OK\nX-A: b\n c\nContent-Length: 2\n\nok"),
  lines("HTTP/1.1 200 OK", "Set-Cookie: a=b", "Set-Cookie: c=d", "", "x"),
];

/** Those after which the next request may come on the same connection. */
const QUIET_RESPONSES = RESPONSES.slice(0, 4);
const MAX_QUIET = 20;
const TURN_MS = 300;

/** So many quiet ones, then one that is not. */
function talk(
  random: Random,
  count: number,
  quiet: readonly Buffer[],
  all: readonly Buffer[],
): Buffer[] {
  const steps = Array.from({ length: count }, () => pick(random, quiet));
  const [a, b] = [pick(random, all), pick(random, all)];
  return [...steps, mutate(random, a, b)];
}

function requests(random: Random): Buffer[] {
  const count = random.between(0, MAX_QUIET);
  return talk(random, count, QUIET_REQUESTS, REQUESTS);
}

function responses(random: Random, way: string): Buffer[] {
  const count = way === "upgrade" ? 0 : random.between(0, MAX_QUIET);
  return talk(random, count, QUIET_RESPONSES, RESPONSES);
}

/** Each of the service's turns: the next request on that connection, or none within a moment. The first one has come. */
function turnsOf(service: Duplex): () => Promise<void> {
  let ahead = 0;
  let asked: (() => void) | undefined;
  const come = () => {
    ahead++;
    asked?.();
  };
  service.on("data", come).on("close", come);
  return async () => {
    if (ahead === 0)
      await new Promise<void>((resolve) => {
        asked = resolve;
        setTimeout(resolve, TURN_MS);
      });
    ahead = 0;
  };
}

export const httpTargets = [
  target({
    name: "http-request",
    about: "the HTTP front (host=), from a user's side",
    stage: encryptedLan,
    width: 24,
    lingerMs: 100,
    script: (random) =>
      createScript(random, requests(random), { isPatient: true }),
    connect: async ({ httpUse }) => {
      const duplex = await connectFrom(httpUse);
      return { duplex, meaning: [], close: () => cutOff(duplex) };
    },
  }),
  target({
    name: "http-response",
    about: "the HTTP front (host=), from the service's side",
    stage: encryptedLan,
    width: 64,
    lingerMs: 100,
    script: (random) => {
      const way = random.chance(0.2) ? "upgrade" : "";
      return createScript(random, responses(random, way), {
        way,
        isPatient: true,
      });
    },
    connect: async (stage, { way, steps }, index) => {
      const taken = stage.takeByHand(String(index));
      taken.catch(() => undefined);
      const user = await connectFrom(stage.httpUse);
      user.resume();
      const upgrade =
        way === "upgrade"
          ? "Connection: Upgrade\r\nUpgrade: websocket\r\n"
          : "";
      const more = "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(steps.length - 1);
      user.write(
        `GET /by-hand/${index} HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n${more}`,
      );
      const duplex = await taken.catch((error: unknown) => {
        cutOff(user);
        throw error;
      });
      const close = () => {
        cutOff(duplex);
        cutOff(user);
      };
      return { duplex, meaning: [], turn: turnsOf(duplex), close };
    },
  }),
];
