// Who may come in, who may listen, and who can put himself between: the real
// programs against a recorder, a dishonest hub and strangers on the port.

import { randomBytes } from "node:crypto";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import { channelKey, openedBy } from "../../src/keys/psk.js";
import { secureAsClient } from "../../src/net/secure.js";
import { recordClientHello } from "../support/client-hello.js";
import { openClientKey } from "../support/link-key.js";
import { eventually, within } from "../support/deadline.js";
import {
  connectTo,
  startEcho,
  type Observed,
  type TestServer,
} from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import {
  askJson,
  serveSection,
  untilRow,
  untilUse,
  useSection,
  type UseRow,
} from "../support/lan.js";
import {
  closeLaunched,
  run,
  startHub,
  startNode,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { MiddleHub } from "../support/middle-hub.js";
import { reservePort } from "../support/ports.js";
import { Recorder } from "../support/recorder.js";
import { openLeg, Stranger } from "../support/stranger.js";
import { hubText, nodeText, Place } from "../support/trusting.js";

const ID = 700;
const AUTHKEY = "an-authkey-of-this-test-1234";
const SECRET = "a-secret-of-this-test-567890";
const SECRETS = [AUTHKEY, SECRET];

interface NodeRow {
  vnetid: string;
  name: string;
  fingerprint: string;
  trusted: string;
}

/** What a test started and has to close, newest first. */
const owned: (() => Promise<void> | void)[] = [];

function own<T extends { close(): Promise<void> | void }>(thing: T): T {
  owned.push(() => thing.close());
  return thing;
}

async function closeOwned(): Promise<void> {
  for (const close of owned.splice(0).reverse()) await close();
  await closeLaunched();
}

/** What comes back through a use's port; rejects when it is cut off. */
async function echoed(port: number, text: string): Promise<string> {
  const user = own({
    connection: await connectTo(port),
    close() {
      this.connection.socket.destroy();
    },
  }).connection;
  user.socket.write(text);
  await within("the echo", user.untilBytes(Buffer.byteLength(text)));
  user.socket.destroy();
  return user.text;
}

/** How a connection to a use's port ends, when nothing comes through. */
function cutOff(port: number): Promise<string> {
  const user = connect({ port, host: "127.0.0.1" }).resume();
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error("it is not cut off"));
      user.destroy();
    }, 20_000);
    const end = (how: string) => {
      clearTimeout(timer);
      user.destroy();
      resolve(how);
    };
    // Where the refusal is known already it comes with the connection.
    user.once("error", () => end("reset"));
    user.once("end", () => end("fin"));
    user.write("is anybody there?");
  });
}

/** The hub has ended that connection. */
async function closedBy({ ended, socket }: Observed): Promise<void> {
  await within("the hub closes it", ended, 60_000);
  socket.destroy();
}

async function startHubWith(route = "", sections = ""): Promise<Hub> {
  return startHub(hubText(await reservePort(), route, sections));
}

interface Pair {
  echo: TestServer;
  home: Launched;
  office: Launched;
  usePort: number;
}

interface PairOptions {
  /** further lines of [route] of both */
  route?: string;
  /** further lines of [vnet] of each */
  home?: string;
  office?: string;
  /** further lines of home's [serve] */
  serve?: string;
  group?: string;
}

/** A provider and its user; not waited for. */
async function startPair(port: number, options: PairOptions): Promise<Pair> {
  const { route = "", home = "", office = "", serve = "", group } = options;
  const echo = own(await startEcho());
  const usePort = await reservePort();
  const named = group === undefined ? {} : { group };
  const provider = startNode(
    nodeText(port, {
      ...named,
      name: "home-name",
      route,
      vnet: home,
      sections: `[serve.s${ID}]\nserveid = ${ID}\nport = ${echo.port}\nname = a-service-name\ninfo = some-private-info\n${serve}`,
    }),
  );
  await provider.waitForOutput("connected to the hub");
  const user = startNode(
    nodeText(port, {
      ...named,
      name: "office-name",
      route,
      vnet: office,
      sections: useSection(ID, usePort),
    }),
  );
  await user.waitForOutput("connected to the hub");
  return { echo, home: provider, office: user, usePort };
}

