// The table of TCP conversations. What is not written of a side's sight is: every byte that the other side sends, and its
// FIN. Where TCP itself leaves something open, straight as through the LAN, the row says what, and why.

import {
  close,
  conversationOf,
  eachWay,
  fin,
  goOnReading,
  idle,
  readSlowly,
  receive,
  reset,
  send,
  sendUntilReset,
  stopReading,
  untilFin,
  untilReset,
  untilUnread,
  type Conversation,
  type Sketch,
} from "./conversation.js";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** A side that has gone, or goes, before the other one says anything. */
const NOTHING = { bytes: 0, ends: ["open"] } as const;
const IS_RESET = { ends: ["reset"] } as const;
const FIN_THEN_RESET = { ends: ["fin, then reset"] } as const;

const UNSENT = "what a side had not sent yet when it resets is thrown away";
const ENDLESS = "how much a side sends before it hears of the reset is chance";

const turns = (count: number, ...steps: readonly Sketch["client"][number][]) =>
  Array.from({ length: count }, () => steps).flat();

const orderly: Sketch[] = [
  ...eachWay({
    name: "the $one asks and closes first",
    one: [send(1000), receive(2000), fin, untilFin],
    other: [receive(1000), send(2000), untilFin, fin],
  }),
  ...eachWay({
    name: "the $one is asked and closes first",
    one: [receive(1000), send(2000), fin, untilFin],
    other: [send(1000), receive(2000), untilFin, fin],
  }),
  ...eachWay({
    name: "the $one closes its half, and much still comes from the $other",
    one: [send(700), fin, untilFin],
    other: [untilFin, send(300 * KIB), fin],
  }),
  ...eachWay({
    name: "the $one closes its half without a word, and the $other talks on",
    one: [fin, untilFin],
    other: [untilFin, idle(20), send(5000), idle(20), send(5000), fin],
  }),
  ...eachWay({
    name: "the $one closes its half before it reads anything, and much comes from the $other",
    one: [stopReading, send(10), fin, idle(60), goOnReading, untilFin],
    other: [untilFin, send(300 * KIB), fin],
  }),
  ...eachWay({
    name: "the $one answers and goes at once, whole",
    one: [receive(100), send(200 * KIB), close],
    other: [send(100), untilFin, fin],
    oneSees: { ends: ["open"] },
  }),
  {
    name: "the client sends much and closes its half before the service is there",
    client: [send(200 * KIB), fin, untilFin],
    service: [untilFin, send(10), fin],
  },
  ...eachWay({
    name: "both connect and say nothing, and the $one ends",
    one: [idle(30), fin, untilFin],
    other: [untilFin, fin],
  }),
  {
    name: "both close at once without a word",
    client: [fin, untilFin],
    service: [fin, untilFin],
  },
  ...eachWay({
    name: "the $one goes at once, whole",
    one: [close],
    other: [untilFin, fin],
    oneSees: NOTHING,
  }),
  {
    name: "the service speaks first, and then in turns",
    client: [...turns(15, receive(40), send(25)), fin, untilFin],
    service: [...turns(15, send(40), receive(25)), untilFin, fin],
  },
  {
    name: "the client speaks first, and then in turns",
    client: [...turns(15, send(300), receive(9000)), untilFin, fin],
    service: [...turns(15, receive(300), send(9000)), fin, untilFin],
  },
  {
    name: "the service greets and closes its half, and the client answers then",
    client: [receive(60), untilFin, send(80), fin],
    service: [send(60), fin, untilFin],
  },
];

const rhythm: Sketch[] = [
  ...eachWay({
    name: "the $one writes byte by byte",
    one: [send(300, { piece: 1 }), fin, untilFin],
    other: [untilFin, fin],
  }),
  {
    name: "both write byte by byte at once",
    client: [send(300, { piece: 1 }), fin, untilFin],
    service: [send(300, { piece: 1 }), fin, untilFin],
  },
  ...eachWay({
    name: "the $one writes bursts of 64 kB",
    one: [
      ...turns(8, send(64 * KIB, { piece: 64 * KIB }), idle(3)),
      fin,
      untilFin,
    ],
    other: [untilFin, fin],
  }),
  {
    name: "both answer bursts of 64 kB by bursts of 64 kB",
    client: [...turns(8, send(64 * KIB), receive(64 * KIB)), fin, untilFin],
    service: [...turns(8, receive(64 * KIB), send(64 * KIB)), untilFin, fin],
  },
  ...eachWay({
    name: "the $one reads slowly",
    one: [readSlowly(2), untilFin, fin],
    other: [send(2 * MIB), fin, untilFin],
  }),
  ...eachWay({
    name: "the $one does not read for a while",
    one: [stopReading, idle(120), goOnReading, untilFin, send(10), fin],
    other: [send(6 * MIB), fin, untilFin],
  }),
  ...eachWay({
    name: "the $one writes slowly",
    one: [send(2000, { piece: 100, pauseMs: 4 }), fin, untilFin],
    other: [untilFin, fin],
  }),
  {
    name: "both send much at once",
    client: [send(1 * MIB), fin, untilFin],
    service: [send(1 * MIB), fin, untilFin],
  },
  ...eachWay({
    name: "both send much at once, and the $one reads slowly",
    one: [readSlowly(2), send(1 * MIB), fin, untilFin],
    other: [send(2 * MIB), fin, untilFin],
  }),
];

