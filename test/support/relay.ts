// A bad line between nodes and their hub: a TCP relay that cuts, stalls or swallows what it carries, at will, all of
// it or only control links or only legs.

import { once } from "node:events";
import {
  connect,
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { TLS_FIRST_BYTE } from "../../src/wire/client-hello.js";

/** stall: nothing moves, and nothing is lost; swallow: everything vanishes, and nobody is told, not of ends either. */
export type LineMode = "pass" | "stall" | "swallow";
export type Which = "all" | "control" | "legs";

class Line {
  kind: "control" | "legs" | "unknown" = "unknown";
  private mode: LineMode = "pass";
  private readonly sockets: readonly [Socket, Socket];

  constructor(node: Socket, hub: Socket, onClose: () => void) {
    this.sockets = [node, hub];
    let open = 2;
    for (const [from, to] of [
      [node, hub],
      [hub, node],
    ] as const) {
      from.setNoDelay(true);
      from.on("data", (chunk: Buffer) => {
        if (from === node && this.kind === "unknown")
          this.kind = chunk[0] === TLS_FIRST_BYTE ? "control" : "legs";
        if (this.mode === "swallow" || to.destroyed) return;
        if (!to.write(chunk)) from.pause();
      });
      to.on("drain", () => this.mode !== "stall" && from.resume());
      from.once("end", () => this.mode !== "swallow" && to.end());
      from.on("error", () => this.mode !== "swallow" && resetSocket(to));
      from.once("close", () => {
        if (this.mode !== "swallow" && !from.readableEnded) resetSocket(to);
        if (--open === 0) onClose();
      });
    }
  }

  become(mode: LineMode): void {
    // What vanished once is missing for ever.
    if (this.mode === "swallow") return;
    this.mode = mode;
    for (const socket of this.sockets)
      if (mode === "stall") socket.pause();
      else socket.resume();
  }

  cut(how: "reset" | "fin"): void {
    for (const socket of this.sockets)
      if (how === "reset") resetSocket(socket);
      else socket.destroy();
  }
}

export class Relay {
  private readonly lines = new Set<Line>();
  private mode: LineMode = "pass";
  private which: Which = "all";

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** @param target the port of 127.0.0.1 to which it passes everything on */
  static async start(target: number): Promise<Relay> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const relay = new Relay(server, (server.address() as AddressInfo).port);
    server.on("connection", (node) => {
      const where = { port: target, host: "127.0.0.1", allowHalfOpen: true };
      const line = new Line(node, connect(where), () => {
        relay.lines.delete(line);
      });
      relay.lines.add(line);
      // What begins in bad times has not said yet what it is.
      if (relay.which === "all") line.become(relay.mode);
    });
    return relay;
  }

  /** Those that are open, and with `all` those that come, too. */
  become(mode: LineMode, which: Which = "all"): void {
    this.mode = mode;
    this.which = which;
    for (const line of this.chosen(which)) line.become(mode);
  }

  /** What stalled goes on; what was swallowed stays lost; what comes now passes. */
  heal(): void {
    this.become("pass");
  }

  /** Ends what is open, also what was swallowed, by resets or by FINs. */
  cut(how: "reset" | "fin" = "reset", which: Which = "all"): void {
    for (const line of this.chosen(which)) line.cut(how);
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private chosen(which: Which): Line[] {
    return [...this.lines].filter(
      ({ kind }) => which === "all" || kind === which,
    );
  }
}

function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  socket.on("error", () => undefined);
  if (socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
