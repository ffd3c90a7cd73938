import { expect } from "chai";
import { setImmediate } from "node:timers/promises";
import { within } from "../support/deadline.js";
import { Heart } from "../../src/net/heartbeat.js";

describe("Heart", () => {
  const hearts: Heart[] = [];

  afterEach(() => {
    for (const heart of hearts.splice(0)) heart.stop();
  });

  /** How often it beat before it found that nothing was heard for 1250 ms. */
  function beatsUntilSilence(): Promise<number> {
    return new Promise((resolve) => {
      let beats = 0;
      const heart = new Heart({
        rhythm: { intervalMs: 600, timeoutMs: 1_250 },
        onBeat: () => beats++,
        onWake: () => undefined,
        onSilence: () => {
          heart.stop();
          resolve(beats);
        },
      });
      hearts.push(heart);
      heart.start();
    });
  }

  it("finds the silence when it is long enough, not with the next beat, whatever the clock's fraction", async () => {
    const all: Promise<number>[] = [];
    for (let n = 0; n < 200; n++) {
      all.push(beatsUntilSilence());
      for (let turn = 0; turn < 10; turn++) await setImmediate();
    }
    // They come after 600, 1200 and 1800 ms.
    const beats = await within("their silences", Promise.all(all));
    expect(beats.filter((count) => count !== 2)).to.deep.equal([]);
  });
});
