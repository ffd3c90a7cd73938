import { PassThrough } from "node:stream";
import { expect } from "chai";
import { parseHubConfig } from "../src/config/hub-config.js";
import type { Hub } from "../src/hub/hub.js";
import { HostKey } from "../src/keys/host-key.js";
import { Identity } from "../src/keys/identity.js";
import { KnownNodes } from "../src/keys/known-nodes.js";
import { PublicPorts } from "../src/public-ports.js";
import { SharedPort } from "../src/shared-port.js";
import { eventually } from "./support/deadline.js";
import { KeptLog } from "./support/kept-log.js";

describe("The hub's own nodes for its public ports", () => {
  it("do not complain at the start that this same hub has not answered yet", async () => {
    const config = parseHubConfig(
      "[route]\n[public.web]\nserve = web\nport = 1\n[public.off]\nserve = web\nport = 2\nactive = false\n",
      "config.ini",
    );
    const log = new KeptLog();
    const silent = { connect: () => new PassThrough() };
    const ports = PublicPorts.start({
      ...{ config, log, software: "vnet", authkey: null },
      hub: silent as unknown as Hub,
      sharedPort: new SharedPort(config.route),
      hostKey: HostKey.generate(),
      identity: Identity.generate(),
      knownNodes: new KnownNodes(null),
      trustCall: (wanted) => wanted,
    });
    try {
      // What was known of the other one is told at the same time.
      await eventually("the inactive one is told of", () =>
        log.texts.some((line) => line.includes("active=false")),
      );
      expect(log.texts.filter((line) => line.includes("public web"))).to.be
        .empty;
    } finally {
      await ports.close();
    }
  });
});
