// What stands behind a serve: how a connection to it is made, straight or through an HTTP front.

import type { Duplex } from "node:stream";
import type { ServeSettings } from "../config/config.js";
import { VnetError } from "../errors.js";
import { HttpFront } from "../http/front.js";
import { dial } from "../net/dial.js";
import { openFiles } from "../net/open-files.js";
import type { ProgramLimit } from "../net/program-limit.js";

/** A service has this long to take a connection. */
const TIMEOUT_MS = 10_000;

export interface ServiceOptions {
  settings: Pick<
    ServeSettings,
    "ip" | "port" | "host" | "hosts" | "trustForwarded"
  >;
  /** under which name users come by its public ports */
  hubHost: () => string;
  /** a line that a program wrote to its stderr, where the service is one */
  onLine: (text: string) => void;
  programs: ProgramLimit;
}

export class Service {
  private readonly front: HttpFront | null;

  constructor(private readonly options: ServiceOptions) {
    const { host, hosts, trustForwarded } = options.settings;
    if (host === "") this.front = null;
    else
      this.front = new HttpFront({
        host,
        hosts: () => [options.hubHost(), ...hosts.split(" ")],
        trustsForwarded: trustForwarded,
        dial: () => this.dial(),
      });
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
    const { settings, onLine, programs } = this.options;
    const { ip: host, port } = settings;
    return await dial({ host, port, timeoutMs: TIMEOUT_MS, onLine, programs });
  }
}
