// A process: TCP relays that make a link long. `{to: PORT}` as a message makes
// one, its port is the answer. Each piece comes MS later, as many as there are.
//   node delay-relay.mjs MS
// Loopback's handshake takes no time; that of a long link takes a round trip,
// so the first bytes wait for it too.

import { performance } from "node:perf_hooks";
import { connect, createServer } from "node:net";

const delayMs = Number(process.argv[2]);
/** Bytes on their way in one direction: far more than any window here. */
const MAX_BYTES = 64 * 1024 * 1024;

process.on("message", ({ to }) => {
  const server = createServer(
    { allowHalfOpen: true, noDelay: true, pauseOnConnect: true },
    (near) => relay(near, to),
  );
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () =>
    process.send({ to, port: server.address().port }),
  );
});
process.on("disconnect", () => process.exit());

function relay(near, port) {
  const accepted = performance.now();
  let far = null;
  near.on("error", () => undefined);
  // Whoever dialled could speak only after its handshake, a round trip.
  carry(near, () => far, accepted + 2 * delayMs);
  // The far side accepts when the third packet of the handshake comes.
  setTimeout(() => {
    if (near.destroyed) return;
    far = connect({
      ...{ port, host: "127.0.0.1" },
      ...{ allowHalfOpen: true, noDelay: true },
    });
    far.on("error", () => undefined);
    carry(far, () => near, 0);
  }, 3 * delayMs);
}

/**
 * Gives to `to()` what comes from `from`, each piece delayMs after it came or
 * could come; while `to()` is null it waits.
 */
function carry(from, to, notBefore) {
  const queue = [];
  let bytes = 0;
  let timer = null;
  const put = (piece) => {
    const came = Math.max(performance.now(), notBefore);
    queue.push({ piece, due: came + delayMs });
    timer ??= setTimeout(deliver, came + delayMs - performance.now());
  };
  const deliver = () => {
    timer = null;
    const now = performance.now();
    const target = to();
    while (target && queue.length > 0 && queue[0].due <= now + 0.5) {
      const { piece } = queue.shift();
      if (target.destroyed) continue;
      if (piece === "end") target.end();
      else if (piece === "reset") target.destroy();
      else target.write(piece, () => release(piece.length));
    }
    if (queue.length === 0 || (!target && from.destroyed)) return;
    timer = setTimeout(deliver, Math.max(target ? 0 : 1, queue[0].due - now));
  };
  const release = (length) => {
    bytes -= length;
    if (bytes < MAX_BYTES) from.resume();
  };
  from.on("data", (piece) => {
    bytes += piece.length;
    if (bytes >= MAX_BYTES) from.pause();
    put(piece);
  });
  from.on("end", () => put("end"));
  from.on("close", () => {
    if (!from.readableEnded) put("reset");
  });
  from.resume();
}
