import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { Listener } from "../../src/net/listener.js";
import { encodeFrame } from "../../src/wire/frame.js";
import type { ToNode } from "../../src/wire/to-node.js";
import { eventually, within } from "../support/deadline.js";
import { Observed, startEcho } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { withHub } from "../support/hub.js";
import { withNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";

/** A port that accepts as the hub's does, and says what a test wants. */
async function withFakeHub(
  body: (
    port: number,
    next: () => Promise<{
      observed: Observed;
      say: (message: ToNode | object) => void;
    }>,
  ) => Promise<void>,
): Promise<void> {
  const accepted: Observed[] = [];
  let taken = 0;
  const listener = await Listener.start({
    host: "127.0.0.1",
    port: 0,
    onConnection: (socket) => {
      accepted.push(new Observed(socket));
      socket.resume();
    },
    onError: () => undefined,
  });
  try {
    await body(listener.port, async () => {
      const observed = await eventually("a connection", () => accepted[taken]);
      taken++;
      return {
        observed,
        say: (message) => {
          observed.socket.write(encodeFrame(message));
        },
      };
    });
  } finally {
    await listener.close();
    for (const { socket } of accepted) socket.destroy();
  }
}

const WELCOME = { type: "welcome", protocol: 1, software: "fake", vnetid: 5 };
const EMPTY = {
  type: "directory",
  nodes: [],
  goneNodes: [],
  serves: [],
  goneServes: [],
  complete: true,
};

describe("a node's way to the hub", () => {
  it("is found again after the hub's restart, with all there was, under the same ids", async () => {
    const port = await reservePort();
    await withHub(
      async (hub) => {
        const service = await hub.service(startEcho);
        const serve = (label: string, serveid: number) =>
          serveSettings(label, { serveid, port: service.port });
        const office = await hub.node({ name: "office" });
        const home = await hub.node({
          name: "home",
          serves: [serve("any", 0), serve("seven", 7), serve("fixed", 700)],
        });
        for (const label of ["any", "seven", "fixed"])
          await home.untilServe(label, "registered");
        const ids = () => home.control.serves().map((s) => s.serveid);
        const before = ids();
        expect(before).to.deep.equal([1, 7, 700]);
        const vnetids = [home.vnetid, office.vnetid];
        const ports = [await reservePort(), await reservePort()];
        for (const [n, serveid] of [1, 700].entries())
          await office.control.addUse(
            useSettings(`use ${n}`, { serveid, port: ports[n]! }),
          );

        for (let round = 0; round < 3; round++) {
          await hub.stop();
          await office.untilUse("use 0", "waiting");
          await home.untilServe("fixed", "waiting");
          expect(() => home.control.remoteServes()).to.throw(/not reached/);
          await hub.open();
          for (const label of ["any", "seven", "fixed"])
            await home.untilServe(label, "registered");
          expect(ids()).to.deep.equal(before);
          for (const [n, local] of ports.entries()) {
            await office.untilUse(`use ${n}`, "listening");
            const user = await hub.user(local);
            user.socket.end("x");
            await within("the echo", user.ended);
            expect(user.text).to.equal("x");
          }
          expect([home.vnetid, office.vnetid]).to.deep.equal(vnetids);
        }
        const losses = home.notices.filter((n) =>
          n.text.includes(" is lost: "),
        );
        expect(losses).to.have.length(3);
        expect(home.notices.some((n) => n.text.includes(" is taken"))).to.be
          .false;
      },
      { port },
    );
  });

  it("is found when the hub starts after the node", async () => {
    const port = await reservePort();
    const config = nodeSettings(port, { name: "early" });
    await withNode(config, async (node) => {
      await node.untilNotice(
        /the hub 127\.0\.0\.1:\d+ is not reached: .*nothing listens there/,
      );
      expect(node.control.view()).to.include({ vnetid: 0 });
      expect(node.control.view().linkError).to.match(/nothing listens/);
      await withHub(
        async () => {
          await node.online();
          expect(node.control.view()).to.include({
            link: "online",
            linkError: null,
            vnetid: 1,
          });
          await node.untilNotice(/connected to the hub .* as vnet 01/);
          await node.close();
        },
        { port },
      );
    });
  });

  it("is given up when the hub goes silent, with the streams that ran over it", () =>
    withFakeHub(async (port, next) => {
      const config = nodeSettings(port, { name: "home" });
      await withNode(
        config,
        async (node) => {
          const first = await next();
          first.say(WELCOME);
          first.say(EMPTY);
          await node.online();
          expect(node.vnetid).to.equal(5);
          await node.untilNotice(/is lost: nothing heard/);
          const second = await next();
          await within("the first link's end", first.observed.ended);
          await eventually("the old number is asked for", () =>
            second.observed.text.includes('"vnetid":5'),
          );
        },
        { heartbeat: { intervalMs: 30, timeoutMs: 120 } },
      );
    }));

  it("is tried again after each attempt that fails, and shows the hub's own words", () =>
    withFakeHub(async (port, next) => {
      const config = nodeSettings(port, { name: "home" });
      await withNode(config, async (node) => {
        for (let n = 0; n < 3; n++) {
          const { observed, say } = await next();
          say({ type: "goodbye", code: "version", reason: "too old for me" });
          observed.socket.end();
          await eventually(
            "the reason",
            () => node.control.view().linkError === "too old for me",
          );
        }
        expect(node.notices.map(({ text }) => text)).to.deep.equal([
          `the hub 127.0.0.1:${port} is not reached: too old for me; trying again`,
        ]);
      });
    }));

  const nonsense: [what: string, bytes: Buffer][] = [
    ["random bytes", Buffer.concat([Buffer.from([0xff]), randomBytes(999)])],
    ["an HTTP answer", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["an SSH greeting", Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")],
    ["a node's hello", encodeFrame({ type: "hello" })],
    ["a welcome without a number", encodeFrame({ ...WELCOME, vnetid: 0 })],
    [
      "a directory of wrong fields",
      Buffer.concat([
        encodeFrame(WELCOME),
        encodeFrame({ ...EMPTY, nodes: [{ vnetid: 1 }] }),
      ]),
    ],
    [
      "an offer with a ticket that is none",
      Buffer.concat([
        encodeFrame(WELCOME),
        encodeFrame({ type: "offer", ticket: "x", vnetid: 1, name: "y" }),
      ]),
    ],
  ];
  for (const [what, bytes] of nonsense)
    it(`is closed and tried again when the hub says ${what}`, () =>
      withFakeHub(async (port, next) => {
        const config = nodeSettings(port, { name: "home" });
        await withNode(config, async () => {
          const first = await next();
          first.observed.socket.write(bytes);
          await within("the end", first.observed.ended);
          await next();
        });
      }));

  it("takes answers that nobody waits for, and serveids that are not its own", () =>
    withFakeHub(async (port, next) => {
      const config = nodeSettings(port, { name: "home" });
      await withNode(config, async (node) => {
        const { say } = await next();
        for (const message of [
          WELCOME,
          EMPTY,
          { type: "registered", request: 99, serveid: 1 },
          { type: "refused", request: 98, reason: "no" },
          { type: "leg", request: 97, ticket: "00".repeat(16) },
          { type: "unserve-granted", request: 96, serveid: 1 },
          { type: "unserve-withdraw", serveid: 5 },
          WELCOME,
          { ...EMPTY, nodes: [{ vnetid: 5, name: "home" }] },
        ])
          say(message);
        await eventually(
          "the last message",
          () => node.control.knownNodes().length === 1,
        );
        expect(node.control.view().link).to.equal("online");
      });
    }));

  it("lets streams run on while only the control link is lost", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const home = await hub.node({
        name: "home",
        serves: [serveSettings("web", { serveid: 700, port: service.port })],
      });
      await home.untilServe("web", "registered");
      const port = await reservePort();
      const office = await hub.node({
        name: "office",
        uses: [useSettings("web", { serveid: 700, port })],
      });
      await office.untilUse("web", "listening");
      const user = await hub.user(port);
      user.socket.write("x");
      await within("the echo", user.untilBytes(1));
      // A new name makes home leave and come back.
      await home.control.reload({
        ...home.control.config,
        vnet: { ...home.control.config.vnet, name: "renamed" },
      });
      await eventually(
        "home is back",
        () => office.seen(700)?.vnet === "renamed",
      );
      user.socket.write("y");
      await within("the echo", user.untilBytes(2));
    }));

  it("rejects what waits for an answer when the hub is lost", () =>
    withFakeHub(async (port, next) => {
      const config = nodeSettings(port, { name: "home" });
      await withNode(config, async (node) => {
        const { observed, say } = await next();
        say(WELCOME);
        say(EMPTY);
        await node.online();
        const failed = failureOf(
          node.control.requestUnserve({ vnetid: 1, ip: "127.0.0.1", port: 22 }),
        );
        await eventually("the request", () =>
          observed.text.includes('"type":"unserve"'),
        );
        observed.socket.destroy();
        expect(await failed).to.include({
          code: "closed",
          message: "the hub was lost",
        });
      });
    }));
});
