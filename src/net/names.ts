// Host names → addresses, as the system knows them (hosts file, DNS, mDNS …), asked anew each time. The system answers in
// a few threads and cannot be told to stop. So a name has one lookup at a time, however many ask; names that are silent
// leave room for others, and the hub's has a place of its own. A program sets how many threads there are.

import { ADDRCONFIG, type LookupAddress } from "node:dns";
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";
import net from "node:net";
import { platform } from "node:os";
import { performance } from "node:perf_hooks";
import { VnetError } from "../errors.js";

export interface LookupOptions {
  timeoutMs: number;
  /** It is the hub's name: a place is kept for it. */
  isHub?: boolean;
}

export interface NamesOptions {
  /** Rejects with the system's error. */
  lookup: (host: string) => Promise<LookupAddress[]>;
  /** the text of the hosts file */
  hosts: () => Promise<string>;
  /** in ms */
  now?: () => number;
}

/** A server that takes longer is taken for silent: then the last answer has to do, where there is one (RFC 8767, 5). */
const PATIENCE_MS = 1_800;
/** Who asks for a silent name within this hears so at once. */
const SILENT_MS = 5_000;
/** How long the last answer may have to do. */
const STALE_MS = 24 * 3_600_000;
const MAX_NAMES = 1_000;

/** What libuv has where nothing else is said. */
const DEFAULT_THREADS = 4;

/** RFC 6761, 6.3: nobody is asked. In the order of RFC 6724. */
const LOCALHOST: LookupAddress[] = [
  { address: "::1", family: 6 },
  { address: "127.0.0.1", family: 4 },
];

interface Asker {
  resolve: (addresses: LookupAddress[]) => void;
  reject: (error: Error) => void;
}

interface Name {
  readonly host: string;
  readonly isHub: boolean;
  state: "calm" | "queued" | "asking";
  readonly askers: Set<Asker>;
  /** when it began to wait for an answer */
  since: number;
  isSilent: boolean;
  silentUntil: number;
  /** the last answer, and when it came */
  known: { addresses: LookupAddress[]; at: number } | null;
}

export class Names {
  /** the one that was asked for last is the last */
  private readonly names = new Map<string, Name>();
  private queue: Name[] = [];
  private asking = 0;
  private threads = DEFAULT_THREADS;
  private readonly now: () => number;

  constructor(private readonly options: NamesOptions) {
    this.now = options.now ?? (() => performance.now());
  }

  /** The threads of libuv's pool: half of them may look names up, the others are for files and keys. */
  setThreads(threads: number): void {
    this.threads = threads;
  }

  /** At least one address. Rejects with VnetError `timeout`, or the system's error. */
  async lookup(
    host: string,
    { timeoutMs, isHub = false }: LookupOptions,
  ): Promise<LookupAddress[]> {
    const family = net.isIP(host);
    if (family !== 0) return [{ address: host, family }];
    if (host.toLowerCase() === "localhost") return LOCALHOST;
    const name = this.nameOf(host.toLowerCase(), isHub);
    const now = this.now();
    if (name.state === "calm" && now < name.silentUntil && !isHub)
      return this.lastOf(name) ?? Promise.reject(silence(SILENT_MS));
    if (name.state === "calm") this.join(name, now);
    return this.wait(name, timeoutMs);
  }

  private nameOf(host: string, isHub: boolean): Name {
    const key = isHub ? `hub ${host}` : host;
    const name = this.names.get(key) ?? {
      host,
      isHub,
      state: "calm",
      askers: new Set(),
      since: 0,
      isSilent: false,
      silentUntil: 0,
      known: null,
    };
    this.names.delete(key);
    this.names.set(key, name);
    for (const [oldKey, { state }] of this.names) {
      if (this.names.size <= MAX_NAMES) break;
      if (state === "calm" && oldKey !== key) this.names.delete(oldKey);
    }
    return name;
  }

