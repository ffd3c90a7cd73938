// What may stand in front of the hub's port, and its public ports.

import type { Random } from "../../support/random.js";
import { connectFrom } from "../member.js";
import { mutate, pick } from "../mutator.js";
import { createScript } from "../script.js";
import { CONNECT_LINE, PROXY_LINE } from "../stages/front.js";
import { cutOff, target, type Target } from "../target.js";
import { front } from "./stages.js";

const SIGNATURE = "0d0a0d0a000d0a515549540a";
const v2 = (rest: string) => Buffer.from(SIGNATURE + rest, "hex");

const PROXY_HEADERS = [
  Buffer.from(PROXY_LINE),
  Buffer.from("PROXY UNKNOWN\r\n"),
  Buffer.from("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n"),
  Buffer.from("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"),
  v2("2111000cc0000201c00002029c401e45"),
  v2(
    "21210024" +
      "20010db8".padEnd(32, "0") +
      "20010db8".padEnd(32, "1") +
      "9c401e45",
  ),
  v2("20000000"),
  v2("2131001b" + "61".repeat(27)),
];
const CONNECT_LINES = ["CONNECT 0\n", CONNECT_LINE, "CONNECT 4294967295\n"];
const USERS = [
  Buffer.from("hello"),
  Buffer.from("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
  Buffer.from("vnet-le"),
  Buffer.from("vnet-leg" + "x".repeat(16)),
  Buffer.from("160303002a0100002603", "hex"),
  Buffer.alloc(3_000, "x"),
];

/** of a user whom nothing stands in front of */
const MAX_STEPS = 20;

function user(random: Random): Buffer {
  const words = pick(random, USERS);
  return random.chance(0.5) ? words : mutate(random, words, words);
}

function atHubPort(
  name: string,
  about: string,
  words: (random: Random) => Buffer,
): Target {
  return target({
    ...{ name, about, stage: front, width: 200, lingerMs: 20 },
    script: (random) => createScript(random, [words(random)]),
    connect: async ({ hubPort }) => {
      const duplex = await connectFrom(hubPort);
      return { duplex, meaning: [], close: () => cutOff(duplex) };
    },
  });
}

export const frontTargets = [
  atHubPort("proxy-header", "a hub's PROXY header", (random) => {
    const [a, b] = [pick(random, PROXY_HEADERS), pick(random, PROXY_HEADERS)];
    return Buffer.concat([
      mutate(random, a, b),
      Buffer.from(pick(random, CONNECT_LINES)),
      user(random),
    ]);
  }),
  atHubPort("connect-line", "a hub's CONNECT line", (random) => {
    const line = Buffer.from(pick(random, CONNECT_LINES));
    return Buffer.concat([
      pick(random, PROXY_HEADERS),
      mutate(random, line, pick(random, USERS)),
      user(random),
    ]);
  }),
  atHubPort("shared-port", "a public port that is the hub's own", (random) =>
    Buffer.concat([
      pick(random, PROXY_HEADERS),
      Buffer.from(pick(random, CONNECT_LINES)),
      mutate(random, pick(random, USERS), pick(random, USERS)),
    ]),
  ),
  target({
    name: "public-port",
    about: "a public port of its own",
    stage: front,
    width: 96,
    lingerMs: 100,
    script: (random) =>
      createScript(
        random,
        Array.from({ length: random.between(1, MAX_STEPS) }, () =>
          user(random),
        ),
        { isPatient: true },
      ),
    connect: async ({ publicPort }) => {
      const duplex = await connectFrom(publicPort);
      return { duplex, meaning: [], close: () => cutOff(duplex) };
    },
  }),
];
