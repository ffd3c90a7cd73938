// rathole's TOML, client and server: a service of the client becomes a serve,
// one of the server a public port. A token opens its services and no others,
// so all services of one token are a group of nodes, with that token as its authkey. Pure.

import { createHash } from "node:crypto";
import { SECRET, type ValueKind } from "../config/value.js";
import { ENDPOINT } from "./endpoint.js";
import { Labels, plainName, renamed } from "./labels.js";
import { leftoverComments, loses, type Reasons } from "./leftovers.js";
import { Listeners } from "./listeners.js";
import { isRecord, type Mapping } from "./mapping.js";
import type { Comment, Imported, Item, Section } from "./outline.js";
import { severalParts } from "./parts.js";
import { routeSection } from "./route-section.js";

export type RatholeSide = "client" | "server";

/** Null: it is none of rathole. Where a file has both, both are read. */
export function ratholeSide(value: unknown): RatholeSide | null {
  if (!isRecord(value)) return null;
  const { client, server } = value;
  const is = (part: unknown, address: string) =>
    isRecord(part) && isRecord(part.services) && Object.hasOwn(part, address);
  if (is(client, "remote_addr")) return "client";
  return is(server, "bind_addr") ? "server" : null;
}

const NOWHERE = { ip: "", port: 0 };

const TOKEN: ValueKind<string> = {
  allowed: "text",
  isSecret: true,
  parse: (text) => text,
};

const SECONDS: ValueKind<number> = {
  allowed: "a whole number of seconds up to 86400",
  parse: (text) =>
    /^[0-9]{1,5}$/.test(text) && Number(text) <= 86_400
      ? Number(text)
      : undefined,
};

const OWN_KEY =
  "the way to the hub is always encrypted, and the hub proves a key of its own; write fingerprint= of the hub, which it prints at its start, to have it from the beginning";
const REASONS: Reasons = {
  "transport.noise": OWN_KEY,
  "transport.tls": OWN_KEY,
  "transport.type": OWN_KEY,
  "transport.websocket": "TCP only; see the forms of ip= in [route]",
  "transport.tcp.proxy": loses(
    "no counterpart; where no other way leads to the hub, write ip='exec:PROGRAM' with one that goes through the proxy",
  ),
  "transport.tcp": "Nagle is off, and keep-alive is on",
  nodelay: "Nagle is off",
};

interface Service {
  readonly name: string;
  readonly token: string;
  readonly items: readonly Item[];
}

export function importRathole(root: Mapping, side: RatholeSide): Imported {
  const other: RatholeSide = side === "client" ? "server" : "client";
  const both: Comment[] = root.has(other)
    ? [
        {
          comment: `not imported: the other half of the file, [${other}]; import it from a file of its own, without [${side}]`,
          isLost: true,
        },
      ]
    : [];
  const own = root.child(side);
  const { program, items } =
    side === "client" ? readClient(own) : readServer(own);
  const rest = leftoverComments(
    own
      .rest()
      .map((each) => ({ ...each, key: each.key.slice(side.length + 1) })),
    REASONS,
  );
  return {
    from: `rathole's TOML (${side})`,
    program,
    items: [...both, ...rest, ...items],
  };
}

function readClient(client: Mapping): {
  program: "vnet";
  items: readonly Item[];
} {
  const hub = client.need("remote_addr", ENDPOINT, NOWHERE);
  const retry = client.take("retry_interval", SECONDS);
  const timeout = client.take("heartbeat_timeout", SECONDS) ?? 0;
  const labels = new Labels();
  const services = readServices(client, (service, name): Item[] => {
    const target = service.need("local_addr", ENDPOINT, NOWHERE);
    service.take("retry_interval", SECONDS);
    return [
      {
        title: labels.make("serve", name),
        lines: [
          ...leftoverComments(service.rest(), REASONS),
          ...renamed(name),
          { key: "name", value: plainName(name) },
          { key: "ip", value: target.ip },
          { key: "port", value: target.port },
          {
            comment:
              "As with rathole: a later client with this service takes it over.",
          },
          { key: "share", value: "takeover" },
        ],
      },
    ];
  });
  const parts = byToken(services).map(({ token, members }) => ({
    title: members.map(({ name }) => name).join(", "),
    items: [
      routeSection({
        ...hub,
        key: token === "" ? undefined : token,
        keyName: "the token",
        ...(retry === undefined || retry === 0
          ? {}
          : { retryMs: retry * 1000 }),
        ...(timeout === 0 ? {} : { timeoutMs: timeout * 1000 }),
      }),
      groupSection(token),
      ...members.flatMap(({ items }) => items),
    ],
  }));
  return {
    program: "vnet",
    items: severalParts(
      parts,
      "The file has several tokens, and a node has one group and one key",
    ),
  };
}