async function startWorkingPair(
  port: number,
  options: PairOptions = {},
): Promise<Pair> {
  const pair = await startPair(port, options);
  await untilUse(pair.office, ID, "listening");
  expect(await echoed(pair.usePort, "hello")).to.equal("hello");
  return pair;
}

async function expectWorking({ office, usePort }: Pair): Promise<void> {
  const text = randomBytes(8).toString("hex");
  expect(await echoed(usePort, text)).to.equal(text);
  const serves = await askJson<{ serveid: string; name: string }[]>(
    office,
    "show serves",
  );
  expect(serves.map(({ serveid, name }) => `${serveid} ${name}`)).to.deep.equal(
    ["700 a-service-name"],
  );
}

function expectNoSecret(...outputs: string[]): void {
  for (const output of outputs)
    for (const secret of SECRETS) expect(output).not.to.include(secret);
}

describe("somebody who records what nodes and hub say", function () {
  this.timeout(180_000);
  const group = "a-group-name";
  const marker = `marker-${randomBytes(8).toString("hex")}`;
  const words = [
    ...SECRETS,
    ...[marker, group, "home-name", "office-name"],
    ...["a-service-name", "some-private-info"],
  ];

  afterEach(closeOwned);

  it("finds none of the names, keys and bytes that went by", async () => {
    const hub = await startHubWith(`authkey = ${AUTHKEY}`);
    const recorder = own(await Recorder.start(hub.port));
    const secret = `secret = ${SECRET}`;
    const route = `authkey = ${AUTHKEY}`;
    const options = { route, home: secret, office: secret, group };
    const { usePort } = await startWorkingPair(recorder.port, options);
    expect(await echoed(usePort, marker)).to.equal(marker);
    expect(recorder.controls.length).to.be.at.least(2);
    expect(recorder.legs.length).to.be.at.least(2);
    expect(recorder.overheard(words)).to.deep.equal([]);
  });

  it("finds nothing on an open hub without a secret either", async () => {
    const hub = await startHubWith();
    const recorder = own(await Recorder.start(hub.port));
    const { usePort } = await startWorkingPair(recorder.port, { group });
    expect(await echoed(usePort, marker)).to.equal(marker);
    expect(recorder.overheard(words)).to.deep.equal([]);
  });

  it("finds in the legs, all that the hub copies, ciphertext only", async () => {
    const hub = await startHubWith();
    const recorder = own(await Recorder.start(hub.port));
    const { usePort } = await startWorkingPair(recorder.port);
    expect(await echoed(usePort, marker)).to.equal(marker);
    for (const leg of recorder.legs) {
      // Behind preamble and ticket: TLS records alone.
      const bytes = [leg.toHub.subarray(24), leg.toNode];
      for (const half of bytes) expect(contentTypes(half)).to.satisfy(isTls);
    }
    expect(recorder.overheard([marker], recorder.legs)).to.deep.equal([]);
  });

  it("would find them with encrypt=false on both, but in the legs only", async () => {
    const hub = await startHubWith();
    const recorder = own(await Recorder.start(hub.port));
    const plain = "encrypt = false";
    const options = { home: plain, office: plain };
    const { usePort } = await startWorkingPair(recorder.port, options);
    expect(await echoed(usePort, marker)).to.equal(marker);
    expect(recorder.overheard([marker], recorder.legs)).to.have.length(1);
    expect(recorder.overheard(words, recorder.controls)).to.deep.equal([]);
  });
});

/** The types of the TLS records of which these bytes are made; null: they are no such records. */
function contentTypes(bytes: Buffer): number[] | null {
  const types: number[] = [];
  for (let at = 0; at + 5 <= bytes.length;) {
    if (bytes[at + 1] !== 3) return null;
    types.push(bytes[at] ?? 0);
    at += 5 + bytes.readUInt16BE(at + 3);
  }
  return types;
}

/** 20 change_cipher_spec, 21 alert, 22 handshake, 23 application data */
function isTls(types: number[] | null): boolean {
  return types?.every((type) => type >= 20 && type <= 23) ?? false;
}

