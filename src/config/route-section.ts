// `[route]`, which both programs read: one file may serve both, so each ignores what only the other needs.

import type { RouteSettings } from "./config.js";
import type { IniSection } from "./ini.js";
import type { Problems } from "./problem.js";
import { SECTIONS } from "./schema.js";
import { readSection } from "./section.js";
import { refuseLinkPort } from "./link-port.js";

/** @param wanted the line to write when the section is not there */
export function readRoute(
  section: IniSection | undefined,
  wanted: string,
  problems: Problems,
  warnings: string[],
): RouteSettings {
  if (section === undefined)
    problems.add(
      { section: "route" },
      `found no such section; write [route] and on the next line ${wanted}`,
    );
  // That has been complained about already.
  const silent = section === undefined ? problems.silent() : problems;
  const given = section ?? { name: "route", line: 1, entries: new Map() };
  const keys = SECTIONS.route.keys;
  const { values, lines } = readSection(given, keys, silent, warnings);
  const interval = values.heartbeat_interval;
  const timeout = values.heartbeat_timeout;
  if (timeout < 2 * interval)
    problems.add(
      {
        line: lines.get("heartbeat_timeout") ?? lines.get("heartbeat_interval"),
        section: "route",
        key: "heartbeat_timeout",
      },
      `found ${timeout} with heartbeat_interval ${interval}, allowed at least twice the interval: one lost sign of life is no loss of the hub`,
    );
  refuseLinkPort("route", values.ip, lines.get("port"), problems);
  return {
    ip: values.ip,
    port: values.port,
    authkey: values.authkey,
    fingerprint: values.fingerprint,
    heartbeatIntervalMs: interval,
    heartbeatTimeoutMs: timeout,
    retryIntervalMs: values.retry_interval,
    proxyProtocol: values.proxy_protocol,
    proxyFrom: values.proxy_from,
    connectLine: values.connect_line,
    state: values.state,
  };
}
