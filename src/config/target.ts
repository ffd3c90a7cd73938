// What a use wants: a serveid, a serve's name, or an address at a node that nobody has registered. Pure.

import { formatServeid, SERVEID, type UseSettings } from "./config.js";

export type UseTarget =
  | { kind: "none" }
  | { kind: "id"; serveid: number }
  /** `node` null: whoever offers it */
  | { kind: "name"; name: string; node: string | null }
  | { kind: "to"; node: string; ip: string; port: number };

type Wanted = Pick<UseSettings, "serveid" | "serve" | "to">;

export function targetOf({ serveid, serve, to }: Wanted): UseTarget {
  if (serve !== "") return { kind: "name", ...parseName(serve) };
  const address = parseTo(to);
  if (address !== null)
    return { kind: "to", ...address, port: Number(address.port) };
  return serveid === SERVEID.none ? { kind: "none" } : { kind: "id", serveid };
}

/** As a person wrote it: `700`, `mysql@home`, `home:127.0.0.1:22`; `000` where nothing is wanted. */
export function formatWanted({ serveid, serve, to }: Wanted): string {
  return serve || to || formatServeid(serveid);
}

/** The last `@` counts, so that a serve's name may contain one. */
export function parseName(text: string): { name: string; node: string | null } {
  const at = text.lastIndexOf("@");
  if (at < 0) return { name: text, node: null };
  return { name: text.slice(0, at), node: text.slice(at + 1) };
}

/** `NODE:PORT` means the node's own loopback. Null where the text has no such form; the parts are not checked. */
export function parseTo(
  text: string,
): { node: string; ip: string; port: string } | null {
  const match = /^([^:]+):(?:(\[[^\]]*\]|[^:[\]]+):)?([0-9]+)$/.exec(text);
  const [, node, ip = "127.0.0.1", port] = match ?? [];
  if (node === undefined || port === undefined) return null;
  return { node, ip: ip.replace(/^\[(.*)\]$/, "$1"), port };
}