describe("a hub that gives the nodes its own key as each other's", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  it("is refused by both where a secret is set, and both say why", async () => {
    const hub = await startHubWith();
    const middle = own(await MiddleHub.start({ target: hub.port }));
    const secret = `secret = ${SECRET}`;
    const options = { home: secret, office: secret };
    const pair = await startPair(middle.port, options);
    await untilUse(pair.office, ID, "waiting");
    expect(await cutOff(pair.usePort), "nothing listens").to.equal("reset");
    const why =
      /do not have the same key: \[vnet\] secret must be the same on both .* else the hub is not honest/;
    await pair.home.waitForOutput(why);
    const use = await untilRow<UseRow>(
      pair.office,
      "show use",
      (row) => why.test(row.error ?? ""),
      "the use says why",
    );
    expect(use.error).to.include(middle.identity.fingerprint);
    expect(pair.echo.connections).to.have.length(0);
    expect(middle.read).to.equal("");
    expectNoSecret(pair.home.output, pair.office.output);
  });

  it("can sit between where none is set: that is what the secret is for", async () => {
    const hub = await startHubWith();
    const middle = own(await MiddleHub.start({ target: hub.port }));
    const pair = await startPair(middle.port, {});
    await untilUse(pair.office, ID, "listening");
    const text = "what it reads";
    const back = await echoed(pair.usePort, text).catch(String);
    expect(back, middle.failures.join()).to.equal(text);
    expect(middle.read).to.include("what it reads");
    const nodes = await askJson<NodeRow[]>(pair.office, "show vnets");
    const home = nodes.find(({ name }) => name === "home-name");
    expect(home?.trusted).to.equal("unknown");
  });
});

describe("a man in the middle of the control link", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  it("is refused when he does not know the authkey", async () => {
    const hub = await startHubWith(`authkey = ${AUTHKEY}`);
    for (const authkey of [null, "another-authkey"]) {
      const middle = own(await MiddleHub.start({ target: hub.port, authkey }));
      const route = `authkey = ${AUTHKEY}`;
      const node = startNode(nodeText(middle.port, { route }));
      await node.waitForOutput("the hub does not take this node's authkey");
      expect(node.output).not.to.include("connected to the hub");
    }
    await hub.close();
    expect(hub.output).not.to.include("joined");
  });

  it("is refused on an open hub after the first contact with the real one", async () => {
    const port = await reservePort();
    const place = new Place(nodeText(port));
    const first = await startHub(hubText(port));
    const node = place.start("vnet");
    await node.waitForOutput(/first contact with the hub .* SHA256:/);
    await node.waitForOutput("connected to the hub");
    await node.close();
    await first.close();
    const elsewhere = await startHubWith();
    own(await MiddleHub.start({ target: elsewhere.port, port }));
    const again = place.start("vnet");
    await again.waitForOutput(
      /the hub's key has CHANGED: it is SHA256:.*, it was SHA256:.*write \[route\] fingerprint=SHA256:/,
    );
    expect(again.output).not.to.include("connected to the hub");
    await elsewhere.close();
    expect(elsewhere.output).not.to.include("joined");
  });
});

