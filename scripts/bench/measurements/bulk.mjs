// Throughput by iperf3, and the CPU time that each process of a competitor
// spent on it.

import { findProgram } from "../find-program.mjs";
import { CpuMeter } from "../process-figures.mjs";

const ROLES = ["use", "hub", "serve"];

export const bulk = [1, 8].flatMap((streams) => [
  measurement(streams, "app to service", []),
  measurement(streams, "service to app", ["-R"]),
]);

function measurement(streams, direction, flags) {
  const name = `${streams} stream${streams === 1 ? "" : "s"}, ${direction}`;
  const group = `CPU seconds per GB, ${name}`;
  const cpuRow = (role) => ({
    ...{ name: `CPU, ${name}, ${role}`, column: role, group },
    ...{ unit: "s/GB", better: "less" },
  });
  return {
    ...{ name: `throughput, ${name}`, group: "Throughput, Gbit/s" },
    ...{ place: "near", programs: ["iperf3"], streams },
    rows: [
      {
        ...{ name: `throughput, ${name}`, column: name },
        ...{ unit: "Gbit/s", better: "more" },
      },
      ...[...ROLES, "all"].map(cpuRow),
    ],
    async run({ ports, roles, competitor, seconds, signal, children }) {
      const meter = new CpuMeter(roles, competitor.forks);
      let used;
      let json;
      try {
        const args = ["-c", "127.0.0.1", "-p", String(ports.bulk), "--json"];
        json = await children.run(
          findProgram("iperf3"),
          [...args, "-P", String(streams), "-t", String(seconds), ...flags],
          { signal },
        );
      } finally {
        used = meter.stop();
      }
      const { end, error } = JSON.parse(json);
      if (error) throw new Error(`iperf3: ${error}`);
      const { bits_per_second: bits, bytes } = end.sum_received;
      const result = { [`throughput, ${name}`]: bits / 1e9 };
      const perGigabyte = (cpu) => cpu / (bytes / 1e9);
      for (const role of ROLES)
        result[cpuRow(role).name] =
          role in used ? perGigabyte(used[role]) : null;
      const all = Object.values(used);
      result[cpuRow("all").name] =
        all.length === 0 ? null : perGigabyte(all.reduce((a, b) => a + b));
      return result;
    },
  };
}
