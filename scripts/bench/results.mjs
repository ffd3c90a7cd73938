// The figures of a run: one for each row, competitor and round, and what could
// not be measured and why. summary() is what the JSON file holds.

import { median, medianRatio } from "./statistics.mjs";

export class Results {
  #values = new Map();
  #failures = [];
  #leftOut = [];

  add(row, competitor, round, value) {
    const byCompetitor = this.#values.get(row) ?? new Map();
    this.#values.set(row, byCompetitor);
    const values = byCompetitor.get(competitor) ?? [];
    byCompetitor.set(competitor, values);
    while (values.length < round) values.push(null);
    values[round] = value;
  }

  fail(competitor, measurement, round, reason) {
    this.#failures.push({ competitor, measurement, round: round + 1, reason });
  }

  /** A competitor or a measurement that was not run at all. */
  leaveOut(name, reason) {
    this.#leftOut.push({ name, reason });
  }

  summary({ machine, settings, competitors, measurements }) {
    const rows = measurements.flatMap(({ rows, group, note }) =>
      rows
        .filter(({ name }) => this.#values.has(name))
        .map((row) => ({
          ...{ name: row.name, column: row.column, unit: row.unit },
          ...{ better: row.better, group: row.group ?? group },
          note: note ?? null,
          values: this.#columnsOf(row.name),
        })),
    );
    return {
      ...{ machine, settings },
      competitors: competitors.map(({ name, title }) => ({ name, title })),
      rows,
      failures: this.#failures,
      leftOut: this.#leftOut,
    };
  }

  #columnsOf(row) {
    const all = this.#values.get(row);
    const columns = {};
    for (const [competitor, rounds] of all)
      columns[competitor] = {
        ...{ rounds, median: median(rounds) },
        toVnet: medianRatio(rounds, all.get("vnet") ?? []),
        toDirect: medianRatio(rounds, all.get("direct") ?? []),
      };
    return columns;
  }
}