describe("a stranger on the hub's port", function () {
  this.timeout(180_000);
  let hub: Hub;
  let recorder: Recorder;
  let pair: Pair;

  before(async () => {
    hub = await startHubWith();
    recorder = own(await Recorder.start(hub.port));
    pair = await startWorkingPair(recorder.port);
  });

  afterEach(() => expectWorking(pair));
  after(closeOwned);

  const join = async (name: string, group = "default") =>
    own(await Stranger.connect(hub.port)).join({ name, group });

  it("has no effect with a ticket that he guessed", async () => {
    for (let round = 0; round < 50; round++) {
      const leg = await openLeg(hub.port, randomBytes(16).toString("hex"));
      await closedBy(leg);
      expect(leg.bytes).to.equal(0);
    }
  });

  it("has no effect with the tickets of a recording", async () => {
    expect(recorder.legs.length).to.be.at.least(2);
    for (const { toHub } of recorder.legs) {
      const leg = await connectTo(hub.port);
      leg.socket.write(toHub);
      await closedBy(leg);
      expect(leg.bytes).to.equal(0);
    }
  });

  it("cannot use a ticket twice, neither beside its leg nor after it", async () => {
    const stranger = await join("twice");
    const answer = await stranger.ask(1);
    if (answer.type !== "leg") throw new Error(answer.reason);
    const leg = await openLeg(hub.port, answer.ticket);
    const second = await openLeg(hub.port, answer.ticket);
    await closedBy(second);
    expect(leg.socket.destroyed).to.equal(false);
    leg.socket.destroy();
    const third = await openLeg(hub.port, answer.ticket);
    await closedBy(third);
    expect(second.bytes + third.bytes).to.equal(0);
    stranger.close();
  });

  it("gets no ticket to a node of another group", async () => {
    const stranger = await join("abroad", "another-group");
    const answer = await stranger.ask(2);
    expect(answer).to.include({ type: "refused" });
    stranger.close();
  });

  it("gets nowhere with a ticket that he took from a node of another group", async () => {
    const member = await join("robbed");
    const thief = await join("thief", "another-group");
    const answer = await member.ask(1);
    if (answer.type !== "leg") throw new Error(answer.reason);
    const leg = connect({ port: hub.port, host: "127.0.0.1" });
    own({ close: () => void leg.destroy() });
    leg.write(Buffer.from("vnet-leg"));
    leg.write(Buffer.from(answer.ticket, "hex"));
    const home = await eventually("home is there", () =>
      member.received
        .flatMap((news) => (news.type === "directory" ? news.nodes : []))
        .find(({ name }) => name === "home-name"),
    );
    // The best that he can make of what he knows: the provider's key, and his own.
    const providerKey = Buffer.from(home.key, "base64");
    const shared = channelKey(thief.identity, providerKey, null);
    const psk = openedBy(shared, member.identity.publicKey);
    const key = { identity: "vnet", psk };
    const failure = await failureOf(secureAsClient(leg, key, 8_000));
    expect(["refused", "closed"]).to.include(failure.code);
    await pair.home.waitForOutput("a channel to robbed failed");
    for (const each of [member, thief]) each.close();
  });

  it("has no effect with somebody else's id, to change or to remove it", async () => {
    const stranger = await join("meddler");
    const serve = {
      name: "mine-now",
      type: "tcp",
      ip: "127.0.0.1",
      port: 9,
      info: "",
      share: "exclusive",
    };
    stranger.say({ type: "update", serveid: ID, serve });
    stranger.say({ type: "unregister", serveid: ID });
    await stranger.roundTrip();
    await expectWorking(pair);
    stranger.close();
  });

  it("is closed at a second hello", async () => {
    const stranger = own(await Stranger.connect(hub.port));
    const hello = await stranger.hello();
    stranger.say(hello);
    await stranger.next("welcome");
    stranger.say(hello);
    await stranger.untilClosed();
    expect(await stranger.next("goodbye")).to.include({
      code: "protocol",
      reason: "a second hello",
    });
  });

  it("is closed with somebody else's public key", async () => {
    const victim = await join("victim");
    const stranger = own(await Stranger.connect(hub.port));
    const key = victim.identity.publicKey.toString("base64");
    stranger.say(await stranger.hello({ key, session: victim.session }));
    await stranger.untilClosed();
    expect(stranger.received.map(({ type }) => type)).not.to.include("welcome");
    await victim.roundTrip();
    victim.close();
  });

  it("is closed with a proof that was made for another connection", async () => {
    const identity = Identity.generate();
    const victim = own(await Stranger.connect(hub.port, { identity }));
    const hello = await victim.hello({ name: "victim" });
    const stranger = own(await Stranger.connect(hub.port));
    await stranger.next("proof");
    stranger.say(hello);
    await stranger.untilClosed();
    victim.close();
  });

  it("is closed with somebody else's session token", async () => {
    const victim = await join("victim");
    const stranger = own(await Stranger.connect(hub.port));
    stranger.say(await stranger.hello({ session: victim.session }));
    await stranger.untilClosed();
    expect(await stranger.next("goodbye")).to.include({ code: "protocol" });
    await victim.roundTrip();
    victim.close();
  });

  it("is closed with keys that are no keys", async () => {
    for (const key of [Buffer.alloc(32), Buffer.alloc(32, 0xff)]) {
      const stranger = own(await Stranger.connect(hub.port));
      stranger.say(await stranger.hello({ key: key.toString("base64") }));
      await stranger.untilClosed();
    }
  });

  // Last: what is recorded is repeated, and its hints are used up.
  it("has no effect with a control session that he recorded", async () => {
    // All joins so far, and later all that the recordings made, stand before that of another guest.
    const joinsBefore = async (name: string) => {
      (await join(name)).close();
      await hub.waitForOutput(`(${name}) joined`);
      return hub.output.split(`(${name}) joined`)[0]?.match(/joined/g)?.length;
    };
    const joined = (await joinsBefore("before")) ?? 0;
    for (const { toHub } of recorder.controls) {
      const replay = await connectTo(hub.port);
      replay.socket.write(toHub);
      await closedBy(replay);
    }
    expect(await joinsBefore("after")).to.equal(joined + 1);
    const nodes = await askJson<NodeRow[]>(pair.office, "show vnets");
    const names = nodes.map(({ name }) => name);
    expect(names).to.include.members(["home-name", "office-name"]);
  });
});

