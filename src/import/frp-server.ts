// frps → the hub. Its ports for everybody are in the clients' files, so they
// come with the import of those. Pure.

import { HOST, PORT } from "../config/value.js";
import { TEXT, type FrpFile } from "./frp.js";
import { FRPS_REASONS, LOGIN_PLUGIN_SECTION } from "./frp-reasons.js";
import { frpHeartbeat, frpLog, frpToken } from "./frp-common.js";
import { leftoverComments } from "./leftovers.js";
import type { Imported, Item } from "./outline.js";
import { routeSection } from "./route-section.js";

/** What frp takes where the file says nothing. */
const PORT_DEFAULT = 7000;

export function importFrpServer({ format, root, proxies }: FrpFile): Imported {
  const ip = root.take(["bindAddr", "bind_addr"], HOST) ?? "0.0.0.0";
  const port = root.take(["bindPort", "bind_port"], PORT) ?? PORT_DEFAULT;
  const route = routeSection({
    ip,
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
  return {
    from: `frp's ${format} (frps, the server)`,
    program: "route",
    items: [
      ...leftoverComments(root.rest(), FRPS_REASONS),
      ...others,
      {
        comment:
          "No port for users stands in this file. In frp they are in the clients' files: importing one of those prints a [public.X] section for each port.",
      },
      route,
      ...log,
    ],
  };
}
