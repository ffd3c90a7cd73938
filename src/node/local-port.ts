// Where a use listens: one listener at a time, another one when it is to listen elsewhere.

import type { Listen, Listening } from "../net/listener.js";

export interface LocalPlace {
  ip: string;
  /** 0: any free port */
  port: number;
}

export class LocalPort {
  private listener: Listening | undefined;

  constructor(
    private readonly open: Listen,
    private readonly options: Pick<
      Parameters<Listen>[0],
      "onConnection" | "onError"
    >,
  ) {}

  /** Undefined while it does not listen. */
  get port(): number | undefined {
    return this.listener?.port;
  }

  /** Rejects with VnetError `network`; then it does not listen any more. */
  async listen({ ip, port }: LocalPlace): Promise<void> {
    const { listener } = this;
    // Port 0 is any free one, so the one that it got is as good as ever.
    const isPort = port === 0 || listener?.port === port;
    if (listener?.host === ip && isPort) return;
    await this.close();
    this.listener = await this.open({ host: ip, port, ...this.options });
  }

  /** Idempotent. */
  async close(): Promise<void> {
    const { listener } = this;
    this.listener = undefined;
    await listener?.close();
  }
}
