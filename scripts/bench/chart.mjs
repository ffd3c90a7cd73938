// The summary of a run as an SVG chart: horizontal bars, how many times as
// good as vnet each competitor is. Readable on a light and on a dark page.

import { figureOf } from "./markdown.mjs";

/** The rows that are drawn, as far as they were measured. */
const ROWS = [
  "throughput, 1 stream, app to service",
  "throughput, 8 streams, service to app",
  "CPU, 1 stream, app to service, all",
  "requests, 16 kept connections, requests/s",
  "new connections, per second",
  "first byte, 25 ms between node and hub, request and answer",
  "memory per idle stream, all",
];

const WIDTH = 760;
const LABELS = 110;
const VALUES = 120;
const BAR = 14;
const STEP = 20;
const TITLE = 34;
/** Longer bars are cut; their figure stands beside them. */
const MOST = 3;

/** @param summary of Results */
export function chartOf({ rows, machine }) {
  const scale = (WIDTH - LABELS - VALUES) / MOST;
  const parts = [];
  let y = 44;
  for (const wanted of ROWS) {
    const row = rows.find(({ name }) => name === wanted);
    const bars = row ? barsOf(row) : [];
    if (bars.length === 0) continue;
    y += TITLE;
    parts.push(
      `<text class="title" x="0" y="${y - 8}">${escaped(row.name)}, ${escaped(row.unit)}</text>`,
    );
    const top = y;
    for (const { name, ratio, median } of bars) {
      const length = Math.max(1, Math.min(MOST, ratio) * scale);
      const kind = name.startsWith("vnet") ? "own" : "other";
      const more = ratio > MOST ? " →" : "";
      parts.push(
        `<text class="name" x="${LABELS - 8}" y="${y + 11}">${escaped(name)}</text>`,
        `<rect class="${kind}" x="${LABELS}" y="${y}" width="${length.toFixed(1)}" height="${BAR}" rx="2"/>`,
        `<text x="${(LABELS + length + 6).toFixed(1)}" y="${y + 11}">${figureOf(ratio)}×${more} (${figureOf(median)})</text>`,
      );
      y += STEP;
    }
    const line = (LABELS + scale).toFixed(1);
    parts.push(
      `<line x1="${line}" y1="${top - 3}" x2="${line}" y2="${y - 3}"/>`,
    );
  }
  const height = y + 8;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">
<title>How many times as good as vnet</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.title { font-weight: 600; } .name { text-anchor: end; }
.own { fill: #1a7f5a; } .other { fill: #8c959f; }
line { stroke: #24292f; stroke-dasharray: 3 3; opacity: .6; }
@media (prefers-color-scheme: dark) {
  text { fill: #d6dde4; } .own { fill: #3fb68b; } .other { fill: #6e7681; } line { stroke: #d6dde4; }
}
</style>
<text class="title" x="0" y="16">How many times as good as vnet: longer is better, in brackets the figure itself</text>
<text x="0" y="34">${escaped(machine.date)}, ${escaped(machine.cpu)}, Node ${escaped(machine.node)}</text>
${parts.join("\n")}
</svg>
`;
}

/** The best first. */
function barsOf({ values, better }) {
  return Object.entries(values)
    .filter(([, { toVnet, median }]) => toVnet > 0 && median !== null)
    .map(([name, { toVnet, median }]) => ({
      ...{ name, median },
      ratio: better === "less" ? 1 / toVnet : toVnet,
    }))
    .toSorted((a, b) => b.ratio - a.ratio);
}

function escaped(text) {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