function groupSection(token: string): Section {
  return {
    title: "vnet",
    lines: [
      {
        comment:
          "The group of all services with this token; its name is made of the token, so that both sides have the same.",
      },
      { key: "group", value: groupOf(token) },
    ],
  };
}

function readServer(server: Mapping): {
  program: "route";
  items: readonly Item[];
} {
  const bind = server.need("bind_addr", ENDPOINT, NOWHERE);
  const interval = server.take("heartbeat_interval", SECONDS) ?? 0;
  const labels = new Labels();
  const listeners = new Listeners();
  listeners.add(server, "bind_addr", bind.ip, bind.port);
  const services = readServices(server, (service, name, token): Item[] => {
    const at = service.need("bind_addr", ENDPOINT, NOWHERE);
    listeners.add(service, "bind_addr", at.ip, at.port);
    return [
      {
        title: labels.make("public", name),
        lines: [
          ...leftoverComments(service.rest(), REASONS),
          ...renamed(name),
          { key: "serve", value: plainName(name) },
          { key: "group", value: groupOf(token) },
          { key: "ip", value: at.ip },
          { key: "port", value: at.port },
          ...(isKey(token) ? [] : [{ key: "active", value: false }]),
        ],
      },
    ];
  });
  return {
    program: "route",
    items: [
      routeSection({
        ...bind,
        isClosed: true,
        ...(interval === 0 ? {} : { heartbeatMs: interval * 1000 }),
      }),
      ...byToken(services).map(({ token, members }): Item => {
        const names = members.map(({ name }) => name).join(", ");
        return isKey(token)
          ? {
              title: `group.${groupOf(token)}`,
              lines: [
                { comment: `The services with this token: ${names}.` },
                { key: "authkey", value: token },
              ],
            }
          : {
              comment: `not imported: the token of ${names} (an authkey has 8–256 printable characters): make one with keygen, write it as authkey= of a section [group.${groupOf(token)}] here and of [route] at the client, and take active=false away.`,
              isLost: true,
            };
      }),
      ...services.flatMap(({ items }) => items),
    ],
  };
}

function readServices(
  side: Mapping,
  make: (service: Mapping, name: string, token: string) => Item[],
): Service[] {
  const all = side.take("default_token", TOKEN);
  return side.sections("services").map(([name, service]) => {
    const token = service.take("token", TOKEN) ?? all;
    if (token === undefined)
      service.complain("token", "found none, and no default_token");
    const type = service.take("type", TOKEN) ?? "tcp";
    if (type === "tcp")
      return {
        name,
        token: token ?? "",
        items: make(service, name, token ?? ""),
      };
    const keys = service.rest().map(({ shown }) => shown);
    const comment = `not imported: the service ${name} of type ${type} (TCP only): ${keys.join("; ")}`;
    return { name, token: token ?? "", items: [{ comment, isLost: true }] };
  });
}

function byToken(
  services: readonly Service[],
): { token: string; members: Service[] }[] {
  const tokens = [...new Set(services.map(({ token }) => token))];
  return tokens.map((token) => ({
    token,
    members: services.filter((each) => each.token === token),
  }));
}

function isKey(token: string): boolean {
  return SECRET.parse(token) !== undefined;
}

/** Both sides make it of the same token. Of so few digits nobody learns the token. */
function groupOf(token: string): string {
  const hash = createHash("sha256").update(`rathole ${token}`).digest("hex");
  return `rathole-${hash.slice(0, 6)}`;
}
