// The [route] section of an imported configuration: where the hub is, who may
// use it, and how soon silence counts. Pure.

import { ROUTE_KEYS } from "../config/route-keys.js";
import { AUTO, SECRET, type ValueKind } from "../config/value.js";
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
  /** the hub's own file: a key that cannot be kept is replaced, as a hub without one is open to all */
  readonly isHub?: boolean;
  /** the groups have keys of their own, and nobody else is let in */
  readonly isClosed?: boolean;
  /** how the file calls that key: `auth.token` */
  readonly keyName?: string;
  readonly retryMs?: number | undefined;
  readonly heartbeatMs?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/** What both programs take where the file says nothing. */
const HEARTBEAT_MS = ROUTE_KEYS.heartbeat_interval.fallback;
const TIMEOUT_MS = ROUTE_KEYS.heartbeat_timeout.fallback;

export function routeSection(parts: RouteParts): Section {
  const { ip, port, retryMs } = parts;
  return {
    title: "route",
    lines: [
      { key: "ip", value: ip },
      { key: "port", value: port },
      ...(parts.isClosed === true
        ? [{ key: "authkey", value: AUTO }]
        : authkeyLines(parts.key, parts.keyName ?? "", parts.isHub ?? false)),
      ...retryLines(retryMs),
      ...heartbeatLines(parts.heartbeatMs, parts.timeoutMs),
    ],
  };
}

function authkeyLines(
  key: string | undefined,
  keyName: string,
  isHub: boolean,
): (Comment | Entry)[] {
  const advice =
    "make one with keygen and write authkey=... here, the same on the hub and on every node";
  if (key === undefined)
    return [
      {
        comment: `No authkey, so whoever reaches the hub may use it: ${advice}.`,
      },
    ];
  if (SECRET.parse(key) !== undefined) return [{ key: "authkey", value: key }];
  const why = `not imported: ${keyName} (an authkey has 8–256 printable characters)`;
  return isHub
    ? [
        {
          comment: `${why}: the hub makes another one at its first start, and prints it once; write it as authkey=... on every node.`,
          isLost: true,
        },
        { key: "authkey", value: AUTO },
      ]
    : [{ comment: `${why}: ${advice}.`, isLost: true }];
}

/** What our own reader would refuse is not printed as a setting. */
function heartbeatLines(
  heartbeatMs: number | undefined,
  timeoutMs: number | undefined,
): (Comment | Entry)[] {
  const interval = heartbeatMs ?? HEARTBEAT_MS;
  const timeout =
    timeoutMs ?? (2 * interval <= TIMEOUT_MS ? TIMEOUT_MS : 3 * interval);
  if (
    timeout < 2 * interval ||
    !accepts(ROUTE_KEYS.heartbeat_interval, interval) ||
    !accepts(ROUTE_KEYS.heartbeat_timeout, timeout)
  )
    return [
      {
        comment: `not imported: a heartbeat every ${interval} ms with a timeout of ${timeout} ms (the timeout must be at least twice as long, and at most an hour; the defaults are ${HEARTBEAT_MS} and ${TIMEOUT_MS})`,
      },
    ];
  return [
    ...(heartbeatMs === undefined
      ? []
      : [{ key: "heartbeat_interval", value: heartbeatMs }]),
    ...(timeout === TIMEOUT_MS && timeoutMs === undefined
      ? []
      : [{ key: "heartbeat_timeout", value: timeout }]),
  ];
}

function retryLines(retryMs: number | undefined): (Comment | Entry)[] {
  if (retryMs === undefined) return [];
  if (accepts(ROUTE_KEYS.retry_interval, retryMs))
    return [{ key: "retry_interval", value: retryMs }];
  return [
    {
      comment: `not imported: a new attempt every ${retryMs} ms (100 to 600000 ms are possible; without it, 200 growing to 1000)`,
    },
  ];
}

function accepts({ kind }: { kind: ValueKind<number> }, value: number) {
  return kind.parse(String(value)) !== undefined;
}
