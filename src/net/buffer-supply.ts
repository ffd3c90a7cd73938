// Where the read buffers of one socket come from and go to: a small one of its own, and large ones that all share.

import { SMALL_BYTES, type LentBuffer } from "./lent-buffer.js";
import {
  giveBufferBack,
  keepNoMore,
  lendBuffer,
  mayKeep,
} from "./read-buffers.js";

export class BufferSupply {
  /** a small one that nobody holds */
  private spare: Buffer | null;
  /** has the right to keep a large buffer while nothing comes */
  private keeps = false;

  /** @param first a small one to begin with @param largeBytes of those that are shared */
  constructor(
    first: Buffer,
    private readonly largeBytes: number,
  ) {
    this.spare = first;
  }

  get mayKeepLarge(): boolean {
    return this.keeps;
  }

  /** Whoever takes a small one has no need of a large one just now. */
  take(isLarge: boolean): Buffer {
    if (isLarge) {
      this.keeps ||= mayKeep();
      return lendBuffer(this.largeBytes);
    }
    this.keepNoMore();
    const { spare } = this;
    this.spare = null;
    return spare ?? Buffer.allocUnsafeSlow(SMALL_BYTES);
  }

  giveBack({ buffer, isLarge }: LentBuffer): void {
    if (isLarge) giveBufferBack(buffer);
    else this.spare ??= buffer;
  }

  /** Idempotent. */
  keepNoMore(): void {
    if (this.keeps) keepNoMore();
    this.keeps = false;
  }
}
