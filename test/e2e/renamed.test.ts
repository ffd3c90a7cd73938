// What a node has borrowed, while it or its lender is called otherwise: real programs, each with commands on its stdin.

import { expect } from "chai";
import { startEcho, type TestServer } from "../support/echo.js";
import { askJson, nodeConfig, startMember } from "../support/lan.js";
import {
  closeLaunched,
  startHub,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { exchange, untilEchoed, untilRefused } from "../support/reach.js";
import { Steady } from "../support/steady.js";

interface UseRow {
  serveid: string;
  name: string;
  wanted: string;
  port: number;
  state: string;
  remote: { vnet: string } | null;
}

interface ServeRow {
  serveid: string;
  info: string;
  state: string;
}

const LENDER = { name: "home", vnet: "allow_unserve = true\nunserve_num = 1" };
const BORROWER = { name: "office" };

describe("an unserve whose nodes get other names by a reload", function () {
  this.timeout(180_000);
  let hub: Hub;
  let service: TestServer;
  let home: Launched;
  let office: Launched;
  let port: number;

  beforeEach(async () => {
    hub = await startHub();
    service = await startEcho();
    home = await startMember(hub, LENDER);
    office = await startMember(hub, BORROWER);
    port = await reservePort();
    await borrow("home");
  });

  afterEach(async () => {
    await closeLaunched();
    await service.close();
  });

  /** Asks for it by hand, at that local port. */
  async function borrow(lender: string): Promise<void> {
    const from = office.output.length;
    const answer = office.waitForOutput(/unserve-\d+ .*reaches/, 30_000, from);
    office.send(`unserve ${lender} ${service.port} ${port}`);
    await answer;
  }

  /** As a person does it: another name in the file, then `reload`; the other node sees it. */
  async function rename(
    node: Launched,
    sketch: typeof LENDER | typeof BORROWER,
    name: string,
  ): Promise<void> {
    const other = node === home ? office : home;
    const from = other.output.length;
    node.writeConfig(nodeConfig(hub.port, { ...sketch, name }));
    node.send("reload");
    await other.waitForOutput(`(${name}) is here`, 30_000, from);
    await untilEchoed(port);
  }

  const use = async (): Promise<UseRow> => {
    const rows = await askJson<UseRow[]>(office, "show use");
    expect(rows).to.have.length(1);
    return rows[0]!;
  };

  it("is the same one, with its stream, its number and its local port, and both show the names of now", async () => {
    const stream = await Steady.open(port);
    await stream.exchange();
    const steps = [
      [office, BORROWER, "bureau"],
      [home, LENDER, "heim"],
      [office, BORROWER, "home"],
      [home, LENDER, "office"],
    ] as const;
    const names = { [LENDER.name]: "home", [BORROWER.name]: "office" };
    for (const [node, sketch, name] of steps) {
      await rename(node, sketch, name);
      names[sketch.name] = name;
      const { home: lender = "", office: borrower = "" } = names;
      expect(await use()).to.deep.include({
        serveid: "u1",
        wanted: `${lender}:127.0.0.1:${service.port}`,
        ...{ port, state: "listening" },
      });
      expect((await use()).remote?.vnet).to.equal(lender);
      const serves = await askJson<ServeRow[]>(home, "show serve");
      expect(serves).to.have.length(1);
      expect(serves[0]).to.include({
        serveid: "u1",
        ...{ info: `for ${borrower}`, state: "lent" },
      });
      await stream.exchange();
      // No connection is taken and then reset.
      for (let n = 0; n < 10; n++)
        expect(await exchange(port, "hello")).to.equal("hello");
    }
    stream.close();
  });

  it("is granted again under the new names as what it is, and its port is told to be taken by the use that lives", async () => {
    await rename(office, BORROWER, "bureau");
    await rename(home, LENDER, "heim");
    const from = office.output.length;
    office.send(`unserve heim ${service.port} ${port}`);
    await office.waitForOutput(
      `use unserve-${service.port} has 127.0.0.1 port ${port} already`,
      30_000,
      from,
    );
    const lent = await askJson<ServeRow[]>(home, "show serve");
    expect(lent.map(({ serveid }) => serveid)).to.deep.equal(["u1"]);
    expect((await use()).serveid).to.equal("u1");
    expect(await exchange(port, "hello")).to.equal("hello");
  });

  for (const who of ["its lender", "its borrower"])
    it(`ends when ${who} goes to another group, says so, and leaves its port to the next one`, async () => {
      const [node, sketch] =
        who === "its lender" ? [home, LENDER] : [office, BORROWER];
      const move = (group: string) => {
        node.writeConfig(nodeConfig(hub.port, { ...sketch, group }));
        node.send("reload");
      };
      const other = node === home ? office : home;
      move("elsewhere");
      await office.waitForOutput(
        /unserve u1 is gone, and use unserve-\d+ with it: .* node went to another group or hub/,
      );
      await home.waitForOutput(/unserve u1 is gone/);
      expect(await askJson(office, "show use")).to.deep.equal([]);
      expect(await askJson(home, "show serve")).to.deep.equal([]);
      await untilRefused(port);
      const from = other.output.length;
      move("default");
      await other.waitForOutput(`(${sketch.name}) is here`, 30_000, from);
      await borrow("home");
      expect((await use()).serveid).to.equal("u2");
      await untilEchoed(port);
    });
});
