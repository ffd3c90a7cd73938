// Measures the round trip to the hub, or to a node through a channel and in its two parts.

import { formatVnetid } from "../../config/config.js";
import { VnetError } from "../../errors.js";
import type { PingResult } from "../../node/control.js";
import { defineCommand, type Argument } from "../command.js";
import { vnetid } from "../node-argument.js";

const PROBES = 3;

const target: Argument<number | null> = {
  ...vnetid(),
  fallback: () => ({ text: "", value: null }),
};

export const ping = defineCommand({
  name: "ping",
  looks: true,
  doc: "round trip to the hub, or to a node through a channel",
  details: [
    `Sends ${PROBES} probes. The way to a node leads through the hub, and is told in its two parts; in JSON this kind of path is called relay.`,
  ],
  examples: ["ping", "ping 01", "ping remote-ssh --json"],
  args: { target },
  json: true,
  async run(context, values) {
    const { control } = context;
    const result = await control.ping(values.target, PROBES);
    if (result.rttMs.length === 0)
      throw new VnetError("timeout", "no probe came back: try again");
    if (context.json) return context.emit(pingJson(values.target, result));
    const node = control.knownNode(values.target ?? 0);
    const who =
      values.target === null
        ? `hub ${control.view().hub}`
        : `node ${formatVnetid(values.target)}${node ? ` ${node.name}` : ""}`;
    const probes = result.rttMs.map((ms, at) => {
      const parts = result.path
        ? ` (to the hub ${formatMs(result.path.hubMs[at])}, on to the node ${formatMs(result.path.nodeMs[at])})`
        : "";
      return `${at + 1}: ${formatMs(ms)}${parts}`;
    });
    context.say([...probes, `${who}: ${summaryOf(result)}`].join("\n"));
  },
});

function pingJson(target: number | null, { rttMs, path }: PingResult) {
  if (target === null) return { rtt_ms: rttMs };
  const { kind, hubMs, nodeMs } = path ?? {};
  return {
    rtt_ms: rttMs,
    path: path ? { kind, hub_ms: hubMs, node_ms: nodeMs } : null,
  };
}

function summaryOf({ rttMs }: PingResult): string {
  const mean = rttMs.reduce((sum, ms) => sum + ms, 0) / rttMs.length;
  const [least, most] = [Math.min(...rttMs), Math.max(...rttMs)];
  return `least ${formatMs(least)}, mean ${formatMs(mean)}, most ${formatMs(most)}`;
}

function formatMs(ms: number | undefined): string {
  return ms === undefined ? "-" : `${ms.toFixed(2)} ms`;
}
