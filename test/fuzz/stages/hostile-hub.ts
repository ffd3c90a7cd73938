// The other way round: the fuzzer is the hub, and real nodes dial it again and again. Their terminals have to answer
// whatever the hub says.

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { HostKey } from "../../../src/keys/host-key.js";
import { Identity } from "../../../src/keys/identity.js";
import { isHintFor } from "../../../src/keys/psk.js";
import { secureAsServer } from "../../../src/net/secure.js";
import { TLS_FIRST_BYTE } from "../../../src/wire/client-hello.js";
import { within } from "../../support/deadline.js";
import { openLinkKey } from "../../support/link-key.js";
import { reservePort } from "../../support/ports.js";
import { MAGIC, type Meaning } from "../magic.js";
import { ECHO_DEADLINE_MS, opened, Service, type Stage } from "../stage.js";
import { Suspect } from "../suspect.js";

const NODES = 4;
const HANDSHAKE_MS = 8_000;

export class HostileHubStage implements Stage {
  readonly suspects: Suspect[] = [];
  private readonly hostKey = HostKey.generate();
  private readonly challenge = Identity.generate();
  private hub: Service | undefined;
  private echo: Service | undefined;
  private readonly links: Socket[] = [];
  private readonly legs: Socket[] = [];
  private readonly waiting: { links: (() => void)[]; legs: (() => void)[] } = {
    ...{ links: [], legs: [] },
  };

  static start(): Promise<HostileHubStage> {
    return opened(new HostileHubStage());
  }

  /** Each node's terminal still answers. */
  async checkHealth(): Promise<void> {
    for (const suspect of this.suspects) {
      const from = suspect.answers;
      suspect.send("show vnet --json");
      await within(
        `${suspect.name}'s terminal answers`,
        (async () => {
          while (suspect.answers === from) {
            if (suspect.fault !== null) throw new Error(suspect.fault);
            await new Promise((resolve) => setTimeout(resolve, 20));
          }
        })(),
        ECHO_DEADLINE_MS,
      );
    }
  }

  /** The next node that dials, nothing read of it. */
  nextLink(): Promise<Socket> {
    return this.next("links", 30_000);
  }

  get hasLegs(): boolean {
    return this.legs.some((leg) => !leg.destroyed);
  }

  /** The next leg that a node opens for an offer, its ticket unread. */
  nextLeg(): Promise<Socket> {
    return this.next("legs", 30_000);
  }

  /** TLS with that node, and what the words of a good `proof` are on this connection. */
  async secure(socket: Socket): Promise<{ duplex: Duplex; meaning: Meaning }> {
    const key = await openLinkKey();
    const { duplex, binding } = await secureAsServer(
      socket,
      (hint) => (isHintFor(hint, key) ? key.psk : null),
      HANDSHAKE_MS,
    );
    const words: [string, string][] = [
      [MAGIC.key, this.hostKey.publicKey.toString("base64")],
      [MAGIC.signature, this.hostKey.prove(binding).toString("base64")],
      [MAGIC.challenge, this.challenge.publicKey.toString("base64")],
    ];
    const meaning = words.map(
      ([magic, real]) => [Buffer.from(magic), Buffer.from(real)] as const,
    );
    return { duplex, meaning };
  }

  async close(): Promise<void> {
    for (const suspect of [...this.suspects].reverse()) await suspect.close();
    await this.hub?.close();
    await this.echo?.close();
  }

  async open(): Promise<void> {
    this.echo = await Service.echo();
    this.hub = await Service.start((socket) => {
      socket.once("readable", () => {
        const first = socket.read(1) as Buffer | null;
        if (first === null) {
          socket.destroy();
          return;
        }
        socket.unshift(first);
        this.sort(socket, first[0] === TLS_FIRST_BYTE ? "links" : "legs");
      });
    });
    for (let index = 1; index <= NODES; index++) {
      const encrypt = index % 2 === 0;
      const node = new Suspect(
        `node-${index}`,
        "vnet",
        `[route]\nip = 127.0.0.1\nport = ${this.hub.port}\nretry_interval = 100\n[vnet]\nname = node-${index}\nterminal = true\nencrypt = ${encrypt}\nunserve_num = 20\n[serve.echo]\nserveid = 700\nport = ${this.echo.port}\n[use.other]\nserveid = 12\nport = ${await reservePort()}\n[use.named]\nserve = serve\nport = ${await reservePort()}\n[use.loan]\nto = b:9\nport = ${await reservePort()}\n`,
      );
      this.suspects.push(node);
    }
    await this.checkHealth();
  }

  private sort(socket: Socket, kind: "links" | "legs"): void {
    const list = this[kind];
    // Whoever waits longest is let go: nodes come back by themselves.
    if (list.length >= 64) list.shift()?.destroy();
    list.push(socket);
    this.waiting[kind].shift()?.();
  }

  private async next(
    kind: "links" | "legs",
    timeoutMs: number,
  ): Promise<Socket> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const socket = this[kind].shift();
      if (socket !== undefined && !socket.destroyed) return socket;
      if (socket !== undefined) continue;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`no node came (${kind})`);
      const news = new Promise<void>((resolve) =>
        this.waiting[kind].push(resolve),
      );
      await within("a node", news, left);
    }
  }
}
