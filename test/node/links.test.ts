// Links where addresses stand otherwise: behind a serve, before a use, and on the way to the hub.

import { expect } from "chai";
import { existsSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { dial } from "../../src/net/dial.js";
import { eventually, within } from "../support/deadline.js";
import { Observed, startEcho } from "../support/echo.js";
import { needs, needsUnix } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { withHub, type TestHub } from "../support/hub.js";
import type { TestNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import {
  serveSettings,
  useSettings,
  type NodeSettings,
} from "../support/settings.js";

describe("links in a LAN", () => {
  let folder: string;

  beforeEach(function () {
    folder = makeFolder();
    needsUnix(this, "Unix sockets and sh");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  const usePath = () => join(folder, "use");

  /** A node with that serve, and one whose use of it is a Unix socket. */
  async function pair(
    hub: TestHub,
    ip: string,
  ): Promise<{ home: TestNode; office: TestNode }> {
    const home = await hub.node({
      name: "home",
      serves: [serveSettings("s", { serveid: 700, ip, port: 0 })],
    });
    const use = { serveid: 700, ip: `unix:${usePath()}`, port: 0 };
    const office = await hub.node({
      name: "office",
      uses: [useSettings("u", use)],
    });
    await office.untilUse("u", "listening");
    return { home, office };
  }

  async function user(): Promise<Observed<Duplex>> {
    const host = `unix:${usePath()}`;
    return new Observed(await dial({ host, port: 0, timeoutMs: 5_000 }));
  }

  it("lead from a Unix socket to a Unix socket", () =>
    withHub(async (hub) => {
      const path = join(folder, "service");
      const server: Server = createServer({ allowHalfOpen: true }, (socket) =>
        socket.pipe(socket),
      ).listen(path);
      try {
        await once(server, "listening");
        const { office } = await pair(hub, `unix:${path}`);
        expect(office.use("u")).to.include({ port: 0, error: null });
        for (let n = 0; n < 3; n++) {
          const seen = await user();
          seen.socket.end("hello");
          expect(await within("the end", seen.ended)).to.equal("fin");
          expect(seen.text).to.equal("hello");
        }
        await office.control.closeUse("u");
        expect(existsSync(usePath())).to.equal(false);
      } finally {
        server.close();
      }
    }));

  it("lead to a program, of which others learn the name only", () =>
    withHub(async (hub) => {
      const script = join(folder, "my-secret");
      writeFileSync(script, "cat; echo done >&2");
      const { home, office } = await pair(hub, `exec:sh ${script}`);
      const seen = await user();
      seen.socket.end("hello");
      expect(await within("the end", seen.ended)).to.equal("fin");
      expect(seen.text).to.equal("hello");
      const told = [...office.control.remoteServes()];
      expect(told[0]).to.include({ ip: "exec:sh", port: 0 });
      expect(JSON.stringify(told)).not.to.include("my-secret");
      await eventually("its stderr is told at home", () =>
        home.notices.some(({ text }) => text === "serve s says: done"),
      );
    }));

  it("break the user's connection when the program fails, and say why", () =>
    withHub(async (hub) => {
      const { office } = await pair(hub, "exec:no-such-program-x");
      const seen = await user();
      // A Unix socket knows no reset.
      expect(await within("the end", seen.ended)).to.equal("fin");
      seen.socket.destroy();
      await eventually("the reason is shown", () =>
        office
          .use("u")
          .error?.includes("cannot start no-such-program-x: there is no such"),
      );
    }));

  it("lead to the hub, for the control link and for channels", function () {
    needs(this, "socat");
    return withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const port = await reservePort();
      const ip = `exec:socat - TCP:127.0.0.1:${hub.port}`;
      await hub.node({
        name: "home",
        route: { ip, port: 0 },
        serves: [serveSettings("s", { serveid: 700, port: service.port })],
      });
      const office = await hub.node({
        name: "office",
        route: { ip, port: 0 },
        uses: [useSettings("u", { serveid: 700, port })],
      });
      await office.untilUse("u", "listening");
      const seen = await hub.user(port);
      seen.socket.end("hello");
      await within("the echo", seen.ended);
      expect(seen.text).to.equal("hello");
      expect(office.control.view().hub).to.equal("exec:socat");
    });
  });

  for (const [who, limited] of [
    ["the opener refuses", "office"],
    ["the acceptor refuses, and lets the opener know", "home"],
  ] as const)
    it(`to the hub start a bounded number of programs, then ${who}`, function () {
      needs(this, "socat");
      return withHub(async (hub) => {
        const service = await hub.service(startEcho);
        const ip = `exec:socat - TCP:127.0.0.1:${hub.port}`;
        const start = (name: string, sections: Partial<NodeSettings>) =>
          hub.node(
            { ...sections, name, route: { ip, port: 0 } },
            {
              poolLimits: { maxTarget: 1 },
              ...(name === limited && { maxLegPrograms: 2 }),
            },
          );
        const { port } = service;
        const home = await start("home", {
          serves: [serveSettings("s", { serveid: 700, port })],
        });
        const use = { serveid: 700, ip: `unix:${usePath()}`, port: 0 };
        const office = await start("office", { uses: [useSettings("u", use)] });
        await office.untilUse("u", "listening");
        const greet = async () => {
          const seen = await user();
          seen.socket.write("hello");
          await eventually("the echo", () => seen.text === "hello");
          return seen;
        };
        const kept = [await greet(), await greet()];
        const third = await user();
        await within("its end", third.ended);
        expect(third.text).to.equal("");
        third.socket.destroy();
        const limit = "2 programs run for it already (the way to the hub";
        await eventually("why is told where it is so", () =>
          [
            ...(limited === "home" ? home.notices : office.notices),
            { text: office.use("u").error },
          ].some(({ text }) => text?.includes(limit)),
        );
        kept[0]?.socket.end();
        await within("the first one's end", kept[0]!.ended);
        kept.push(await greet());
        for (const { socket } of kept) socket.destroy();
      });
    });
});
