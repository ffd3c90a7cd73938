// A node through a channel: as the acceptor of streams, as their opener, and in front of the channel's TLS.

import {
  encodeChannelFrame,
  encodeChannelHeader,
  FrameType,
  GreetingType,
} from "../../../src/wire/channel-frame.js";
import type { Random } from "../../support/random.js";
import { mutate, pick } from "../mutator.js";
import { createScript } from "../script.js";
import { connectSoon, goodHello, greeted } from "../member.js";
import { ECHO_ID } from "../stages/lan.js";
import { cutOff, target } from "../target.js";
import { encryptedLan, plainLan } from "./stages.js";

const TALK_MAX = 60;

const open = (text: string) => encodeChannelFrame(FrameType.open, text);
const goodOpen = open(`{"serveid":${ECHO_ID},"from":"192.0.2.1:50000"}`);

const OPENS = [
  ...[goodOpen, open('{"serveid":9}'), open(`{"serveid":${ECHO_ID}}`)],
  open(`{"serveid":${ECHO_ID},"from":${JSON.stringify("a".repeat(65))}}`),
];

const BAD_OPENS = [
  ...["", "null", "[]", "{}", '{"serveid":"700"}', '{"serveid":1.5}', "\0"],
  ...['{"serveid":1e400}', "[".repeat(4_000), '{"serveid":700', '"x"'],
].map(open);

const ping = encodeChannelFrame(FrameType.ping, "12345678");
const fin = encodeChannelFrame(FrameType.fin);
const accept = encodeChannelFrame(FrameType.accept);

/** Right in form, and nearly always out of turn somewhere. */
function anyFrame(random: Random): Buffer {
  const type = pick(random, Object.values(FrameType));
  if (type === FrameType.data) return data(random);
  if (type === FrameType.open) return pick(random, [...OPENS, ...BAD_OPENS]);
  return encodeChannelFrame(type, random.bytes(random.between(0, 40)));
}

function data(random: Random): Buffer {
  const bytes = random.bytes(random.between(0, 60));
  return Buffer.concat([
    encodeChannelHeader(FrameType.data, bytes.length),
    bytes,
  ]);
}

/** Streams, one after the other, as an honest opener has them, and then something else. */
function openerTalk(random: Random): Buffer[] {
  const steps: Buffer[] = [];
  const count = random.between(0, TALK_MAX);
  while (steps.length < count) {
    if (random.chance(0.3)) steps.push(ping);
    steps.push(random.chance(0.8) ? goodOpen : pick(random, OPENS));
    for (let left = random.between(0, 12); left > 0; left--)
      steps.push(data(random));
    steps.push(fin);
    // The answer's FIN has to be back before the next stream; often it is not, and that is the end.
    if (random.chance(0.7)) break;
  }
  return [...steps, ...wrong(random)];
}

/** One stream as an honest acceptor has it, and then something else. */
function acceptorTalk(random: Random): Buffer[] {
  const steps: Buffer[] = [];
  if (random.chance(0.85)) {
    steps.push(accept);
    for (let left = random.between(0, TALK_MAX); left > 0; left--)
      steps.push(data(random));
    if (random.chance(0.5)) steps.push(fin);
  } else if (random.chance(0.5))
    steps.push(encodeChannelFrame(FrameType.refuse, random.bytes(9)));
  return [...steps, ...wrong(random)];
}

function wrong(random: Random): Buffer[] {
  const frames = Array.from({ length: random.between(1, 3) }, () =>
    anyFrame(random),
  );
  if (random.chance(0.4)) return frames;
  return frames.map((frame) => mutate(random, frame, anyFrame(random)));
}

/** A hello, mostly, and what may not come yet. */
function greetingTalk(random: Random): Buffer[] {
  const hellos = [
    goodHello,
    ...['{"protocol":4,"oldest":5}', '{"protocol":"4"}', "[]", "{", "\0"].map(
      (text) => encodeChannelFrame(GreetingType.hello, text),
    ),
    encodeChannelFrame(
      GreetingType.hello,
      `{"protocol":4,"features":[${'"f",'.repeat(80)}"f"],"key":"${"A".repeat(43)}="}`,
    ),
  ];
  const others = [
    encodeChannelFrame(GreetingType.proof, random.bytes(32)),
    ...[goodOpen, ping, goodHello],
  ];
  const first = pick(random, hellos);
  return [
    random.chance(0.4) ? first : mutate(random, first, pick(random, hellos)),
    pick(random, others),
    ...wrong(random),
  ];
}

export const channelTargets = [
  target({
    name: "channel-greeting",
    about: "a node's channel, before its first stream",
    stage: plainLan,
    width: 64,
    lingerMs: 20,
    script: (random) => createScript(random, greetingTalk(random)),
    connect: async (stage) => {
      const member = await stage.ownMember();
      const duplex = await member.openChannel(stage.serverId);
      return { duplex, meaning: [], close: () => cutOff(duplex) };
    },
  }),
  target({
    name: "channel-acceptor",
    about: "a node's channel, from the side that opens streams",
    stage: plainLan,
    width: 64,
    lingerMs: 20,
    script: (random) => createScript(random, openerTalk(random)),
    connect: async (stage) => {
      const member = await stage.ownMember();
      const duplex = await greeted(await member.openChannel(stage.serverId));
      return { duplex, meaning: [], close: () => cutOff(duplex) };
    },
  }),
  target({
    name: "channel-opener",
    about: "a node's channel, from the side that accepts streams",
    stage: plainLan,
    width: 16,
    lingerMs: 20,
    script: (random) => createScript(random, acceptorTalk(random)),
    connect: async (stage, _script, index) => {
      const member = await stage.ownMember();
      const user = await connectSoon(stage.trapUse);
      user.write(`a user's words ${index}`);
      user.resume();
      const offer = await member.nextOffer().catch((error: unknown) => {
        cutOff(user);
        throw error;
      });
      const duplex = await greeted(await member.openLeg(offer.ticket));
      const close = () => {
        cutOff(user);
        cutOff(duplex);
      };
      return { duplex, meaning: [], close };
    },
  }),
  target({
    name: "channel-tls",
    about: "a leg to a node that waits for the channel's TLS",
    stage: encryptedLan,
    width: 64,
    lingerMs: 20,
    script: (random) => {
      // A handshake record, with a client's hello of no cipher, and what else comes to mind.
      const hello = `1603010031` + `0100002d0303` + "ab".repeat(32);
      const words = [
        Buffer.from(`${hello}00000213010100000200`, "hex"),
        goodOpen,
        Buffer.from("1403030001011503030002022817030300050102030405", "hex"),
        random.bytes(80),
      ];
      const [a, b] = [pick(random, words), pick(random, words)];
      return createScript(random, [mutate(random, a, b)]);
    },
    connect: async (stage) => {
      const member = await stage.ownMember();
      const duplex = await member.openChannel(stage.serverId);
      return { duplex, meaning: [], close: () => cutOff(duplex) };
    },
  }),
];
