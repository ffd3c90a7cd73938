// The browser-video case, on which the original froze as a whole: a client that
// reads a large download slowly and stops for seconds at a time.

import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { performance } from "node:perf_hooks";
import { expect } from "chai";
import { TestServer, type Observed } from "../support/echo.js";
import {
  askJson,
  serveSection,
  startMember,
  untilUse,
  useSection,
} from "../support/lan.js";
import { closeLaunched, startHub, type Launched } from "../support/launch.js";
import { canMeasure, residentBytes } from "../support/memory.js";
import { skip } from "../support/find-program.js";
import { reservePort } from "../support/ports.js";

const MIB = 1024 * 1024;
const READ_BYTES_PER_SECOND = 200_000;
/**
 * Within this time ping and `show serves` have to be answered, but for a tenth of them: the machine may have been away.
 * Where it is so busy that they take long without a video, within a few times that.
 */
const ANSWER_MS = 100;
const TIMES_USUAL = 5;
/** Pairs of measurements: that few, and more where the machine's noise is louder than the difference. */
const ROUNDS = { least: 3, most: 9 };
const KEPT_THROUGHPUT = 0.8;
const VIDEO = 700;
const BULK = 701;

describe("a browser that plays a video through the LAN", function () {
  this.timeout(300_000);
  let download: TestServer;
  let home: Launched;
  let office: Launched;
  let videoPort: number;
  let bulkPort: number;

  before(async function () {
    if (!canMeasure) skip(this, "needs /proc to measure a process's memory");
    download = await TestServer.start(sendForEver, { keep: false });
    const hub = await startHub();
    home = await startMember(hub, {
      name: "home",
      sections:
        serveSection(VIDEO, download.port) + serveSection(BULK, download.port),
    });
    videoPort = await reservePort();
    bulkPort = await reservePort();
    office = await startMember(hub, {
      name: "office",
      sections: useSection(VIDEO, videoPort) + useSection(BULK, bulkPort),
    });
    await untilUse(office, VIDEO, "listening");
    await untilUse(office, BULK, "listening");
  });

  after(async () => {
    await closeLaunched();
    await download?.close();
  });

  it("is answered within 100 ms by ping and show serves, slows no other stream, and takes no memory", async () => {
    // Every process has done its kinds of work before memory is compared.
    await throughput(bulkPort, 2_000);
    const usual = mostOf(await answerTimes(office, 40));
    const before = [home, office].map(({ pid }) => residentBytes(pid));

    const slowReader = await readSlowly(videoPort);
    await slowReader.paused();
    await slowReader.paused();
    const answers = await answerTimes(office, 20);
    const after = [home, office].map(({ pid }) => residentBytes(pid));
    const growth = after.map((bytes, i) => (bytes - (before[i] ?? 0)) / MIB);

    // The two ways of running in turns, so that a noisy machine is fair to both.
    const ratios: number[] = [];
    while (
      ratios.length < ROUNDS.least ||
      (ratios.length < ROUNDS.most && median(ratios) <= KEPT_THROUGHPUT)
    ) {
      const shared = await throughput(bulkPort, 1_500);
      slowReader.close();
      const alone = await throughput(bulkPort, 1_500);
      ratios.push(shared / alone);
      await slowReader.reopen();
      await slowReader.paused();
    }
    slowReader.close();

    process.stdout.write(
      `      slowest answer ${Math.max(...answers).toFixed(0)} ms; memory ${growth.map((mib) => mib.toFixed(1)).join(" and ")} MiB more; ` +
        `the other stream keeps ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")} of its throughput\n`,
    );
    expect(mostOf(answers), "slowest answer, ms").to.be.below(
      Math.max(ANSWER_MS, TIMES_USUAL * usual),
    );
    expect(Math.max(...growth), "growth, MiB").to.be.below(8);
    expect(median(ratios), "throughput beside the video").to.be.above(
      KEPT_THROUGHPUT,
    );
  });
});

function sendForEver({ socket }: Observed): void {
  const piece = Buffer.alloc(64 * 1024, "v");
  const send = () => {
    while (!socket.destroyed && socket.write(piece));
  };
  socket.on("drain", send);
  send();
}

/** Reads at 200 kB/s in the manner of a player: a piece, a pause of seconds, a piece. */
async function readSlowly(port: number) {
  let socket = await open(port);
  let pause: NodeJS.Timeout | undefined;
  let onPause: () => void = () => undefined;

  function play(): void {
    let read = 0;
    socket.on("data", (chunk: Buffer) => {
      read += chunk.length;
      if (read < READ_BYTES_PER_SECOND * 2) return;
      read = 0;
      socket.pause();
      onPause();
      pause = setTimeout(() => socket.resume(), 2_000);
    });
  }
  play();

  return {
    /** Resolves when it stops reading next. */
    paused: () =>
      new Promise<void>((resolve) => {
        onPause = resolve;
      }),
    close(): void {
      clearTimeout(pause);
      socket.destroy();
    },
    async reopen(): Promise<void> {
      socket = await open(port);
      play();
    },
  };
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: "127.0.0.1", port });
  await once(socket, "connect");
  return socket;
}

/** Bytes per ms of a download that lasts that long. */
async function throughput(port: number, forMs: number): Promise<number> {
  const socket = await open(port);
  let bytes = 0;
  socket.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const from = performance.now();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const took = performance.now() - from;
  socket.destroy();
  return bytes / took;
}

/** In ms, the fastest first. */
async function answerTimes(node: Launched, rounds: number): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const serves = performance.now();
    expect(await askJson<unknown[]>(node, "show serves")).to.have.length(2);
    const shown = performance.now() - serves;
    const ping = await askJson<{ rtt_ms: number[] }>(node, "ping 01");
    times.push(shown, ...ping.rtt_ms);
  }
  return times.toSorted((a, b) => a - b);
}

/** The longest of the times, but for a tenth of them. */
function mostOf(times: readonly number[]): number {
  return times[Math.floor(0.9 * times.length) - 1] ?? 0;
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
