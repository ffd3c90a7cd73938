import { once } from "node:events";
import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { expect } from "chai";
import { randomPlan, Tally, type StreamPlan } from "./checked-stream.js";
import { CheckedLoad, CheckedService, runStream } from "./checked-streams.js";
import { Random } from "./random.js";

const PLAN: StreamPlan = {
  seed: 7,
  up: 300_000,
  down: 200_000,
  order: "answer",
};

describe("a checked load", () => {
  let tally: Tally;
  let service: CheckedService;
  let close: (() => void)[];

  beforeEach(async () => {
    tally = new Tally();
    close = [];
    service = await CheckedService.start({ tally });
  });

  afterEach(async () => {
    for (const each of close) each();
    await service.close();
  });

  /** Stands between: passes on, but for what `spoil` does with a chunk from the service. */
  async function between(
    spoil: (chunk: Buffer, client: Socket, seen: number) => void,
    ends = true,
  ): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      const onward = connect({ port: service.port, allowHalfOpen: true });
      close.push(() => (client.destroy(), onward.destroy()));
      let seen = 0;
      client.on("error", () => onward.destroy()).pipe(onward);
      onward.on("error", () => client.destroy());
      onward.on("data", (chunk: Buffer) => {
        spoil(chunk, client, seen);
        seen += chunk.length;
      });
      onward.once("end", () => ends && client.end());
    });
    server.listen(0, "127.0.0.1");
    close.push(() => server.close());
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  it("counts what went well, whole, in all three orders", async () => {
    for (const order of ["answer", "both", "greeting"] as const)
      expect(
        await runStream(service.port, { ...PLAN, order }, { tally }),
      ).to.equal("whole");
    await service.idle();
    expect(tally.client.whole).to.equal(3);
    expect(tally.service.whole).to.equal(3);
    expect(tally.wholeBytes.down).to.equal(600_000);
    expect(tally.bytes.up).to.equal(900_000);
    expect(tally.complaints).to.deep.equal([]);
  });

  it("finds one wrong byte", async () => {
    const port = await between((chunk, client, seen) => {
      const copy = Buffer.from(chunk);
      const at = 123_456 - seen;
      if (at >= 0 && at < copy.length) copy[at] = (copy[at] ?? 0) ^ 1;
      client.write(copy);
    });
    expect(await runStream(port, PLAN, { tally })).to.equal("wrong");
    expect(tally.complaints[0]).to.include("wrong");
  });

  it("finds a byte that is missing, and one that is too much", async () => {
    const short = await between((chunk, client, seen) => {
      client.write(seen === 0 ? chunk.subarray(1) : chunk);
    });
    expect(await runStream(short, PLAN, { tally })).to.equal("wrong");
    const long = await between((chunk, client, seen) => {
      client.write(chunk);
      if (seen + chunk.length === PLAN.down) client.write("x");
    });
    expect(await runStream(long, PLAN, { tally })).to.equal("wrong");
  });

  it("a FIN before the end is lost, and torn where the process was killed", async () => {
    const port = await between((chunk, client, seen) => {
      if (seen > 100_000) client.end();
      else client.write(chunk);
    });
    expect(await runStream(port, PLAN, { tally })).to.equal("lost");
    const killedSince = () => true;
    expect(await runStream(port, PLAN, { tally, killedSince })).to.equal(
      "torn",
    );
  });

  it("a reset is a reset, a closed port refuses, silence hangs until its deadline", async () => {
    const cut = await between((chunk, client, seen) => {
      if (seen > 100_000) client.resetAndDestroy();
      else client.write(chunk);
    });
    expect(await runStream(cut, PLAN, { tally })).to.equal("reset");
    const silent = await between((chunk, client, seen) => {
      if (seen < 100_000) client.write(chunk);
    }, false);
    const plan = { ...PLAN, order: "both" as const };
    expect(await runStream(silent, plan, { tally, silenceMs: 200 })).to.equal(
      "hung",
    );
    await service.close();
    expect(await runStream(service.port, PLAN, { tally })).to.equal("refused");
  });

  it("runs many at once, and the same ones with the same seed", async () => {
    const lanes = [{ port: service.port }];
    const random = new Random(1);
    const load = new CheckedLoad({ lanes, random, tally, maxBytes: 100_000 });
    while (tally.client.whole < 100) await once(service.server, "connection");
    await load.stop();
    await service.idle();
    expect(tally.client.whole).to.equal(tally.streams);
    expect(tally.service.whole).to.equal(tally.streams);
    expect(service.open).to.equal(0);
    expect(randomPlan(new Random(5))).to.deep.equal(randomPlan(new Random(5)));
  });
});
