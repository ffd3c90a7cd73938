// A LAN whose hub logs on a terminal, and whose office has one: with a stream from the office to a service at home, on
// which somebody measures how long an echo takes, and a crowd that comes and goes. Closed by close().

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Identity } from "../../src/keys/identity.js";
import { within } from "../support/deadline.js";
import {
  connectTo,
  startEcho,
  type Observed,
  type TestServer,
} from "../support/echo.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { HubClient } from "../support/hub-client.js";
import {
  nodeConfig,
  serveSection,
  startMember,
  useSection,
} from "../support/lan.js";
import type { Launched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { projectRoot } from "../support/project.js";
import { untilEchoed } from "../support/reach.js";
import { TerminalWindow } from "../support/tmux.js";
import type { Sampled } from "../soak/sampler.js";

const ID = 700;
const PING_EVERY_MS = 20;
/** How often one of the crowd leaves, and one comes. */
const CHANGE_EVERY_MS = 200;

interface Parts {
  name: string;
  port: number;
  hub: TerminalWindow;
  office: TerminalWindow;
  home: Launched;
  service: TestServer;
  stream: Observed;
  folders: string[];
}

export class ScreenLan {
  /** milliseconds of each echo */
  readonly pings: number[] = [];
  joins = 0;
  leaves = 0;
  readonly #members = new Map<
    string,
    { identity: Identity; link: HubClient }
  >();
  readonly #work: Promise<void>[] = [];
  #isOver = false;

  private constructor(readonly parts: Parts) {}

  static async start(
    name: string,
    env: Record<string, string>,
  ): Promise<ScreenLan> {
    const folders: string[] = [];
    const open = (program: string, config: string) => {
      const cwd = makeFolder();
      folders.push(cwd);
      writeFileSync(join(cwd, "config.ini"), config);
      const command = [join(projectRoot, program), "config.ini"];
      return new TerminalWindow({ command, cwd, env });
    };
    const port = await reservePort();
    // All come from one address: nothing is kept for others.
    const hub = open(
      "route",
      `[route]\nip = 127.0.0.1\nport = ${port}\n[limits]\nreserve = 0\n`,
    );
    await hub.until(/ready: nodes can join/);
    const service = await startEcho();
    const sections = serveSection(ID, service.port);
    const home = await startMember({ port }, { name: "home", sections });
    const local = await reservePort();
    const office = open(
      "vnet",
      nodeConfig(port, { name: "office", sections: useSection(ID, local) }),
    );
    await office.until(/connected/);
    await untilEchoed(local);
    const stream = await connectTo(local, false);
    return new ScreenLan({
      ...{ name, port, hub, office, home, service, stream, folders },
    });
  }

  get measured(): { name: string; program: Sampled }[] {
    const { name, hub, office } = this.parts;
    return [
      { name: `${name} hub`, program: sampled(hub) },
      { name: `${name} node`, program: sampled(office) },
    ];
  }

  /** The crowd joins. */
  async fill(count: number): Promise<void> {
    for (let number = 0; number < count; number++)
      await this.#join(`member-${number}`, Identity.generate());
  }

  /** Somebody measures, and the crowd comes and goes, until `end`. */
  begin(): void {
    this.#work.push(this.#ping(), this.#change());
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#work);
  }

  async close(): Promise<void> {
    const { hub, office, home, service, stream, folders } = this.parts;
    this.#isOver = true;
    await Promise.allSettled(this.#work);
    stream.socket.destroy();
    for (const { link } of this.#members.values()) link.close();
    for (const window of [office, hub]) window.close();
    await home.close();
    await service.close();
    for (const folder of folders) removeFolder(folder);
  }

  async #ping(): Promise<void> {
    const { stream } = this.parts;
    const words = Buffer.alloc(64, "?");
    while (!this.#isOver) {
      const began = performance.now();
      const wanted = stream.bytes + words.length;
      stream.socket.write(words);
      await within("an echo", stream.untilBytes(wanted));
      this.pings.push(performance.now() - began);
      await sleep(PING_EVERY_MS);
    }
  }

  /** The one that is here longest leaves, and comes again. */
  async #change(): Promise<void> {
    while (!this.#isOver) {
      const [first] = this.#members;
      if (first === undefined) return;
      const [name, { identity, link }] = first;
      this.#members.delete(name);
      link.close();
      this.leaves++;
      await sleep(CHANGE_EVERY_MS);
      await this.#join(name, identity);
    }
  }

  async #join(name: string, identity: Identity): Promise<void> {
    const link = await HubClient.connect(this.parts.port);
    await link.join({ name }, identity);
    this.#members.set(name, { identity, link });
    this.joins++;
  }
}

function sampled(window: TerminalWindow): Sampled {
  const { pid } = window;
  return {
    pid,
    get running() {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    },
    kill: (signal) => process.kill(pid, signal),
  };
}
