// The [route] section of an imported configuration: where the hub is, who may
// use it, and how soon silence counts. Pure.

import { SECRET, type ValueKind } from "../config/value.js";
import type { Comment, Entry, Section } from "./outline.js";

/** Milliseconds up to a day. */
export const MILLISECONDS: ValueKind<number> = {
  allowed: "a whole number of milliseconds, 1–86400000",
  parse: (text) =>
    /^[1-9][0-9]{0,7}$/.test(text) && Number(text) <= 86_400_000
      ? Number(text)
      : undefined,
};

export interface RouteParts {
  readonly ip: string;
  readonly port: number;
  /** what keeps strangers out, as written there; absent: nothing did */
  readonly key?: string | undefined;
  /** how the file calls that key: `auth.token` */
  readonly keyName?: string;
  readonly retryMs?: number | undefined;
  readonly heartbeatMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What both programs take where the file says nothing. */
const HEARTBEAT_MS = 4_000;
const TIMEOUT_MS = 12_000;

export function routeSection(parts: RouteParts): Section {
  const { ip, port, retryMs } = parts;
  return {
    title: "route",
    lines: [
      { key: "ip", value: ip },
      { key: "port", value: port },
      ...authkeyLines(parts.key, parts.keyName ?? ""),
      ...(retryMs === undefined
        ? []
        : [{ key: "retry_interval", value: retryMs }]),
      ...heartbeatLines(parts.heartbeatMs, parts.timeoutMs),
    ],
  };
}

function authkeyLines(
  key: string | undefined,
  keyName: string,
): (Comment | Entry)[] {
  const advice =
    "make one with `./vnet keygen` and write authkey=... here, the same on the hub and on every node";
  if (key === undefined)
    return [
      {
        comment: `No authkey, so whoever reaches the hub may use it: ${advice}.`,
      },
    ];
  if (SECRET.parse(key) !== undefined) return [{ key: "authkey", value: key }];
  return [
    {
      comment: `not imported: ${keyName} (an authkey has 8–256 printable characters): ${advice}.`,
    },
  ];
}

/** A timeout that is not longer than the interval would end every link. */
function heartbeatLines(
  heartbeatMs: number | undefined,
  timeoutMs: number | undefined,
): (Comment | Entry)[] {
  const interval = heartbeatMs ?? HEARTBEAT_MS;
  const timeout =
    timeoutMs ??
    (interval < TIMEOUT_MS ? undefined : Math.min(3 * interval, 86_400_000));
  if ((timeout ?? TIMEOUT_MS) <= interval)
    return [
      {
        comment: `not imported: a heartbeat every ${interval} ms with a timeout of ${timeout ?? TIMEOUT_MS} ms (the timeout must be longer; the defaults are ${HEARTBEAT_MS} and ${TIMEOUT_MS})`,
      },
    ];
  return [
    ...(heartbeatMs === undefined
      ? []
      : [{ key: "heartbeat_interval", value: heartbeatMs }]),
    ...(timeout === undefined
      ? []
      : [{ key: "heartbeat_timeout", value: timeout }]),
  ];
}
