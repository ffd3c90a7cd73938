// Real databases by the names of their serves: nobody writes a serveid.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect } from "chai";
import { connectTo } from "../support/echo.js";
import { findProgram, needs } from "../support/find-program.js";
import { askJson, startMember, untilRow, type UseRow } from "../support/lan.js";
import { closeLaunched, startHub, type Launched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { startMariadb, startRedis, type Service } from "../support/programs.js";

const execute = promisify(execFile);

type Row = UseRow & { wanted: string; providers: number };

describe("topics: real programs by the names of their serves", function () {
  this.timeout(180_000);
  const services: Service[] = [];
  let office: Launched;
  let redisPort: number;
  let sqlPort: number;

  const untilListening = (wanted: string) =>
    untilRow<Row>(
      office,
      "show use",
      (row) => row.wanted === wanted && row.state === "listening",
      `use of ${wanted} listens`,
    );

  const redis = async (port: number, ...words: string[]): Promise<string> => {
    const args = ["-h", "127.0.0.1", "-p", String(port), ...words];
    return (await execute(findProgram("redis-cli") ?? "", args)).stdout.trim();
  };

  const sql = async (statement: string): Promise<string> => {
    const { stdout } = await execute(findProgram("mariadb") ?? "", [
      ...["--no-defaults", "--protocol=tcp", "-h", "127.0.0.1"],
      ...["-P", String(sqlPort), "-u", "root", "-N", "-B", "-e", statement],
    ]);
    return stdout.trim();
  };

  before(async () => {
    const sections: string[] = [];
    const offer = async (
      name: string,
      program: string,
      start: () => Promise<Service>,
    ) => {
      if (findProgram(program) === null) return;
      const service = await start();
      services.push(service);
      sections.push(`[serve.${name}]\nport = ${service.port}`);
    };
    await offer("redis", "redis-server", startRedis);
    await offer("mysql", "mariadbd", startMariadb);
    redisPort = await reservePort();
    sqlPort = await reservePort();
    const hub = await startHub();
    await startMember(hub, { name: "home", sections: sections.join("\n") });
    office = await startMember(hub, {
      name: "office",
      sections: `[use.redis]\nserve = redis@home\nport = ${redisPort}
[use.mysql]\nserve = mysql\nport = ${sqlPort}`,
    });
  });

  after(async () => {
    await closeLaunched();
    for (const service of services) await service.close();
  });

  it("Redis of one node", async function () {
    needs(this, "redis-server", "redis-cli");
    const row = await untilListening("redis@home");
    expect(row).to.include({ providers: 1, port: redisPort });
    expect(row.remote).to.include({ vnet: "home", name: "redis" });
    expect(await redis(redisPort, "SET", "topic", "by name")).to.equal("OK");
    expect(await redis(redisPort, "GET", "topic")).to.equal("by name");
  });

  it("Redis by a name that was typed in the terminal", async function () {
    needs(this, "redis-server", "redis-cli");
    const port = await reservePort();
    office.send(`use run redis ${port}`);
    await untilListening("redis");
    expect(await redis(port, "INCR", "counter")).to.equal("1");
    expect(await redis(redisPort, "GET", "counter")).to.equal("1");
    office.send("use delete redis");
  });

  it("a name that nobody offers waits, and says for what", async () => {
    office.send(`use run nothing@home ${await reservePort()}`);
    const row = await untilRow<Row>(
      office,
      "show use",
      ({ wanted, state }) => wanted === "nothing@home" && state === "waiting",
      "the use of nothing waits",
    );
    expect(row.error).to.equal("vnet home does not offer nothing just now");
    expect(row).to.include({ remote: null, providers: 0 });
    expect(await askJson<unknown[]>(office, "show use")).to.be.an("array");
  });

  it("MariaDB, which speaks first", async function () {
    needs(this, "mariadbd", "mariadb");
    await untilListening("mysql");
    const client = await connectTo(sqlPort);
    await client.untilBytes(20);
    // Its protocol's version 10, behind a header of four bytes, then its own version.
    expect(client.received[4]).to.equal(10);
    expect(client.text).to.include("MariaDB");
    client.socket.destroy();
    expect(await sql("SELECT 6 * 7")).to.equal("42");
    const table = "CREATE DATABASE d; CREATE TABLE d.t (x LONGTEXT)";
    await sql(table);
    await sql("INSERT INTO d.t VALUES (REPEAT('vnet', 250000))");
    expect(
      await sql("SELECT MD5(x) = MD5(REPEAT('vnet', 250000)) FROM d.t"),
    ).to.equal("1");
    expect(await sql("SELECT x FROM d.t")).to.have.length(1_000_000);
  });
});
