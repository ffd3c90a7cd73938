import { expect } from "chai";
import { randomBytes } from "node:crypto";
import { encodeFrame } from "../../src/wire/frame.js";
import { eventually, within } from "../support/deadline.js";
import { startEcho } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { withFakeHub } from "../support/fake-hub.js";
import { withHub } from "../support/hub.js";
import { NOBODYS_KEY } from "../support/link-key.js";
import { withNode } from "../support/node.js";
import { reservePort } from "../support/ports.js";
import {
  nodeSettings,
  serveSettings,
  useSettings,
} from "../support/settings.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

const WELCOME = {
  type: "welcome",
  protocol: OWN_ABILITIES.protocol,
  software: "fake",
  vnetid: 5,
  name: "home",
};
const EMPTY = {
  type: "directory",
  nodes: [],
  goneNodes: [],
  serves: [],
  goneServes: [],
  complete: true,
};

const PROOF = {
  type: "proof",
  protocol: OWN_ABILITIES.protocol,
  software: "fake",
  key: NOBODYS_KEY,
  signature: Buffer.alloc(64, 7).toString("base64"),
  challenge: NOBODYS_KEY,
};
const MEMBER = { vnetid: 5, name: "home", key: NOBODYS_KEY, encrypt: true };

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
    withFakeHub(async (hub) => {
      const config = nodeSettings(hub.port, {
        name: "home",
        route: { heartbeatIntervalMs: 30, heartbeatTimeoutMs: 120 },
      });
      await withNode(config, async (node) => {
        const first = await hub.next();
        first.say(WELCOME);
        first.say(EMPTY);
        await node.online();
        expect(node.vnetid).to.equal(5);
        await node.untilNotice(/is lost: nothing heard/);
        const second = await hub.next();
        await within("the first link's end", first.observed.ended);
        await eventually("the old number is asked for", () =>
          second.observed.text.includes('"vnetid":5'),
        );
      });
    }));

  it("is tried again after each attempt that fails, and shows the hub's own words", () =>
    withFakeHub(async (hub) => {
      const config = nodeSettings(hub.port, { name: "home" });
      await withNode(config, async (node) => {
        for (let n = 0; n < 3; n++) {
          const { observed, say } = await hub.next();
          say({ type: "goodbye", code: "version", reason: "too old for me" });
          observed.socket.end();
          await eventually(
            "the reason",
            () => node.control.view().linkError === "too old for me",
          );
        }
        const told = node.notices.map(({ text }) => text);
        expect(
          told.filter((t) => !t.startsWith("first contact")),
        ).to.deep.equal([
          `the hub 127.0.0.1:${hub.port} is not reached: too old for me; trying again`,
        ]);
      });
    }));

  it("is told of while something has taken the connection and says nothing, once", () =>
    withFakeHub(async (hub) => {
      const config = nodeSettings(hub.port, { name: "home" });
      await withNode(config, async (node) => {
        await hub.nextRaw();
        // In the first instants that is nothing to wonder at.
        const early = await eventually("it is taken", () => {
          const { waitsFor } = node.control.view();
          return waitsFor === "connecting" ? null : waitsFor;
        });
        expect(early).to.equal(
          "it has taken the connection and does not answer yet",
        );
        const { text } = await node.untilNotice(/still waited for/);
        expect(text).to.match(
          /^the hub 127\.0\.0\.1:\d+ is still waited for: it has taken the connection and does not answer yet; .* wrong keys/,
        );
        expect(node.control.view().waitsFor).to.match(/^it has taken/);
        expect(node.notices).to.have.length(1);
      });
    }));

  const strange: [what: string, bytes: Buffer][] = [
    ["random bytes", Buffer.concat([Buffer.from([0xff]), randomBytes(999)])],
    ["an HTTP answer", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["an SSH greeting", Buffer.from("SSH-2.0-OpenSSH_9.6\r\n")],
    ["its welcome in the clear", encodeFrame(WELCOME)],
  ];
  for (const [what, bytes] of strange)
    it(`is closed and tried again when what answers is no hub but says ${what}`, () =>
      withFakeHub(async (hub) => {
        const config = nodeSettings(hub.port, { name: "home" });
        await withNode(config, async () => {
          const first = await hub.nextRaw();
          first.socket.write(bytes);
          await within("the end", first.ended);
          await hub.next();
        });
      }));

  const nonsense: [what: string, bytes: Buffer][] = [
    ["random bytes", Buffer.concat([Buffer.from([0xff]), randomBytes(999)])],
    ["a node's hello", encodeFrame({ type: "hello" })],
    ["a second proof", encodeFrame(PROOF)],
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
        encodeFrame({ type: "offer", ...MEMBER, ticket: "x" }),
      ]),
    ],
  ];
  for (const [what, bytes] of nonsense)
    it(`is closed and tried again when the hub says ${what}`, () =>
      withFakeHub(async (hub) => {
        const config = nodeSettings(hub.port, { name: "home" });
        await withNode(config, async () => {
          const first = await hub.next();
          first.observed.socket.write(bytes);
          await within("the end", first.observed.ended);
          await hub.next();
        });
      }));

  it("takes answers that nobody waits for, and serveids that are not its own; gives back what comes too late", () =>
    withFakeHub(async (hub) => {
      const config = nodeSettings(hub.port, { name: "home" });
      await withNode(config, async (node) => {
        const { say, observed } = await hub.next();
        for (const message of [
          WELCOME,
          EMPTY,
          { type: "registered", request: 99, serveid: 1 },
          { type: "refused", request: 98, reason: "no" },
          { type: "leg", request: 97, ticket: "00".repeat(16) },
          WELCOME,
          { ...EMPTY, nodes: [MEMBER] },
        ])
          say(message);
        await eventually(
          "the last message",
          () => [...node.control.knownNodes()].length === 1,
        );
        expect(node.control.view().link).to.equal("online");
        // Nobody here would answer for that serve.
        await eventually("the answer", () =>
          observed.text.includes('{"type":"unregister","serveid":1}'),
        );
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

  it("is given up at once when the node closes while a hub keeps it waiting, before its key and after it", () =>
    withFakeHub(async (hub) => {
      const config = nodeSettings(hub.port, { name: "home" });
      const silent = await withNode(config, () => hub.nextRaw());
      await within("the end of the handshake", silent.ended, 2_000);
      const mute = await withNode(
        config,
        async () => (await hub.next(false)).observed,
      );
      await within("the end of the greeting", mute.ended, 2_000);
    }));

  it("rejects what waits for an answer when the hub is lost", () =>
    withFakeHub(async (hub) => {
      const config = nodeSettings(hub.port, { name: "home" });
      await withNode(config, async (node) => {
        const { observed, say } = await hub.next();
        say(WELCOME);
        say({ ...EMPTY, nodes: [MEMBER] });
        await node.online();
        const { vnetid } = MEMBER;
        const failed = failureOf(
          node.control.requestUnserve({ vnetid, ip: "127.0.0.1", port: 22 }),
        );
        await eventually("the request", () =>
          observed.text.includes('"type":"channel"'),
        );
        observed.socket.destroy();
        expect(await failed).to.include({
          code: "closed",
          message: "the hub was lost",
        });
      });
    }));
});
