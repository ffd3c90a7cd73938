// Which tests fail under Wine, and why that is Wine's doing and not ours. Titles begin so. Used by scripts/wine.mjs; a
// test that fails and does not stand here is a failure.

const RESET =
  "Wine shows a reset (RST) that comes right behind bytes as an end: where plain Node writes and then calls resetAndDestroy(), its peer reads the bytes and then an end, also when it asks once more";

/** @type {readonly {why: string, titles: readonly string[]}[]} */
export const FAULTS = [
  {
    why: RESET,
    titles: [
      "a member that asks for unserves without end keeps none from another member",
      "What a user says before a reset reaches the service ",
      "A stream over loopback sockets is reset on both sides when the channel dies",
      "A stream over loopback sockets resets ",
      "an HTTP front connections are broken when the service's breaks in the middle",
      "a hang-up is seen of one whom nobody reads",
      "a hang-up is seen also of one who spoke",
      "What a peer said before it reset is heard ",
      "readers of raw sockets takes no reset behind waiting bytes for an end",
      "a node carrying streams resets the user when the service resets",
      "a node whose entries are closed ends its streams at both ends by ",
      "a reload removes serves and uses with their streams, and touches no others",
      "serves that are balanced count no stream that the service resets",
      "a checked load a reset is a reset",
      "A lane of conversations finds no fault where there is none",
    ],
  },
  {
    why: "Wine loses what is behind a half-close: of three requests and an end, sent at once, Node's own HTTP server answers none there (three on Linux)",
    titles: ["an HTTP front connections that send several requests at once"],
  },
  {
    why: "Wine loses the rest, and the end, of a large write that waits for its reader: a program of plain Node that writes 16 MiB to a paused socket is never told of the end there",
    titles: [
      "Channel accepting streams does not let one stream's slow reader hold up the next stream, also where it reads into buffers of its own",
    ],
  },
  {
    why: "Wine's timers come later than asked, by more than the 600 ms between two beats where 200 of them run at once",
    titles: ["Heart finds the silence when it is long enough"],
  },
  {
    why: "slow: under Wine a connection takes longer than the 20 ms, or the 0.2 s, that this test gives an idle one",
    titles: [
      "ChannelPool letting channels go sinks to one after a burst",
      "an unserve goes not while a stream runs, but some time after the last one",
      "the legs of channels do not expire once they are joined",
    ],
  },
];

/** Null: nothing excuses it. */
export function faultOfWine(title) {
  const fault = FAULTS.find(({ titles }) =>
    titles.some((each) => title.startsWith(each)),
  );
  return fault?.why ?? null;
}