describe("half a handshake, 5,000 times from one address", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  for (const [what, words] of [
    ["half a ClientHello", () => Buffer.from("16030101000100", "hex")],
    [
      "a ClientHello and no more",
      async () => recordClientHello(await openClientKey()),
    ],
  ] as const)
    it(`keeps nobody out with ${what}, and no more than the hub's bound stay`, async () => {
      const bound = 200;
      const limits = `[limits]\nmax_unauthenticated = ${2 * bound}\nmax_unauthenticated_per_address = ${bound}\n`;
      const hub = await startHubWith("", limits);
      const pair = await startWorkingPair(hub.port);
      const open = new Set<Socket>();
      own({
        close: () => {
          for (const socket of open) socket.destroy();
        },
      });
      for (let count = 0; count < 5_000; count += 50)
        await Promise.all(
          Array.from({ length: 50 }, async () =>
            hold(hub.port, await words(), open),
          ),
        );
      await eventually("the oldest are turned away", () => open.size <= bound);
      expect(open.size).to.be.at.least(bound - 10);
      await expectWorking(pair);
      const stranger = own(await Stranger.connect(hub.port));
      await within("its hello", stranger.join({ name: "legitimate" }));
      await within("an answer", stranger.roundTrip());
      expect(hub.running).to.equal(true);
    });
});

function hold(port: number, bytes: Buffer, open: Set<Socket>): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.on("error", () => undefined);
    socket.once("close", () => {
      open.delete(socket);
      resolve();
    });
    socket.once("connect", () => {
      open.add(socket);
      socket.write(bytes, () => resolve());
    });
    socket.resume();
  });
}

