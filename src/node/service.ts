// What stands behind a serve: how a connection to it is made, straight or through an HTTP front.

import type { Duplex } from "node:stream";
import type { ServeSettings } from "../config/config.js";
import { VnetError } from "../errors.js";
import { dial } from "../net/dial.js";
import { HttpFront } from "../net/http-front.js";
import { openFiles } from "../net/open-files.js";

/** A service has this long to take a connection. */
const TIMEOUT_MS = 10_000;

export class Service {
  private readonly front: HttpFront | null;

  /** @param onLine a line that a program wrote to its stderr, where the service is one */
  constructor(
    private readonly settings: Pick<ServeSettings, "ip" | "port" | "host">,
    private readonly onLine: (text: string) => void,
  ) {
    const { host } = settings;
    this.front =
      host === "" ? null : new HttpFront({ host, dial: () => this.dial() });
  }

  /**
   * Rejects with VnetError. An HTTP front answers by itself, and dials with the first request.
   * @param from the user's address; empty: not known
   */
  async connect(from: string): Promise<Duplex> {
    return this.front?.open(from) ?? (await this.dial());
  }

  private async dial(): Promise<Duplex> {
    if (openFiles.isShort())
      throw new VnetError("network", `at the serve's node ${openFiles.reason}`);
    const { ip: host, port } = this.settings;
    const { onLine } = this;
    return await dial({ host, port, timeoutMs: TIMEOUT_MS, onLine });
  }
}