const resets: Sketch[] = [
  ...eachWay({
    name: "the $one resets at once",
    one: [reset],
    other: [untilReset],
    oneSees: NOTHING,
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one resets after a silence",
    one: [idle(30), reset],
    other: [untilReset],
    oneSees: NOTHING,
    otherSees: IS_RESET,
  }),
  {
    // Not the other way round: whose connect() has not returned yet may hear of the reset alone.
    name: "the client says something and resets before the service is there",
    // One segment: of several, some may not have been sent yet.
    client: [send(1000, { piece: 1000 }), reset],
    service: [untilReset],
    clientSees: NOTHING,
    serviceSees: IS_RESET,
  },
  ...eachWay({
    name: "the $one says something and resets in the same breath",
    one: [receive(10), send(1000, { piece: 1000 }), reset],
    other: [send(10), untilReset],
    oneSees: { ends: ["open"] },
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one says something and resets while the $other does not read",
    one: [receive(10), send(1000, { piece: 1000 }), reset],
    other: [stopReading, send(10), idle(60), goOnReading, untilReset],
    oneSees: { ends: ["open"] },
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one resets while it sends",
    one: [send(4 * MIB), reset],
    other: [readSlowly(1), untilReset],
    oneSees: NOTHING,
    otherSees: { ...IS_RESET, bytes: [0, 4 * MIB] },
    why: UNSENT,
  }),
  ...eachWay({
    name: "the $one resets while the $other sends",
    one: [receive(100 * KIB), reset],
    other: [sendUntilReset],
    oneSees: { bytes: [100 * KIB, Infinity], ends: ["open"] },
    otherSees: IS_RESET,
    why: ENDLESS,
  }),
  ...eachWay({
    name: "the $one resets while both send",
    one: [receive(50 * KIB), send(100 * KIB), reset],
    other: [sendUntilReset],
    oneSees: { bytes: [50 * KIB, Infinity], ends: ["open"] },
    otherSees: { ...IS_RESET, bytes: [0, 100 * KIB] },
    why: `${ENDLESS}; who writes into it may lose what came before it`,
  }),
  ...eachWay({
    name: "the $one resets when all was said and heard",
    one: [send(1000), receive(10), reset],
    other: [receive(1000), send(10), untilReset],
    oneSees: { ends: ["open"] },
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one resets after the $other closed its half",
    one: [untilFin, reset],
    other: [send(1000), fin, untilReset],
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one resets after it closed its own half",
    one: [send(1000), fin, receive(10), reset],
    other: [untilFin, sendUntilReset],
    oneSees: { bytes: [10, Infinity], ends: ["open"] },
    otherSees: FIN_THEN_RESET,
    why: ENDLESS,
  }),
];

const unread: Sketch[] = [
  ...eachWay({
    name: "the $one goes with unread bytes",
    one: [stopReading, untilUnread(1000), close],
    other: [send(1000), untilReset],
    oneSees: NOTHING,
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one says something and goes with unread bytes",
    one: [stopReading, send(500), untilUnread(1000), close],
    other: [send(1000), untilReset],
    oneSees: NOTHING,
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one answers what it has not read, and goes",
    one: [stopReading, untilUnread(1000), send(200, { piece: 200 }), close],
    other: [send(1000), untilReset],
    oneSees: NOTHING,
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one goes with unread bytes and an unread FIN",
    one: [stopReading, untilUnread(1001), close],
    other: [send(1000), fin, untilReset],
    oneSees: NOTHING,
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one goes with unread bytes while the $other sends",
    one: [stopReading, untilUnread(64 * KIB), close],
    other: [sendUntilReset],
    oneSees: NOTHING,
    otherSees: IS_RESET,
  }),
  ...eachWay({
    name: "the $one closes its half and goes with unread bytes",
    one: [stopReading, send(500), fin, untilUnread(1000), close],
    other: [untilFin, send(1000), sendUntilReset],
    oneSees: NOTHING,
    otherSees: FIN_THEN_RESET,
  }),
  ...eachWay({
    name: "the $one goes, all read, and the $other talks on",
    one: [send(10), receive(10), close],
    other: [receive(10), send(10), untilFin, sendUntilReset],
    oneSees: { ends: ["open"] },
    otherSees: FIN_THEN_RESET,
  }),
];

const refused: Sketch = {
  name: "nobody listens",
  client: [untilReset],
  service: null,
  clientSees: { ends: ["refused"] },
  inLan: {
    client: { bytes: 0, ends: ["reset"] },
    why: "with check=false the use listens for as long as the serve is registered, and tries the service when somebody comes",
  },
};

export const CONVERSATIONS: readonly Conversation[] = [
  ...orderly,
  ...rhythm,
  ...resets,
  ...unread,
  refused,
].map(conversationOf);

/** Long transfers, both ways, and one both ways at once. */
export function transfers(bytes: number): Conversation[] {
  const size = bytes >= GIB ? `${bytes / GIB} GiB` : `${bytes / MIB} MiB`;
  const withinMs = 20_000 + Math.ceil(bytes / (5 * KIB));
  return [
    ...eachWay({
      name: `the $one sends ${size}`,
      one: [send(bytes), fin, untilFin],
      other: [untilFin, send(100), fin],
      withinMs,
    }),
    {
      name: `both send ${size} at once`,
      client: [send(bytes), fin, untilFin],
      service: [send(bytes), fin, untilFin],
      withinMs,
    },
  ].map(conversationOf);
}