describe("keys that do not fit", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  const cases: [what: string, hub: string, node: string, has: string][] = [
    ["a wrong authkey", AUTHKEY, "another-authkey", "has one"],
    ["no authkey", AUTHKEY, "", "has none"],
    ["an authkey for an open hub", "", AUTHKEY, "has one"],
  ];
  for (const [what, hubKey, nodeKey, has] of cases)
    it(`${what}: one line at the node, one at the hub, and it goes on trying`, async () => {
      const line = (key: string) => (key === "" ? "" : `authkey = ${key}`);
      const hub = await startHubWith(line(hubKey));
      const node = startNode(nodeText(hub.port, { route: line(nodeKey) }));
      await node.waitForOutput(
        `the hub does not take this node's authkey; [route] authkey must be the same on both (this node ${has}); the hub's log says why; trying again`,
      );
      const why =
        hubKey === ""
          ? "has an authkey, and this hub has none of its own"
          : "does not have the authkey";
      // A second attempt came to its end before the third, and was no news at the node.
      await hub.waitForOutput(RegExp(`(${why}[^]*){3}`), 60_000);
      expect(node.running).to.equal(true);
      await node.close();
      expect(node.output.match(/does not take/g)).to.have.length(1);
      expectNoSecret(hub.output, node.output);
    });

  it("a wrong authkey ends a guest with status 1", async () => {
    const hub = await startHubWith(`authkey = ${AUTHKEY}`);
    const outcome = await run("vnet", ["config.ini", "-e", "show vnets"], {
      config: nodeText(hub.port, { route: "authkey = another-authkey" }),
    });
    expect(outcome.status).to.equal(1);
    expect(outcome.stderr).to.include("does not take this node's authkey");
  });

  it("a wrong secret: each side refuses and says so", async () => {
    const hub = await startHubWith();
    const pair = await startPair(hub.port, {
      home: `secret = ${SECRET}`,
      office: "secret = another-secret",
    });
    await untilUse(pair.office, ID, "waiting");
    await pair.home.waitForOutput("[vnet] secret must be the same on both");
    await untilRow<UseRow>(
      pair.office,
      "show use",
      ({ error }) => error?.includes("[vnet] secret must be") === true,
      "the use says why",
    );
    expect(await cutOff(pair.usePort), "nothing listens").to.equal("reset");
    expectNoSecret(pair.home.output, pair.office.output, hub.output);
  });

  it("a secret on one side only: each side refuses and says what it has", async () => {
    const hub = await startHubWith();
    const home = `secret = ${SECRET}`;
    const pair = await startPair(hub.port, { home });
    await untilUse(pair.office, ID, "waiting");
    await pair.home.waitForOutput("(this node has one)");
    await untilRow<UseRow>(
      pair.office,
      "show use",
      ({ error }) => error?.includes("(this node has none)") === true,
      "the use says why",
    );
    expect(await cutOff(pair.usePort), "nothing listens").to.equal("reset");
  });

  for (const [home, office, text] of [
    ["encrypt = false", "", "has encrypt=false and this node has not"],
    ["", "encrypt = false", "this node has encrypt=false and vnet"],
  ] as const)
    it(`encrypt=false ${home === "" ? "at the user" : "at the provider"} only: refused with the reason`, async () => {
      const hub = await startHubWith();
      const pair = await startPair(hub.port, { home, office });
      await untilUse(pair.office, ID, "waiting");
      await untilRow<UseRow>(
        pair.office,
        "show use",
        ({ error }) => error?.includes(text) === true,
        "the use says why",
      );
      expect(await cutOff(pair.usePort), "nothing listens").to.equal("reset");
      expect(pair.echo.connections).to.have.length(0);
    });

  it("a hub with another key than the pinned one is refused, with both named", async () => {
    const hub = await startHubWith();
    const printed = await hub.waitForOutput(/the hub's key is (SHA256:\S+)/);
    const pinned = Identity.generate().fingerprint;
    const wrong = startNode(
      nodeText(hub.port, { route: `fingerprint = ${pinned}` }),
    );
    await wrong.waitForOutput(
      `the hub's key is ${printed[1] ?? ""}, [route] fingerprint says ${pinned}`,
    );
    await wrong.close();
    const right = startNode(
      nodeText(hub.port, { route: `fingerprint = ${printed[1] ?? ""}` }),
    );
    await right.waitForOutput("connected to the hub");
    await hub.waitForOutput("joined");
    expect(hub.output.match(/joined/g)).to.have.length(1);
    await right.close();
    expect(right.output).not.to.include("first contact");
  });

  it("the hub keeps its key from start to start", async () => {
    const place = new Place(hubText(await reservePort()));
    const keys: (string | undefined)[] = [];
    for (let round = 0; round < 2; round++) {
      const hub = place.start("route");
      const found = await hub.waitForOutput(/the hub's key is (SHA256:\S+)/);
      keys.push(found[1]);
      await hub.waitForOutput("the hub listens");
      await hub.close();
    }
    expect(keys[0]).to.equal(keys[1]);
  });
});

describe("a key file", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  for (const [launcher, name, more] of [
    ["route", "hub.key", ""],
    ["route", "public.key", "\n[public.web]\nserve = web\nport = 0\n"],
    ["vnet", "identity.key", ""],
  ] as const)
    it(`${name} that others can read, or that is damaged, stops ./${launcher} with one line and status 2`, async () => {
      const port = await reservePort();
      const text = launcher === "route" ? hubText(port) : nodeText(port);
      const publicPort = String(await reservePort());
      const place = new Place(text + more.replace("= 0", `= ${publicPort}`));
      const first = place.start(launcher);
      await first.waitForOutput(launcher === "route" ? "listens" : "the hub");
      await first.close();
      const path = place.stateFile(name);
      const failing = async () => {
        const { status, stdout, stderr } = await run(launcher, [place.file], {
          env: place.env,
        });
        expect(status).to.equal(2);
        expect(stdout).to.equal("");
        expect(stderr.trimEnd().split("\n")).to.have.length(1);
        expect(stderr).to.include(path);
        expect(stderr).not.to.include("PRIVATE KEY");
        return stderr;
      };
      chmodSync(path, 0o644);
      expect(await failing()).to.include(`chmod 600 ${path}`);
      chmodSync(path, 0o600);
      writeFileSync(path, readFileSync(path).subarray(0, 60));
      expect(await failing()).to.include("damaged");
      writeFileSync(path, "");
      expect(await failing()).to.include("damaged");
    });
});

