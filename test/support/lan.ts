// A whole LAN of real programs for end-to-end tests: ./route, and ./vnet nodes
// that are driven by lines on their stdin. Ended by closeLaunched().

import { startHub, startNode, type Hub, type Launched } from "./launch.js";

export interface NodeSketch {
  name: string;
  group?: string;
  /** further lines of [vnet] */
  vnet?: string;
  /** further sections */
  sections?: string;
}

/** The text of a node's configuration. It takes commands from its stdin. */
export function nodeConfig(hubPort: number, sketch: NodeSketch): string {
  return `[route]
ip = 127.0.0.1
port = ${hubPort}

[vnet]
name = ${sketch.name}
group = ${sketch.group ?? "default"}
terminal = true
${sketch.vnet ?? ""}

${sketch.sections ?? ""}
`;
}

export function serveSection(serveid: number, port: number): string {
  return `[serve.s${serveid}]\nserveid = ${serveid}\nport = ${port}\n`;
}

export function useSection(serveid: number, port: number): string {
  return `[use.u${serveid}]\nserveid = ${serveid}\nport = ${port}\n`;
}

/** A node that joined its hub. */
export async function startMember(
  hub: Pick<Hub, "port">,
  sketch: NodeSketch,
): Promise<Launched> {
  const node = startNode(nodeConfig(hub.port, sketch));
  await node.waitForOutput("connected to the hub");
  return node;
}

export { startHub };

/** Sends a command with --json and resolves with the document it prints. */
export async function askJson<T>(node: Launched, command: string): Promise<T> {
  const from = node.stdout.length;
  node.send(`${command} --json`);
  return node.waitFor(
    () => {
      // Commands sent before may print theirs first.
      const document = /^[[{].*(?=\n)/m.exec(node.stdout.slice(from))?.[0];
      return document === undefined ? null : (JSON.parse(document) as T);
    },
    `answer ${command}`,
    30_000,
  );
}

export interface UseRow {
  serveid: string;
  ip: string;
  port: number;
  active: boolean;
  state: string;
  error: string | null;
  remote: { vnet: string; vnetid: string; name: string } | null;
}

/** Resolves with the use's row as soon as it is in that state. */
export async function untilUse(
  node: Launched,
  serveid: number,
  state: string,
  timeoutMs = 30_000,
): Promise<UseRow> {
  return untilRow<UseRow>(
    node,
    "show use",
    (row) => Number(row.serveid) === serveid && row.state === state,
    `use ${serveid} is ${state}`,
    timeoutMs,
  );
}

/** Asks again until a row fits; rejects with the last answer. */
export async function untilRow<Row>(
  node: Launched,
  command: string,
  fits: (row: Row) => boolean,
  what: string,
  timeoutMs = 30_000,
): Promise<Row> {
  const deadline = Date.now() + timeoutMs;
  let rows: Row[] = [];
  while (Date.now() < deadline) {
    rows = await askJson<Row[]>(node, command);
    const row = rows.find(fits);
    if (row !== undefined) return row;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  throw new Error(
    `not within ${timeoutMs} ms: ${what}; last answer ${JSON.stringify(rows)}`,
  );
}

export interface VnetView {
  vnetid: string;
  link_state: string;
  streams: { now: number; total: number };
  channels: { idle: number; busy: number };
}

/** Resolves when `show vnet` fits. */
export async function untilVnet(
  node: Launched,
  fits: (view: VnetView) => boolean,
  what: string,
  timeoutMs = 30_000,
): Promise<VnetView> {
  const deadline = Date.now() + timeoutMs;
  let view: VnetView | undefined;
  while (Date.now() < deadline) {
    view = await askJson<VnetView>(node, "show vnet");
    if (fits(view)) return view;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(
    `not within ${timeoutMs} ms: ${what}; last answer ${JSON.stringify(view)}`,
  );
}
