// Whether the service behind a serve is there, so that the uses of other nodes listen only while a connection can succeed.
// Owned by the serve. Looks into the system's table of listeners; where there is none, it learns from the users'
// connections, and connects by itself only after one was refused.

import type { Duplex } from "node:stream";
import type { ServeSettings } from "../config/config.js";
import { VnetError } from "../errors.js";
import { formatAddress } from "../net/address.js";
import { dial } from "../net/dial.js";
import { isListening } from "../net/listeners.js";

/** How long a service that went is taken to be there, unless a user meets that first. */
const LOOK_MS = 2_000;

/** How long one that came back is taken to be missing, where the table tells. */
const LOOK_SOON_MS = 250;

const DIAL_TIMEOUT_MS = 2_000;

type Target = Pick<ServeSettings, "ip" | "port" | "host" | "check">;

export interface ServiceWatchOptions {
  target: Target;
  /** The service came or went. */
  onChange: () => void;
  /** Another way to look than the system's table, and another rhythm: for tests. */
  look?: (host: string, port: number) => Promise<boolean | null>;
  everyMs?: number;
}

export class ServiceWatch {
  private state: "idle" | "watching" = "idle";
  private missing = false;
  /**
   * `table`: the system's table tells. `users`: it does not, and what the users' connections meet counts.
   * `unknown`: not found out yet. `off`: the service is taken to be there.
   */
  private way: "unknown" | "table" | "users" | "off";
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;

  constructor(private readonly options: ServiceWatchOptions) {
    const { ip, host, check } = options.target;
    // A program is started for each connection. An HTTP front answers by itself, and says what is wrong.
    const isWatched = check && host === "" && !ip.startsWith("exec:");
    this.way = isWatched ? "unknown" : "off";
  }

  /** Why a connection would fail just now, in one line; null: it would not, as far as is known. */
  get problem(): string | null {
    if (!this.missing) return null;
    const { ip, port } = this.options.target;
    return `nothing listens at ${formatAddress(ip, port)}`;
  }

  /** Looks now and from then on every two seconds. Resolves with the first look. Idempotent. */
  async start(): Promise<void> {
    if (this.way === "off") return;
    if (this.state === "watching") return this.looking;
    this.state = "watching";
    await this.lookOnce();
  }

  /** Idempotent; it can be started again. */
  stop(): void {
    if (this.state === "watching") this.state = "idle";
    clearTimeout(this.timer);
    this.missing = false;
  }

  /** A user's connection was refused, or taken. */
  met(wasTaken: boolean): void {
    if (this.state !== "watching" || wasTaken === !this.missing) return;
    if (this.way === "table") void this.lookOnce();
    else this.change(!wasTaken);
  }

  /** One look at a time: a slow one is not overtaken by the next. */
  private lookOnce(): Promise<void> {
    clearTimeout(this.timer);
    this.looking ??= this.look().finally(() => {
      this.looking = undefined;
      this.lookLater();
    });
    return this.looking;
  }

  private lookLater(): void {
    if (this.state !== "watching") return;
    const isSoon = this.missing && this.way === "table";
    this.timer = setTimeout(
      () => {
        void this.lookOnce();
      },
      this.options.everyMs ?? (isSoon ? LOOK_SOON_MS : LOOK_MS),
    );
  }

  private async look(): Promise<void> {
    const { target, look = isListening } = this.options;
    if (this.way === "users") {
      if (this.missing) this.change(!(await this.connects()));
      return;
    }
    const isThere = await look(target.ip, target.port);
    if (this.way === "unknown") this.way = await this.chooseWay(isThere);
    if (this.way === "table" && isThere !== null) this.change(!isThere);
  }

  /**
   * The table may miss a service that can be reached: a container's port that the kernel passes on, a socket under another
   * path. So the first time that it has none, one connection confirms that; nobody can be there to be disturbed by it.
   */
  private async chooseWay(isThere: boolean | null): Promise<"table" | "users"> {
    if (isThere === null) return "users";
    if (isThere) return "table";
    return (await this.connects()) ? "users" : "table";
  }

  private async connects(): Promise<boolean> {
    const { ip: host, port } = this.options.target;
    let duplex: Duplex;
    try {
      duplex = await dial({ host, port, timeoutMs: DIAL_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      return false;
    }
    duplex.on("error", () => undefined);
    duplex.destroy();
    return true;
  }

  private change(missing: boolean): void {
    if (this.state !== "watching" || this.missing === missing) return;
    this.missing = missing;
    this.options.onChange();
  }
}