describe("authkey=auto", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  it("makes a key at the first start, prints it then only, and lets in who has it", async () => {
    const port = await reservePort();
    const place = new Place(hubText(port, "authkey = auto"));
    const first = place.start("route");
    const printed = await first.waitForOutput(/^authkey=(\S{32})$/m);
    const authkey = printed[1] ?? "";
    await first.waitForOutput("the hub listens");
    await first.close();
    const hub = place.start("route");
    await hub.waitForOutput("the hub listens");
    expect(hub.output).not.to.include(authkey);
    const route = `authkey = ${authkey}`;
    const node = startNode(nodeText(port, { route }));
    await node.waitForOutput("connected to the hub");
    const stranger = startNode(nodeText(port));
    await stranger.waitForOutput("does not take this node's authkey");
    await node.close();
    await hub.close();
    expect(hub.output + node.output).not.to.include(authkey);
  });
});

describe("a group with a key of its own", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  it("is opened by that key only, and that key opens no other", async () => {
    const own = "the-key-of-group-red";
    const hub = await startHubWith(
      `authkey = ${AUTHKEY}`,
      `[group.red]\nauthkey = ${own}\n`,
    );
    const member = (group: string, authkey: string) =>
      startNode(nodeText(hub.port, { group, route: `authkey = ${authkey}` }));
    await member("red", own).waitForOutput("connected to the hub");
    await member("blue", AUTHKEY).waitForOutput("connected to the hub");
    for (const [group, authkey] of [
      ["red", AUTHKEY],
      ["blue", own],
    ] as const) {
      const node = member(group, authkey);
      await node.waitForOutput(`this authkey does not open group ${group}`);
      expect(node.output).not.to.include("connected to the hub");
    }
    await hub.close();
    expect(hub.output).not.to.include(own);
  });
});

describe("allow= of a serve", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  it("refuses whom it does not list, says so, and lets in whom it lists", async () => {
    const hub = await startHubWith();
    const stranger = Identity.generate().fingerprint;
    const serve = `allow = ${stranger}\n`;
    const pair = await startPair(hub.port, { serve });
    await untilUse(pair.office, ID, "listening");
    expect(await cutOff(pair.usePort)).to.equal("reset");
    const reason = "is not among those that may use s700 (allow=)";
    await untilRow<UseRow>(
      pair.office,
      "show use",
      ({ error }) => error?.includes(reason) === true,
      "the use says why",
    );
    expect(pair.echo.connections).to.have.length(0);

    const { fingerprint } = await askJson<{ fingerprint: string }>(
      pair.office,
      "show vnet",
    );
    const text = readFileSync(pair.home.configFile, "utf8");
    const listing = text.replace(stranger, `${stranger}, ${fingerprint}`);
    pair.home.writeConfig(listing);
    pair.home.send("reload");
    await pair.home.waitForOutput("~ serve s700: allow");
    expect(await echoed(pair.usePort, "now")).to.equal("now");

    // One line for each, with the key that was proved and the user's address.
    const audit = (verdict: string) =>
      new RegExp(
        `info +serve s700 \\(700\\) stream of vnet "?office-name"? \\(${fingerprint.replace(/[+]/g, "\\+")}\\) for 127\\.0\\.0\\.1:\\d+ ${verdict}`,
        "g",
      );
    await pair.home.waitForOutput(audit("opened"));
    expect(
      pair.home.output.match(audit("refused: it is not in allow=")),
    ).to.have.length(1);
    expect(pair.home.output.match(audit("opened"))).to.have.length(1);

    // A stream that runs ends with the permission.
    const user = await connectTo(pair.usePort);
    user.socket.write("x");
    await within("the echo", user.untilBytes(1));
    pair.home.writeConfig(text);
    pair.home.send("reload");
    expect(await within("the stream's end", user.ended)).to.equal("reset");
    user.socket.destroy();
    expect(await cutOff(pair.usePort)).to.equal("reset");
  });
});