  private wait(name: Name, timeoutMs: number): Promise<LookupAddress[]> {
    return new Promise((resolve, reject) => {
      const last = this.lastOf(name);
      const waitedMs = this.now() - name.since;
      const patienceMs = Math.max(0, PATIENCE_MS - waitedMs);
      const stop = () => {
        clearTimeout(timer);
        name.askers.delete(asker);
        // Nobody wants it any more.
        if (name.askers.size > 0 || name.state !== "queued") return;
        name.state = "calm";
        this.queue = this.queue.filter((queued) => queued !== name);
      };
      const timer = setTimeout(
        () => {
          if (last === null) asker.reject(silence(timeoutMs));
          else asker.resolve(last);
        },
        last === null ? timeoutMs : Math.min(patienceMs, timeoutMs),
      );
      const asker: Asker = {
        resolve: (addresses) => {
          stop();
          resolve(addresses);
        },
        reject: (error) => {
          stop();
          reject(error);
        },
      };
      name.askers.add(asker);
    });
  }

  private join(name: Name, now: number): void {
    name.since = now;
    name.state = "queued";
    this.queue.push(name);
    this.begin();
    if (name.state === "queued") void this.askHostsFile(name);
  }

  /** Those whose turn it is. */
  private begin(): void {
    const next = () =>
      this.queue.findIndex((name) => this.asking < this.placesFor(name));
    for (let at = next(); at >= 0; at = next()) {
      const [name] = this.queue.splice(at, 1);
      if (name !== undefined) void this.ask(name);
    }
  }

  /** How many lookups there may be for one more of this kind to begin: who is less likely to be quick leaves more room. */
  private placesFor({ isHub, isSilent, known }: Name): number {
    const all = Math.floor((this.threads + 1) / 2);
    if (isHub) return all;
    if (isSilent) return Math.max(1, Math.floor(all / 4));
    return Math.max(1, known === null ? all - 2 : all - 1);
  }

  private async ask(name: Name): Promise<void> {
    name.state = "asking";
    this.asking++;
    const startedAt = this.now();
    try {
      const addresses = await this.options.lookup(name.host);
      this.asking--;
      this.answered(name, addresses);
    } catch (error) {
      this.asking--;
      const now = this.now();
      name.isSilent = now - startedAt >= PATIENCE_MS;
      if (name.isSilent) name.silentUntil = now + SILENT_MS;
      this.failed(name, error as NodeJS.ErrnoException);
    }
    this.begin();
  }

  private answered(name: Name, addresses: LookupAddress[]): void {
    name.state = "calm";
    name.isSilent = false;
    name.known = { addresses, at: this.now() };
    for (const asker of name.askers) asker.resolve(addresses);
  }

  private failed(name: Name, error: NodeJS.ErrnoException): void {
    name.state = "calm";
    // That there is no such name is an answer; else nobody could be asked.
    if (error.code === "ENOTFOUND") name.known = null;
    const last = this.lastOf(name);
    for (const asker of name.askers)
      if (last === null) asker.reject(error);
      else asker.resolve(last);
  }

  private lastOf({ known }: Name): LookupAddress[] | null {
    if (known === null) return null;
    return this.now() - known.at < STALE_MS ? known.addresses : null;
  }

  /** Names of this file are there without a server, and wait for none. */
  private async askHostsFile(name: Name): Promise<void> {
    const text = await this.options.hosts().catch(() => "");
    const addresses = addressesIn(text, name.host);
    if (name.state !== "queued" || addresses.length === 0) return;
    this.queue = this.queue.filter((queued) => queued !== name);
    this.answered(name, addresses);
  }
}

/** What a hosts file says of a name (hosts(5)). */
export function addressesIn(text: string, host: string): LookupAddress[] {
  const addresses: LookupAddress[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [content = ""] = line.split("#");
    const [address = "", ...names] = content.trim().split(/\s+/);
    const family = net.isIP(address);
    if (family !== 0 && names.some((name) => name.toLowerCase() === host))
      addresses.push({ address, family });
  }
  return addresses;
}

function silence(ms: number): VnetError {
  return new VnetError(
    "timeout",
    `the host name cannot be looked up: no answer within ${ms / 1000} s from the name server`,
  );
}

const isWindows = platform() === "win32";
const HOSTS_FILE = isWindows
  ? "C:\\Windows\\System32\\drivers\\etc\\hosts"
  : "/etc/hosts";

/** Those of this process: the threads are the process's. */
export const names = new Names({
  // As net.connect() does: no IPv6 address where this machine has no IPv6.
  lookup: (host) =>
    lookup(host, { all: true, hints: isWindows ? 0 : ADDRCONFIG }),
  hosts: () => readFile(HOSTS_FILE, "utf8"),
});
