// port-proxy's YAML, both sides: the server becomes a hub with public ports,
// the client a node that lets them reach its own ports. Pure.

import { LABEL, PORT } from "../config/value.js";
import { ENDPOINT } from "./endpoint.js";
import { Labels, NAME, plainName, renamed } from "./labels.js";
import { leftoverComments } from "./leftovers.js";
import { Listeners } from "./listeners.js";
import type { Mapping } from "./mapping.js";
import type { Comment, Imported, Item, Section } from "./outline.js";
import { routeSection } from "./route-section.js";

/** The most that [vnet] allows: the hub may have any number of ports. */
const UNSERVES = 100;
const NOWHERE = { ip: "", port: 0 };

export function importPortProxyServer(root: Mapping): Imported {
  const bind = root.need("bind", ENDPOINT, NOWHERE);
  const labels = new Labels();
  const listeners = new Listeners();
  listeners.add(root, "bind", bind.ip, bind.port);
  const remotes = root
    .list("proxy")
    .flatMap((remote) => publicPorts(remote, labels, listeners));
  return {
    from: "port-proxy's YAML (server)",
    program: "route",
    items: [...leftoverComments(root.rest()), routeSection(bind), ...remotes],
  };
}

function publicPorts(
  remote: Mapping,
  labels: Labels,
  listeners: Listeners,
): Item[] {
  const name = remote.need("remote_name", NAME, "");
  const ports = remote.list("port_list");
  return [
    ...renamed(name),
    ...leftoverComments(remote.rest()),
    ...(ports.length === 0 ? [{ comment: `${name}: has no ports` }] : []),
    ...(ports.length > UNSERVES
      ? [
          {
            comment: `${name} has ${ports.length} ports, and a node answers for ${UNSERVES} such at a time (unserve_num): give it a [serve.X] for each of its services, and the ports serve=X@${plainName(name)} in place of to=.`,
            isLost: true,
          },
        ]
      : []),
    ...ports.map((port) => publicPort(port, name, labels, listeners)),
  ];
}

function publicPort(
  entry: Mapping,
  name: string,
  labels: Labels,
  listeners: Listeners,
): Section | Comment {
  const type = entry.take("type", LABEL) ?? "tcp";
  const bind = entry.need("bind", ENDPOINT, NOWHERE);
  const remote = entry.need("remote", PORT, 0);
  const rest = leftoverComments(entry.rest());
  if (type !== "tcp" && type !== "http")
    return {
      isLost: true,
      comment: `not imported: the ${type} port ${bind.ip}:${bind.port} to port ${remote} of ${name} (TCP only)`,
    };
  listeners.add(entry, "bind", bind.ip, bind.port);
  return {
    title: labels.make("public", `${name}-${bind.port}`),
    lines: [
      ...rest,
      ...(type === "http" ? [HTTP] : []),
      { key: "to", value: `${plainName(name)}:${remote}` },
      { key: "ip", value: bind.ip },
      { key: "port", value: bind.port },
    ],
  };
}

const HTTP: Comment = {
  comment:
    "type: http: the bytes pass as they are. To have the Host header rewritten, the node needs a [serve.X] with type=http and host=, and this section serve=X instead of to=.",
};

export function importPortProxyClient(root: Mapping): Imported {
  const name = root.need("name", NAME, "");
  const server = root.need("server", ENDPOINT, NOWHERE);
  return {
    from: "port-proxy's YAML (client)",
    program: "vnet",
    items: [
      ...leftoverComments(root.rest()),
      routeSection(server),
      {
        title: "vnet",
        lines: [
          ...renamed(name),
          { key: "name", value: plainName(name) },
          {
            comment:
              "The hub's [public.X] sections decide which ports of this machine are reached, so it answers requests for services that it has not registered: on its own loopback addresses only, but for every node of its group. A [serve.X] for each service and allow_unserve=false is narrower.",
          },
          { key: "allow_unserve", value: true },
          { key: "unserve_num", value: UNSERVES },
        ],
      },
    ],
  };
}
