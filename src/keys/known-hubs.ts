// Which hub key was seen at which address first: remembered as ssh remembers hosts, one line each.

import { fingerprintOf } from "./fingerprint.js";
import { readKeyFile, writeKeyFile } from "./key-file.js";

export class KnownHubs {
  /** @param path null: remembered for this run only */
  constructor(private readonly path: string | null) {}

  private readonly seen = new Map<string, string>();
  private isSaved = true;

  /**
   * `known`: the same key as at first contact. `new`: first contact, remembered from now on.
   * `changed`: another key than the remembered one, which is kept.
   */
  async check(
    address: string,
    publicKey: Buffer,
  ): Promise<{ verdict: "known" | "new" | "changed"; remembered: string }> {
    const fingerprint = fingerprintOf(publicKey);
    // Another process of this configuration may have met it meanwhile.
    if (!this.seen.has(address)) await this.load();
    const remembered = this.seen.get(address);
    if (remembered !== undefined) {
      // The disk may have room by now. That it had none was said.
      if (!this.isSaved) await this.save().catch(() => undefined);
      return {
        verdict: remembered === fingerprint ? "known" : "changed",
        remembered,
      };
    }
    // Where it cannot be saved it counts for this run.
    this.seen.set(address, fingerprint);
    await this.save();
    return { verdict: "new", remembered: fingerprint };
  }

  private async load(): Promise<void> {
    if (this.path === null) return;
    const text = (await readKeyFile(this.path))?.toString() ?? "";
    for (const line of text.split("\n")) {
      const [address, fingerprint] = line.trim().split(/\s+/);
      if (address !== undefined && fingerprint !== undefined)
        this.seen.set(address, fingerprint);
    }
  }

  private async save(): Promise<void> {
    if (this.path === null) return;
    this.isSaved = false;
    const lines = [...this.seen].map((entry) => entry.join(" "));
    await writeKeyFile(this.path, Buffer.from(`${lines.join("\n")}\n`));
    this.isSaved = true;
  }
}
