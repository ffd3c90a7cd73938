// Typed configurations of nodes, made from the few fields that a test cares
// about. The others have the defaults of the file.

import type {
  NodeConfig,
  ServeSettings,
  UseSettings,
  VnetSettings,
} from "../../src/config/config.js";

export interface NodeSettings {
  name: string;
  group?: string;
  vnet?: Partial<VnetSettings>;
  serves?: ServeSettings[];
  uses?: UseSettings[];
}

export function nodeSettings(hubPort: number, node: NodeSettings): NodeConfig {
  return {
    route: { ip: "127.0.0.1", port: hubPort },
    vnet: {
      name: node.name,
      group: node.group ?? "default",
      terminal: false,
      startserve: true,
      startuse: true,
      allowUnserve: false,
      unserveRemote: false,
      unserveNum: 1,
      unserveTtlSeconds: 180,
      unserveLingerSeconds: 60,
      ...node.vnet,
    },
    serves: node.serves ?? [],
    uses: node.uses ?? [],
    warnings: [],
  };
}

export function serveSettings(
  label: string,
  serve: Partial<ServeSettings> & { port: number },
): ServeSettings {
  return {
    label,
    serveid: 0,
    type: "tcp",
    ip: "127.0.0.1",
    name: label,
    info: "",
    active: true,
    ...serve,
  };
}

export function useSettings(
  label: string,
  use: Partial<UseSettings> & { serveid: number; port: number },
): UseSettings {
  return { label, ip: "127.0.0.1", active: true, ...use };
}
