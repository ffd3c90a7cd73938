// The summary of a run as markdown: the machine, a table for each group, and
// what failed or was left out.

/** @param summary of Results */
export function markdownOf(summary) {
  const parts = [machineOf(summary), competitorsOf(summary), LEGEND];
  const groups = groupsOf(summary.rows);
  for (const [group, rows] of groups) parts.push(tableOf(group, rows, summary));
  parts.push(troubleOf(summary));
  return parts.filter((part) => part !== "").join("\n\n") + "\n";
}

const LEGEND =
  "A cell is the median of the rounds; in brackets its ratio to vnet and, where there is one, to no proxy at all, each the median of the rounds' ratios. The heading of a column says whether more (↑) or less (↓) is better.";

const ARROWS = { more: " ↑", less: " ↓", neither: "" };

function machineOf({ machine, settings }) {
  const programs = Object.entries(machine.programs)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
  return `${machine.date}; ${machine.cpu}, ${machine.memoryGigabytes} GB, ${machine.system}; Node ${machine.node}; load before: ${machine.loadBefore.toFixed(2)}; ${settings.rounds} rounds, ${settings.seconds} s for each load.${programs === "" ? "" : `\n\nPrograms: ${programs}.`}`;
}

function competitorsOf({ competitors }) {
  const lines = competitors.map(({ name, title }) => [name, title]);
  return grid(["competitor", "what it is"], lines);
}

function tableOf(group, rows, { competitors }) {
  const header = [
    "",
    ...rows.map(({ column, better }) => column + ARROWS[better]),
  ];
  const lines = competitors
    .filter(({ name }) => rows.some(({ values }) => name in values))
    .map(({ name }) => [name, ...rows.map((row) => cellOf(row, name))]);
  const note = rows[0].note === null ? "" : `${rows[0].note}\n\n`;
  return `### ${group}\n\n${note}${grid(header, lines)}`;
}

function cellOf({ values, better }, competitor) {
  const figures = values[competitor];
  if (!figures || figures.median === null) return "–";
  const { toVnet, toDirect, rounds } = figures;
  const text = figureOf(figures.median);
  const lost = rounds.filter((value) => value === null).length;
  const mark = lost > 0 ? "*" : "";
  const ratios = [
    ...(competitor === "vnet" ? [] : [toVnet]),
    ...(competitor === "direct" ? [] : [toDirect]),
  ].filter((ratio) => ratio !== null);
  if (better === "neither" || ratios.length === 0) return text + mark;
  return `${text}${mark} (${ratios.map(figureOf).join("; ")})`;
}

/** Three digits that mean something. */
export function figureOf(value) {
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString("en");
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function troubleOf({ failures, leftOut }) {
  const rounds = new Map();
  for (const { competitor, measurement, round, reason } of failures) {
    const text = `${competitor}, ${measurement}: failed: ${reason}`;
    rounds.set(text, [...(rounds.get(text) ?? []), round]);
  }
  const lines = [
    ...leftOut.map(({ name, reason }) => `- ${name}: ${reason}`),
    ...[...rounds].map(([text, which]) => `- ${text} (round ${which.join()})`),
  ];
  return lines.length === 0 ? "" : `Not measured:\n\n${lines.join("\n")}`;
}

function grid(header, lines) {
  const widths = header.map((_, i) =>
    Math.max(3, ...[header, ...lines].map((line) => line[i].length)),
  );
  const row = (cells) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const rule = widths.map((width) => "-".repeat(width));
  return [row(header), row(rule), ...lines.map(row)].join("\n");
}

function groupsOf(rows) {
  const groups = new Map();
  for (const row of rows)
    groups.set(row.group, [...(groups.get(row.group) ?? []), row]);
  return groups;
}
