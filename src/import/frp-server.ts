// frps → the hub. Its ports for everybody are in the clients' files, so they
// come with the import of those. Pure.

import { HOST, PORT, type ValueKind } from "../config/value.js";
import { TEXT, type FrpFile } from "./frp.js";
import type { FrpServer, PortRange } from "./frp-ports.js";
import { FRPS_REASONS, LOGIN_PLUGIN_SECTION } from "./frp-reasons.js";
import { frpHeartbeat, frpLog, frpToken } from "./frp-common.js";
import { ALL_ADDRESSES, goListenAddress } from "./go-listen.js";
import { leftoverComments } from "./leftovers.js";
import type { Mapping } from "./mapping.js";
import type { Imported, Item } from "./outline.js";
import { routeSection } from "./route-section.js";

/** What frp takes where the file says nothing. */
const PORT_DEFAULT = 7000;

export function importFrpServer(
  { format, root, proxies }: FrpFile,
  call: string,
): Imported {
  const { own, ports } = addresses(root);
  const port = root.take(["bindPort", "bind_port"], PORT) ?? PORT_DEFAULT;
  const route = routeSection({
    ip: own,
    port,
    isHub: true,
    ...frpToken(root),
    ...frpHeartbeat(root),
  });
  const log = frpLog(root);
  const others = proxies.map(({ name, mapping }): Item => {
    mapping.take("name", TEXT);
    return name.startsWith("plugin.")
      ? {
          comment: `not imported: ${name} (${LOGIN_PLUGIN_SECTION})`,
          isLost: true,
        }
      : { comment: `not imported: ${name} (a server has no proxies)` };
  });
  const where =
    ports === ALL_ADDRESSES ? "on all addresses" : `on the address ${ports}`;
  return {
    from: `frp's ${format} (frps, the server)`,
    program: "route",
    items: [
      ...leftoverComments(root.rest(), FRPS_REASONS),
      ...others,
      {
        comment: `No port for users stands in this file. In frp they are in the clients' files: importing one of those, \`${call} import FRPC-FILE --server FILE\` with this file, prints a [public.X] section for each port, which frps opens ${where}: ip=${ports}.`,
      },
      route,
      ...log,
    ],
  };
}

/** What the import of a client needs to know. */
export function readFrpServer({ root }: FrpFile, file: string): FrpServer {
  const { ports } = addresses(root);
  return { file, ip: ports, allowed: allowedPorts(root) };
}

function addresses(root: Mapping): { own: string; ports: string } {
  const bind = root.take(["bindAddr", "bind_addr"], HOST);
  const proxies = root.take(["proxyBindAddr", "proxy_bind_addr"], HOST);
  return {
    own: goListenAddress(bind),
    ports: goListenAddress(proxies ?? bind),
  };
}

const NUMBER: ValueKind<number> = {
  allowed: "a port, 0–65535",
  parse: (text) => (/^[0-9]{1,5}$/.test(text) ? Number(text) : undefined),
};

/** New: a list of `{ start, end }` and `{ single }`; old: `2000-3000,3001`. */
function allowedPorts(root: Mapping): PortRange[] | undefined {
  const old = root.take("allow_ports", TEXT);
  const ranges =
    old === undefined
      ? root.list("allowPorts").map((each) => {
          const single = each.take("single", NUMBER) ?? 0;
          if (single > 0) return { first: single, last: single };
          const first = each.take("start", NUMBER) ?? 0;
          return { first, last: each.take("end", NUMBER) ?? 0 };
        })
      : old.split(",").flatMap((part) => {
          const [, first, last = first] =
            /^\s*([0-9]{1,5})\s*(?:-\s*([0-9]{1,5})\s*)?$/.exec(part) ?? [];
          if (first !== undefined)
            return [{ first: Number(first), last: Number(last) }];
          root.complain(
            "allow_ports",
            "found something else, allowed ports and ranges as in 2000-3000,3001",
          );
          return [];
        });
  return ranges.length === 0 ? undefined : ranges;
}
