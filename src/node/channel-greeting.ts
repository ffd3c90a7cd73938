// The first words on a channel, inside its encryption and before any stream: each node says what it can speak and proves
// its identity to the other one. The channel's key alone does not: whoever has one node's private key could make that key
// with any name in front of it (key-compromise impersonation).

import { performance } from "node:perf_hooks";
import type { Duplex } from "node:stream";
import { VnetError } from "../errors.js";
import { Identity } from "../keys/identity.js";
import {
  channelProofKey,
  channelProofOf,
  isChannelProof,
} from "../keys/psk.js";
import { readFirstBytes } from "../net/first-bytes.js";
import {
  CHANNEL_HEADER_BYTES,
  encodeChannelFrame,
  GreetingType,
  MAX_SMALL_BYTES,
  readChannelHeader,
} from "../wire/channel-frame.js";
import {
  decodeChannelHello,
  encodeChannelHello,
} from "../wire/channel-hello.js";
import { OWN_ABILITIES, settle, type Settled } from "../wire/version.js";

export interface Greeting {
  duplex: Duplex;
  role: "opener" | "acceptor";
  /** how the other node is named in an error */
  title: string;
  /** null: the channel is not encrypted, and nothing is proved */
  proof: {
    own: Identity;
    peerKey: Buffer;
    /** what is unique to this TLS connection (RFC 9266) */
    binding: Buffer;
  } | null;
  timeoutMs: number;
}

/** One key serves the proofs of a minute: to make one costs as much as half a handshake. */
const EPHEMERAL_MS = 60_000;

let ephemeral: { key: Identity; madeAt: number } | undefined;

/**
 * Says hello, proves, and checks the other side's proof. Both sides need one round trip more than TLS; the opener may open
 * a stream with its proof. When it resolves nothing is left to be written.
 * Rejects with VnetError `refused`, `protocol`, `closed` or `timeout`; the duplex is the caller's to close.
 */
export async function greet(greeting: Greeting): Promise<Settled> {
  const { duplex, role, title, proof } = greeting;
  const deadline = performance.now() + greeting.timeoutMs;
  // What breaks is told to whoever waits for it.
  duplex.on("error", () => undefined);
  const key = proof === null ? null : ephemeralKey();
  const ownHello = encodeChannelHello({
    ...OWN_ABILITIES,
    key: key?.publicKey ?? null,
  });
  const said = [say(duplex, GreetingType.hello, ownHello)];
  const theirHello = await hear(duplex, GreetingType.hello, deadline);
  const theirs = decodeChannelHello(theirHello);
  const settled = settle(OWN_ABILITIES, theirs, {
    own: "this node",
    other: title,
  });
  if (proof !== null && key !== null) {
    if (theirs.key === null)
      throw new VnetError("protocol", `${title} gave no key for its proof`);
    const isOpener = role === "opener";
    const proofKey = channelProofKey({
      ...proof,
      role,
      ephemeral: key,
      peerEphemeral: theirs.key,
      hellos: isOpener ? [ownHello, theirHello] : [theirHello, ownHello],
    });
    // The acceptor proves first. Neither says anything else before the other one's proof.
    const other = isOpener ? "acceptor" : "opener";
    const prove = () =>
      said.push(
        say(duplex, GreetingType.proof, channelProofOf(proofKey, role)),
      );
    if (!isOpener) prove();
    const theirProof = await hear(duplex, GreetingType.proof, deadline);
    if (!isChannelProof(theirProof, proofKey, other))
      throw new VnetError(
        "refused",
        `${title} did not prove that its key is its own: somebody else has a copy of this node's key, or the hub is not honest`,
      );
    if (isOpener) prove();
  }
  await Promise.all(said);
  return settled;
}

function ephemeralKey(): Identity {
  const now = performance.now();
  if (ephemeral === undefined || now - ephemeral.madeAt > EPHEMERAL_MS)
    ephemeral = { key: Identity.generate(), madeAt: now };
  return ephemeral.key;
}

/** Resolves when it has left. */
function say(
  duplex: Duplex,
  type: GreetingType,
  payload: Buffer,
): Promise<void> {
  const left = new Promise<void>((resolve, reject) => {
    duplex.write(encodeChannelFrame(type, payload), (error) => {
      if (error) reject(new VnetError("closed", "the channel was closed"));
      else resolve();
    });
  });
  // It may fail while its sender waits for what comes, which fails then, too.
  left.catch(() => undefined);
  return left;
}

/** The payload of the next frame, which has to be of that type. What follows it stays unread. */
async function hear(
  duplex: Duplex,
  type: GreetingType,
  deadline: number,
): Promise<Buffer> {
  const read = (bytes: number) =>
    readFirstBytes(
      duplex,
      bytes,
      Math.max(0, deadline - performance.now()),
    ).catch((cause: unknown) => {
      const isLate = cause instanceof VnetError && cause.code === "timeout";
      throw isLate
        ? new VnetError("timeout", "the other node did not say hello in time")
        : new VnetError(
            "closed",
            "the other node closed the channel as it began",
            { cause },
          );
    });
  const came = readChannelHeader(await read(CHANNEL_HEADER_BYTES));
  if (came.type !== type || came.bytes > MAX_SMALL_BYTES)
    throw new VnetError("protocol", `a channel frame ${came.type} out of turn`);
  return read(came.bytes);
}
