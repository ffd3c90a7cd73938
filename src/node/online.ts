// Waiting for the hub, for those who cannot go on without it.

import { once } from "node:events";
import { VnetError, type VnetErrorCode } from "../errors.js";
import type { NodeParts } from "./parts.js";

/** See Node.online. */
export function untilOnline(
  { directory, link }: Pick<NodeParts, "directory" | "link">,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  if (directory.isCurrent) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      directory.off("change", ready);
      link.off("offline", lost);
      signal?.removeEventListener("abort", giveUp);
    };
    const fail = (code: VnetErrorCode) => {
      stop();
      const why = code === "timeout" ? link.waitsFor : link.error;
      const text = `the hub ${link.hub} is not reached: ${why ?? "no answer"}`;
      reject(new VnetError(code, text));
    };
    const ready = () => {
      stop();
      resolve();
    };
    const lost = (reason: VnetError) => {
      if (reason.code === "refused") fail("refused");
    };
    const giveUp = () => {
      fail("timeout");
    };
    const timer = setTimeout(giveUp, timeoutMs);
    signal?.addEventListener("abort", giveUp);
    directory.once("change", ready);
    link.on("offline", lost);
  });
}

/** What is asked of other nodes is not waited for any longer. */
const ANSWERS_MS = 5_000;

/** See Node.ready. */
export async function untilReady({
  directory,
  serves,
  uses,
  inquiries,
}: Pick<
  NodeParts,
  "directory" | "serves" | "uses" | "inquiries"
>): Promise<void> {
  if (!directory.isCurrent) await once(directory, "change");
  await Promise.all([
    ...serves.all().map((serve) => serve.registration.settled),
    ...uses.all().map((use) => use.settle()),
  ]);
  await inquiries.settled(ANSWERS_MS);
  await Promise.all(uses.all().map((use) => use.settle()));
}
