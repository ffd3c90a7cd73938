// Real programs, all at the same time through one pair of nodes.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import {
  connectTo,
  startSpeakFirst,
  type TestServer,
} from "../support/echo.js";
import { findProgram, needs } from "../support/find-program.js";
import {
  serveSection,
  startMember,
  untilUse,
  useSection,
} from "../support/lan.js";
import { closeLaunched, startHub } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import {
  startIperf,
  startPostgres,
  startRedis,
  type Service,
} from "../support/programs.js";

const execute = promisify(execFile);

/** The serveids, and the programs that their tests need. */
const IPERF = 701;
const REDIS = 702;
const POSTGRES = 703;
const SPEAKS_FIRST = 704;

describe("real programs through one pair of nodes", function () {
  this.timeout(300_000);
  const services: Service[] = [];
  const usePorts = new Map<number, number>();
  let speaker: TestServer | undefined;

  before(async () => {
    const servePorts = new Map<number, number>();
    const offer = async (
      id: number,
      program: string,
      start: () => Promise<Service>,
    ) => {
      if (findProgram(program) === null) return;
      const service = await start();
      services.push(service);
      servePorts.set(id, service.port);
    };
    await offer(IPERF, "iperf3", startIperf);
    await offer(REDIS, "redis-server", startRedis);
    await offer(POSTGRES, "postgres", startPostgres);
    speaker = await startSpeakFirst("220 hello\r\n");
    servePorts.set(SPEAKS_FIRST, speaker.port);

    const hub = await startHub();
    await startMember(hub, {
      name: "home",
      sections: [...servePorts].map((pair) => serveSection(...pair)).join("\n"),
    });
    for (const id of servePorts.keys()) usePorts.set(id, await reservePort());
    const office = await startMember(hub, {
      name: "office",
      sections: [...usePorts].map((pair) => useSection(...pair)).join("\n"),
    });
    for (const id of usePorts.keys()) await untilUse(office, id, "listening");
  });

  after(async () => {
    await closeLaunched();
    await speaker?.close();
    for (const service of services) await service.close();
  });

  const port = (id: number) => String(usePorts.get(id));

  async function iperf(...args: string[]): Promise<number> {
    const { stdout } = await execute(findProgram("iperf3") ?? "", [
      ...["-c", "127.0.0.1", "-p", port(IPERF), "-t", "2", "--json", ...args],
    ]);
    const { end } = JSON.parse(stdout) as {
      end: { sum_received: { bytes: number } };
    };
    return end.sum_received.bytes;
  }

  async function redisBenchmark(): Promise<string> {
    const { stdout } = await execute(findProgram("redis-benchmark") ?? "", [
      ...[
        "-p",
        port(REDIS),
        "-n",
        "20000",
        "-c",
        "50",
        "-t",
        "set,get",
        "--csv",
      ],
    ]);
    return stdout;
  }

  async function pgbench(...args: string[]): Promise<string> {
    const { stdout, stderr } = await execute(findProgram("pgbench") ?? "", [
      ...["-h", "127.0.0.1", "-p", port(POSTGRES), "-U", "postgres", ...args],
      "postgres",
    ]);
    return stdout + stderr;
  }

  const MIB = 1024 * 1024;

  it("iperf3 sends", async function () {
    needs(this, "iperf3");
    expect(await iperf()).to.be.above(10 * MIB);
  });

  it("iperf3 receives", async function () {
    needs(this, "iperf3");
    expect(await iperf("-R")).to.be.above(10 * MIB);
  });

  it("iperf3 sends on eight streams", async function () {
    needs(this, "iperf3");
    expect(await iperf("-P", "8")).to.be.above(10 * MIB);
  });

  it("iperf3 receives on eight streams", async function () {
    needs(this, "iperf3");
    expect(await iperf("-P", "8", "-R")).to.be.above(10 * MIB);
  });

  it("a server that speaks first is heard before anything is said", async () => {
    const client = await connectTo(Number(port(SPEAKS_FIRST)));
    await client.untilBytes(11);
    expect(client.text).to.equal("220 hello\r\n");
    client.socket.end("quit\r\n");
    await client.ended;
    expect(client.text).to.equal("220 hello\r\nquit\r\n");
    client.socket.destroy();
  });

  it("iperf3, Redis, PostgreSQL and the one that speaks first run at the same time", async function () {
    needs(
      this,
      "iperf3",
      "redis-benchmark",
      "redis-server",
      "pgbench",
      "postgres",
    );
    await pgbench("-i", "-q");
    const [bytes, redis, postgres] = await Promise.all([
      iperf("-P", "2"),
      redisBenchmark(),
      pgbench("-c", "8", "-t", "100"),
    ]);
    expect(bytes).to.be.above(MIB);
    expect(redis)
      .to.match(/"SET","[\d.]+"/)
      .and.to.match(/"GET","[\d.]+"/);
    expect(postgres).to.include(
      "number of transactions actually processed: 800/800",
    );
    expect(postgres).to.match(/number of failed transactions: 0/);
  });
});
