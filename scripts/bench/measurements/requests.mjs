// Small HTTP requests on kept connections: wrk against nginx.

import { findProgram } from "../find-program.mjs";

const MILLISECONDS = { us: 0.001, ms: 1, s: 1000, m: 60_000 };

export const requests = [1, 16, 128].map((count) => {
  const name = `requests, ${count} kept connection${count === 1 ? "" : "s"}`;
  const row = (column, unit, better) => ({
    ...{ name: `${name}, ${column}`, column, unit, better },
  });
  const rows = [
    row("requests/s", "1/s", "more"),
    row("p50", "ms", "less"),
    row("p99", "ms", "less"),
  ];
  return {
    ...{ name, group: `Requests on ${count} kept connections; ms`, rows },
    ...{ place: "near", programs: ["wrk", "nginx"], streams: count },
    async run({ ports, seconds, signal, children }) {
      const text = await children.run(
        findProgram("wrk"),
        [
          ...["-t1", `-c${count}`, `-d${seconds}s`, "--latency"],
          `http://127.0.0.1:${ports.web}/`,
        ],
        { signal },
      );
      const wrong = /Non-2xx.*|Socket errors:.*/.exec(text)?.[0];
      if (wrong && !/read 0, write 0, timeout 0/.test(wrong))
        throw new Error(`wrk: ${wrong}`);
      return {
        [rows[0].name]: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)?.[1]),
        [rows[1].name]: latency(text, 50),
        [rows[2].name]: latency(text, 99),
      };
    },
  };
});

function latency(text, percent) {
  const [, value, unit] =
    new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)$`, "m").exec(text) ??
    [];
  if (!(unit in MILLISECONDS)) throw new Error(`wrk said:\n${text}`);
  return Number(value) * MILLISECONDS[unit];
}
