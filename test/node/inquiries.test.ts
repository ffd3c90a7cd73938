import { setImmediate } from "node:timers/promises";
import { expect } from "chai";
import type { Channel } from "../../src/channel/channel.js";
import { VnetError } from "../../src/errors.js";
import { Inquiries } from "../../src/node/inquiries.js";
import { withCaughtTimers } from "../support/caught-timers.js";

/** Pools by hand: each channel comes, or fails, when the test says so. */
class Asked {
  readonly vnetids: number[] = [];
  readonly #ends = new Map<number, (error?: VnetError) => void>();

  pool = (vnetid: number) => ({
    acquire: () => {
      this.vnetids.push(vnetid);
      return new Promise<Channel>((resolve, reject) => {
        this.#ends.set(vnetid, (error) => {
          if (error) reject(error);
          else resolve({} as unknown as Channel);
        });
      });
    },
    release: () => undefined,
  });

  async end(vnetid: number, error?: VnetError): Promise<void> {
    this.#ends.get(vnetid)?.(error);
    await setImmediate();
  }
}

const silence = new VnetError("timeout", "no answer");
const nodeOf = (vnetid: number) => ({ vnetid, key: `key ${vnetid}` });

describe("inquiries", () => {
  it("are few at once, and those that wait are asked in turn, or not at all where their node has left", () =>
    withCaughtTimers(async () => {
      const asked = new Asked();
      const inquiries = new Inquiries({
        pool: asked.pool,
        onAnswer: () => undefined,
      });
      for (let n = 1; n <= 100; n++) inquiries.ask(nodeOf(n));
      expect(asked.vnetids).to.have.length(12);
      for (let n = 13; n <= 98; n++) inquiries.forget(nodeOf(n).key);
      await asked.end(1);
      await asked.end(2, silence);
      await asked.end(3);
      expect(asked.vnetids.slice(12)).to.deep.equal([99, 100]);
      inquiries.close();
    }));

  it("of nodes that never answer are in no new one's way", () =>
    withCaughtTimers(async (timers) => {
      const asked = new Asked();
      const inquiries = new Inquiries({
        pool: asked.pool,
        onAnswer: () => undefined,
      });
      for (let n = 1; n <= 40; n++) inquiries.ask(nodeOf(n));
      for (let n = 1; n <= 40; n++) await asked.end(n, silence);
      expect(asked.vnetids).to.have.length(40);
      timers.fire();
      for (let n = 1; n <= 40; n++) inquiries.ask(nodeOf(n));
      expect(asked.vnetids).to.have.length(52);
      inquiries.ask(nodeOf(41));
      expect(asked.vnetids.at(-1)).to.equal(41);
      inquiries.close();
    }));
});
