// The settings that frpc and frps have in common: token, heartbeat, log. Pure.

import { BOOLEAN, PATH, type ValueKind } from "../config/value.js";
import { TEXT } from "./frp.js";
import type { Mapping } from "./mapping.js";
import type { Section } from "./outline.js";
import type { RouteParts } from "./route-section.js";

/** Seconds; frp writes 0 or less for "none". */
const SECONDS: ValueKind<number> = {
  allowed: "a whole number of seconds up to 86400",
  parse: (text) =>
    /^-?[0-9]{1,5}$/.test(text) && Number(text) <= 86_400
      ? Number(text)
      : undefined,
};

export function frpToken(root: Mapping): Pick<RouteParts, "key" | "keyName"> {
  const auth = root.child("auth");
  // The method `token` says nothing new; others are left over, for a comment.
  if (auth.peek("method") === "token") auth.take("method", TEXT);
  if (root.peek("authentication_method") === "token")
    root.take("authentication_method", TEXT);
  const nested = auth.take("token", TEXT);
  const flat = root.take("token", TEXT);
  const key = nested ?? flat;
  const name = nested === undefined ? "token" : "auth.token";
  return { key, keyName: name };
}

/** frp's 0 and -1 (no heartbeat) have no counterpart: the defaults count. */
export function frpHeartbeat(
  root: Mapping,
): Pick<RouteParts, "heartbeatMs" | "timeoutMs"> {
  const transport = root.child("transport");
  const take = (name: string, old: string) => {
    const seconds =
      transport.take(name, SECONDS) ?? root.take(old, SECONDS) ?? 0;
    return seconds > 0 ? seconds * 1000 : undefined;
  };
  const heartbeatMs = take("heartbeatInterval", "heartbeat_interval");
  const timeoutMs = take("heartbeatTimeout", "heartbeat_timeout");
  // What vnet does anyway needs no word.
  for (const [mapping, key] of [
    [transport, "protocol"],
    [root, "protocol"],
  ] as const)
    if (mapping.peek(key) === "tcp") mapping.take(key, TEXT);
  for (const key of ["tcpMux"])
    if (transport.peek(key) === true) transport.take(key, BOOLEAN);
  return { heartbeatMs, timeoutMs };
}

const LEVELS = ["trace", "debug", "info", "warn", "error"];

const LEVEL: ValueKind<string> = {
  allowed: LEVELS.join(", "),
  parse: (text) => LEVELS.find((level) => level === text),
};

/** [log], where the file says something that is not so anyway. */
export function frpLog(root: Mapping): Section[] {
  const log = root.child("log");
  const to = log.take("to", PATH) ?? root.take("log_file", PATH) ?? "console";
  const level = log.take("level", LEVEL) ?? root.take("log_level", LEVEL);
  const lines = [
    ...(level === undefined || level === "info"
      ? []
      : [{ key: "level", value: level === "trace" ? "debug" : level }]),
    ...(to === "console" ? [] : [{ key: "file", value: to }]),
  ];
  return lines.length === 0 ? [] : [{ title: "log", lines }];
}