describe("show vnets", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  it("has each node's fingerprint, and whom the secret has proved", async () => {
    const hub = await startHubWith();
    const secret = `secret = ${SECRET}`;
    const options = { home: secret, office: secret };
    const { home, office } = await startWorkingPair(hub.port, options);
    const own = await askJson<{ fingerprint: string }>(home, "show vnet");
    expect(own.fingerprint).to.match(/^SHA256:\S{43}$/);
    const row = await untilRow<NodeRow>(
      office,
      "show vnets",
      ({ name }) => name === "home-name",
      "home is shown",
    );
    expect(row).to.include({ fingerprint: own.fingerprint, trusted: "yes" });
  });
});

describe("secrets", function () {
  this.timeout(180_000);
  afterEach(closeOwned);

  it("of keygen are 32 characters, others each time, and fit where they belong", async () => {
    const made = new Set<string>();
    for (const launcher of ["vnet", "vnet", "route"] as const) {
      const { status, stdout } = await run(launcher, ["keygen"]);
      expect(status).to.equal(0);
      expect(stdout).to.match(/^[A-Za-z0-9_-]{32}\n$/);
      made.add(stdout.trim());
    }
    expect(made.size).to.equal(3);
    const [authkey = "", secret = ""] = made;
    const { status } = await run("vnet", ["config.ini", "--check"], {
      config: nodeText(7749, {
        route: `authkey = ${authkey}`,
        vnet: `secret = ${secret}`,
      }),
    });
    expect(status).to.equal(0);
  });

  it("are not in what --check says, not even of a file with errors", async () => {
    const route = `authkey = ${AUTHKEY}`;
    const vnet = `secret = ${SECRET}`;
    const group = `[group.red]\nauthkey = ${AUTHKEY}\n`;
    for (const [launcher, config, status] of [
      ["vnet", nodeText(7749, { route, vnet }), 0],
      ["route", hubText(7749, route, group), 0],
      ["vnet", nodeText(7749, { route, vnet: `${vnet}\nnonsense = 1` }), 2],
      // Secrets that are no good ones, or stand twice.
      ["vnet", nodeText(7749, { route: `${route}\u200b`, vnet }), 2],
      ["vnet", nodeText(7749, { route, vnet: `${vnet}\n${vnet}` }), 2],
      ["route", hubText(7749, `${route}\n${route}`), 2],
    ] as const) {
      const args = ["config.ini", "--check"];
      const outcome = await run(launcher, args, { config });
      expect(outcome.status, outcome.stderr).to.equal(status);
      expectNoSecret(outcome.stdout, outcome.stderr);
    }
  });

  it("are in no log, no show, no --json and no difference of a reload", async () => {
    const hub = await startHubWith(`authkey = ${AUTHKEY}`);
    const route = `authkey = ${AUTHKEY}`;
    const vnet = `secret = ${SECRET}`;
    const node = startNode(
      nodeText(hub.port, { route, vnet, sections: serveSection(ID, 9) }),
    );
    await node.waitForOutput("connected to the hub");
    for (const what of ["vnet", "vnets", "serve", "serves", "use"]) {
      await askJson(node, `show ${what}`);
      node.send(`show ${what}`);
    }
    expect(await askJson<object>(node, "show vnet")).to.have.nested.property(
      "settings.secret",
      "set",
    );
    node.writeConfig(
      nodeText(hub.port, { route: "authkey = another-authkey" }),
    );
    node.send("reload");
    await node.waitForOutput("~ route: authkey changed");
    await node.waitForOutput("secret changed");
    await node.waitForOutput("does not take this node's authkey");
    node.writeConfig(nodeText(hub.port, { route, vnet }));
    node.send("reload");
    await node.waitForOutput(/(connected to the hub[^]*){2}/, 60_000);
    await node.close();
    await hub.close();
    expectNoSecret(node.output, hub.output);
    expect(node.output).not.to.include("another-authkey");
  });
});
