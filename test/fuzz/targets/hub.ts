// The hub's own port, in the order in which a connection gets on: unknown, encrypted, a member, a leg.

import { encodeLegPreamble } from "../../../src/wire/preamble.js";
import type { Random } from "../../support/random.js";
import { recordClientHello } from "../../support/client-hello.js";
import { openClientKey } from "../../support/link-key.js";
import { MAGIC_TICKET } from "../magic.js";
import { connectBare, connectFrom, HELLO } from "../member.js";
import { broken, plausible, type Message } from "../message-mutator.js";
import { mutate, pick } from "../mutator.js";
import { createScript } from "../script.js";
import { cutOff, target } from "../target.js";
import { encryptedLan } from "./stages.js";

/** What a client says first; the hub has no memory of it, so it may be said again and again. */
const clientHello = await recordClientHello(await openClientKey());

const FIRST_WORDS = [
  clientHello,
  clientHello,
  clientHello,
  encodeLegPreamble("00".repeat(16)),
  Buffer.from("GET / HTTP/1.1\r\nHost: hub\r\n\r\n"),
  Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"),
  Buffer.from("vnet-ctl"),
  Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
  // An alert, application data and an empty record of TLS.
  Buffer.from("15030300020100" + "1703030005aabbccddee" + "1603030000", "hex"),
];

const SERVE = {
  ...{ name: "a", type: "tcp", ip: "127.0.0.1", port: 9, info: "" },
  share: "exclusive",
};

/** A member's whole life, one of each. */
const MEMBER_WORDS: readonly Message[] = [
  { type: "register", request: 1, serveid: 0, serve: SERVE },
  { type: "register", request: 1, serveid: 7, serve: SERVE },
  { type: "update", serveid: 7, serve: SERVE },
  { type: "unregister", serveid: 7 },
  { type: "channel", request: 2, vnetid: 1 },
  { type: "ping", request: 5 },
  { type: "pong", request: 6 },
];

/** The longest that a member speaks before it goes too far. */
const TALK_MAX = 120;

function addressOf(random: number): string {
  return `127.${1 + (random % 200)}.${(random >>> 8) % 250}.${1 + ((random >>> 16) % 250)}`;
}

function talk(random: Random, hello: Message): Buffer[] {
  const steps: Buffer[] = [];
  if (random.chance(0.9)) steps.push(plausibleHello(random, hello));
  else steps.push(broken(random, hello, pick(random, MEMBER_WORDS)));
  for (let left = random.between(0, TALK_MAX); left > 0; left--)
    steps.push(plausible(random, pick(random, MEMBER_WORDS)));
  const [a, b] = [pick(random, MEMBER_WORDS), pick(random, MEMBER_WORDS)];
  steps.push(random.chance(0.05) ? helloFrame(hello) : broken(random, a, b));
  return steps;
}

function plausibleHello(random: Random, hello: Message): Buffer {
  if (random.chance(0.9)) return helloFrame(hello);
  const { key, proof, group } = hello;
  const varied = plausible(random, { ...hello, type: "hello" });
  // With another key it would be the last word; in another group it would be alone.
  const fields = JSON.parse(varied.toString("utf8", 4)) as Message;
  return helloFrame({ ...fields, key, proof, group });
}

function helloFrame(hello: Message): Buffer {
  const body = Buffer.from(JSON.stringify(hello));
  const frame = Buffer.alloc(4 + body.length);
  frame.writeUInt32BE(body.length);
  body.copy(frame, 4);
  return frame;
}

export const hubTargets = [
  target({
    name: "hub-port",
    about: "the hub's port, from somebody who has no key",
    stage: encryptedLan,
    width: 200,
    lingerMs: 20,
    script: (random) => {
      const [words, donor] = [
        pick(random, FIRST_WORDS),
        pick(random, FIRST_WORDS),
      ];
      return createScript(random, [mutate(random, words, donor)]);
    },
    connect: async (stage, _script, index) => {
      const from = addressOf(Math.imul(index + 1, 0x9e37_79b1) >>> 0);
      const duplex = await connectFrom(stage.hubPort, from);
      return { duplex, meaning: [], close: () => cutOff(duplex) };
    },
  }),
  target({
    name: "hub-hello",
    about: "a control link of the hub, encrypted, before a good hello",
    stage: encryptedLan,
    width: 16,
    lingerMs: 20,
    script: (random) => {
      const steps: Buffer[] = [];
      for (let left = random.between(0, 24); left > 0; left--)
        steps.push(
          plausible(random, {
            type: random.chance(0.5) ? "ping" : "pong",
            request: 1,
          }),
        );
      const last = random.between(0, 2);
      const donor = pick(random, MEMBER_WORDS);
      steps.push(
        last === 0
          ? plausible(random, HELLO)
          : broken(random, last === 1 ? HELLO : donor, HELLO),
      );
      return createScript(random, steps);
    },
    connect: async ({ hubPort }) => {
      const { duplex, meaning } = await connectBare(hubPort);
      return { duplex, meaning, close: () => duplex.destroy() };
    },
  }),
  target({
    name: "hub-control",
    about: "a control link of the hub, as a member of a group",
    stage: encryptedLan,
    width: 24,
    lingerMs: 20,
    script: (random) => createScript(random, talk(random, HELLO)),
    connect: async ({ hubPort }) => {
      const { duplex, meaning } = await connectBare(hubPort);
      return { duplex, meaning, close: () => duplex.destroy() };
    },
  }),
  target({
    name: "hub-leg",
    about: "the preamble and ticket of a leg at the hub, some of them real",
    stage: encryptedLan,
    width: 200,
    lingerMs: 20,
    script: (random) => {
      const leg = encodeLegPreamble(MAGIC_TICKET.toString("hex"));
      const body = random.bytes(random.between(0, 60));
      const words = Buffer.concat([leg, body]);
      // One in four has a real ticket, and half of these are left as they are.
      const way = random.chance(0.25) ? "ticket" : "";
      const isWhole = way === "ticket" && random.chance(0.5);
      const step = isWhole ? words : mutate(random, words, clientHello);
      return createScript(random, [step], { way });
    },
    connect: async (stage, { way }) => {
      let ticket = MAGIC_TICKET;
      if (way === "ticket") {
        const member = await stage.ownMember();
        ticket = Buffer.from(await member.ticketFor(stage.serverId), "hex");
      }
      const duplex = await connectFrom(stage.hubPort);
      const meaning = [[MAGIC_TICKET, ticket] as const];
      return { duplex, meaning, close: () => cutOff(duplex) };
    },
  }),
];
