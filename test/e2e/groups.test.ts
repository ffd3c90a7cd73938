// Groups are separate worlds on one hub.

import { expect } from "chai";
import { connectTo, TestServer } from "../support/echo.js";
import {
  askJson,
  serveSection,
  startMember,
  untilUse,
  useSection,
} from "../support/lan.js";
import { closeLaunched, startHub, type Launched } from "../support/launch.js";
import { reservePort } from "../support/ports.js";

const ID = 700;

describe("two groups on one hub", function () {
  this.timeout(180_000);
  const services: TestServer[] = [];
  const offices: { node: Launched; port: number; group: string }[] = [];

  before(async () => {
    const hub = await startHub();
    for (const group of ["red", "blue"]) {
      const service = await TestServer.start(({ socket }) => socket.end(group));
      services.push(service);
      await startMember(hub, {
        name: "home",
        group,
        vnet: "allow_unserve = true",
        sections: serveSection(ID, service.port),
      });
      const port = await reservePort();
      const node = await startMember(hub, {
        name: "office",
        group,
        sections: useSection(ID, port),
      });
      await untilUse(node, ID, "listening");
      offices.push({ node, port, group });
    }
  });

  after(async () => {
    await closeLaunched();
    for (const service of services) await service.close();
  });

  it("hold the same static id, each for its own", async () => {
    for (const { port, group } of offices) {
      const client = await connectTo(port);
      await client.ended;
      expect(client.text).to.equal(group);
      client.socket.destroy();
    }
  });

  it("see only themselves", async () => {
    for (const { node } of offices) {
      expect(await askJson<unknown[]>(node, "show serves")).to.have.length(1);
      const nodes = await askJson<{ name: string; vnetid: string }[]>(
        node,
        "show vnets",
      );
      expect(
        nodes.map(({ name, vnetid }) => `${vnetid} ${name}`),
      ).to.deep.equal(["01 home", "02 office"]);
    }
  });

  it("cannot be reached across, not by ping and not by unserve", async () => {
    // The terminal knows no such node; what the hub says to one that asks all the same is in test/hub.
    const [red] = offices;
    const from = red?.node.output.length ?? 0;
    red?.node.send("ping 03");
    red?.node.send("unserve 03 127.0.0.1 80 127.0.0.1 18080");
    await red?.node.waitForOutput(
      /("03": give home \(01\), office \(02\)[^]*){2}/,
      30_000,
      from,
    );
  });
});
