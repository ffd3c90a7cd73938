// Whether something answers behind a port, asked as a user would: one new connection each time, the half closed behind
// the words. Expects an echo, or a service that says something by itself.

import { connect, type NetConnectOpts } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const ATTEMPT_MS = 4_000;

export type Where = number | NetConnectOpts;

/** What comes back until the end; rejects when it is refused, reset, or silent for too long. */
export function exchange(where: Where, words: string): Promise<string> {
  const options =
    typeof where === "number" ? { host: "127.0.0.1", port: where } : where;
  return new Promise((resolve, reject) => {
    const socket = connect({ ...options, allowHalfOpen: true });
    let text = "";
    socket.setTimeout(ATTEMPT_MS, () => {
      socket.destroy(new Error(`silent for ${ATTEMPT_MS} ms`));
    });
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.once("end", () => {
      socket.end();
      resolve(text);
    });
    socket.once("error", reject);
    socket.end(words);
  });
}

/** Tries until the echo comes back; rejects with what came of the last attempt. */
export async function untilEchoed(
  where: Where,
  words = "are you there?",
  timeoutMs = 30_000,
): Promise<void> {
  await until(`an echo at ${JSON.stringify(where)}`, timeoutMs, async () => {
    const answer = await exchange(where, words);
    return answer === words ? null : `answered ${JSON.stringify(answer)}`;
  });
}

/** Tries until a connection is refused, or ended without a word. */
export async function untilRefused(
  where: Where,
  timeoutMs = 30_000,
): Promise<void> {
  await until(`a refusal at ${JSON.stringify(where)}`, timeoutMs, async () => {
    try {
      const answer = await exchange(where, "is nobody there?");
      return answer === "" ? null : `answered ${JSON.stringify(answer)}`;
    } catch {
      return null;
    }
  });
}

/** @param attempt null: it is so; else, or thrown, what came instead */
async function until(
  what: string,
  timeoutMs: number,
  attempt: () => Promise<string | null>,
): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const came = await attempt().catch((error: unknown) => String(error));
    if (came === null) return;
    if (performance.now() > end)
      throw new Error(`not within ${timeoutMs} ms: ${what}; last: ${came}`);
    await sleep(30);
  }
}
