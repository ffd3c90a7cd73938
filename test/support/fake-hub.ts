// A port that accepts as the hub's does and speaks by hand: it proves an open
// hub's keys, and then says what a test wants.

import { HostKey } from "../../src/keys/host-key.js";
import { Identity } from "../../src/keys/identity.js";
import { isHintFor } from "../../src/keys/psk.js";
import { Listener } from "../../src/net/listener.js";
import { secureAsServer } from "../../src/net/secure.js";
import { encodeFrame } from "../../src/wire/frame.js";
import type { Duplex } from "node:stream";
import { Socket } from "node:net";
import { DEADLINE_MS, eventually } from "./deadline.js";
import { Observed } from "./echo.js";
import { openLinkKey } from "./link-key.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

/** A node's control link, decrypted, with the hub's proof said. */
export interface FakeLink {
  observed: Observed<Duplex>;
  say: (message: object) => void;
}

export class FakeHub {
  readonly hostKey = HostKey.generate();
  readonly #accepted: Socket[] = [];
  #listener: Listener | undefined;
  #taken = 0;

  static async start(): Promise<FakeHub> {
    const made = new FakeHub();
    made.#listener = await Listener.start({
      host: "127.0.0.1",
      port: 0,
      onConnection: (socket) => {
        socket.on("error", () => undefined);
        if (socket instanceof Socket) made.#accepted.push(socket);
      },
      onError: () => undefined,
    });
    return made;
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  /** The next connection, of which nothing is read yet. */
  async nextRaw(): Promise<Observed> {
    const observed = new Observed(await this.#next());
    observed.socket.resume();
    return observed;
  }

  /** @param proves false: it says nothing by itself */
  async next(proves = true): Promise<FakeLink> {
    const key = await openLinkKey();
    const { duplex, binding } = await secureAsServer(
      await this.#next(),
      (hint) => (isHintFor(hint, key) ? key.psk : null),
      DEADLINE_MS,
    );
    const observed = new Observed(duplex);
    const say = (message: object) => {
      duplex.write(encodeFrame(message));
    };
    if (!proves) return { observed, say };
    say({
      type: "proof",
      protocol: OWN_ABILITIES.protocol,
      software: "fake",
      key: this.hostKey.publicKey.toString("base64"),
      signature: this.hostKey.prove(binding).toString("base64"),
      challenge: Identity.generate().publicKey.toString("base64"),
    });
    return { observed, say };
  }

  async close(): Promise<void> {
    await this.#listener?.close();
    for (const socket of this.#accepted) socket.destroy();
  }

  async #next(): Promise<Socket> {
    const index = this.#taken++;
    return eventually("a connection", () => this.#accepted[index]);
  }
}

/** `await withFakeHub(async (hub) => …)`: closed whatever happens. */
export async function withFakeHub(
  body: (hub: FakeHub) => Promise<void>,
): Promise<void> {
  const hub = await FakeHub.start();
  try {
    await body(hub);
  } finally {
    await hub.close();
  }
}
