// A node that dialled a hostile hub: its TLS, the proof, the welcome, the directory, and all that a hub may say.

import { encodeFrame } from "../../../src/wire/frame.js";
import type { Random } from "../../support/random.js";
import { MAGIC } from "../magic.js";
import { broken, plausible, type Message } from "../message-mutator.js";
import { mutate, pick } from "../mutator.js";
import { createScript } from "../script.js";
import { cutOff, target } from "../target.js";
import { hostileHub } from "./stages.js";
import { OWN_ABILITIES } from "../../../src/wire/version.js";

const TALK_MAX = 400;

const PROOF: Message = {
  type: "proof",
  protocol: OWN_ABILITIES.protocol,
  software: "fuzz",
  key: MAGIC.key,
  signature: MAGIC.signature,
  challenge: MAGIC.challenge,
};
const WELCOME: Message = {
  ...{ type: "welcome", protocol: OWN_ABILITIES.protocol, software: "fuzz" },
  vnetid: 1,
  name: "a",
};
const NODE = { vnetid: 2, name: "b", key: MAGIC.challenge, encrypt: false };
const SERVE = {
  ...{ serveid: 12, vnetid: 2, name: "serve", type: "tcp", ip: "127.0.0.1" },
  ...{ port: 9, info: "", share: "exclusive" },
};
const DIRECTORY: Message = {
  ...{ type: "directory", nodes: [NODE], goneNodes: [], serves: [SERVE] },
  ...{ goneServes: [], complete: true },
};
const GONE: Message = {
  ...{ type: "directory", nodes: [], goneNodes: [2], serves: [] },
  ...{ goneServes: [{ serveid: 12, vnetid: 2 }], complete: true },
};
const WORDS: readonly Message[] = [
  DIRECTORY,
  DIRECTORY,
  GONE,
  { type: "registered", request: 1, serveid: 700 },
  { type: "refused", request: 1, reason: "no" },
  { type: "leg", request: 1, ticket: "00".repeat(16) },
  {
    ...{ type: "offer", ticket: "11".repeat(16), vnetid: 2, name: "b" },
    ...{ key: MAGIC.challenge, encrypt: false },
  },
  { type: "ping", request: 1 },
  { type: "pong", request: 1 },
];
const GOODBYE: Message = { type: "goodbye", code: "limit", reason: "full" };

function talk(random: Random): Buffer[] {
  const steps: Buffer[] = [];
  for (const message of [PROOF, WELCOME, DIRECTORY]) {
    if (random.chance(0.97)) steps.push(encodeFrame(message));
    else if (random.chance(0.5)) steps.push(plausible(random, message));
    else steps.push(broken(random, message, pick(random, WORDS)));
  }
  for (let left = random.between(0, TALK_MAX); left > 0; left--)
    steps.push(plausible(random, pick(random, WORDS)));
  const last = random.between(0, 9);
  if (last === 0) steps.push(plausible(random, GOODBYE));
  else if (last === 1) steps.push(encodeFrame(PROOF));
  else steps.push(broken(random, pick(random, WORDS), pick(random, WORDS)));
  return steps;
}

/** A server's first flight of TLS that is none. */
const SERVER_HELLO = Buffer.from(
  `160303007a020000760303${"cd".repeat(32)}20${"ef".repeat(32)}1301000020002b00020304003300240001d00020${"aa".repeat(32)}`,
  "hex",
);

export const nodeHubTarget = target({
  name: "node-hub",
  about: "a node that dialled a hostile hub",
  stage: hostileHub,
  width: 8,
  lingerMs: 20,
  script: (random) => {
    const way = pick(random, [
      ...["link", "link", "link", "link", "link", "link", "link"],
      ...["tls", "leg", "leg"],
    ]);
    if (way === "link") return createScript(random, talk(random), { way });
    const noise = random.bytes(60);
    return createScript(random, [mutate(random, SERVER_HELLO, noise)], { way });
  },
  connect: async (stage, { way }) => {
    const socket = await (way === "leg" && stage.hasLegs
      ? stage.nextLeg()
      : stage.nextLink());
    if (way !== "link")
      return { duplex: socket, meaning: [], close: () => cutOff(socket) };
    const secured = await stage.secure(socket);
    // Not by a reset under it: TLS would keep the socket's handle.
    return { ...secured, close: () => secured.duplex.destroy() };
  },
});
