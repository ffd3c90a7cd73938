import { expect } from "chai";
import type { Socket } from "node:net";
import { Legs } from "../../src/hub/legs.js";
import { eventually, within } from "../support/deadline.js";
import { connectTo, TestServer, type Observed } from "../support/echo.js";

const LONG_MS = 60_000;
const NONE = { joined: 0, waiting: 0 };

describe("the legs of channels", () => {
  let legs: Legs<string>;
  let port: TestServer;
  const nodes: Observed[] = [];

  beforeEach(async () => {
    legs = new Legs({ ticketMs: LONG_MS });
    // A listener that leaves what it accepts alone, as the hub's is.
    port = await TestServer.start(({ socket }) => socket.pause());
  });

  afterEach(async () => {
    legs.close();
    for (const { socket } of nodes.splice(0)) socket.destroy();
    await port.close();
  });

  /** A connection: the node's end of it, and the hub's, which nobody reads. */
  const leg = async (): Promise<{ node: Observed; hub: Socket }> => {
    const coming = within("a connection", port.nextConnection());
    const node = await connectTo(port.port);
    nodes.push(node);
    const hub = (await coming).socket;
    hub.removeAllListeners("data");
    return { node, hub };
  };

  const joined = async () => {
    const tickets = legs.issue("home", "office");
    const [a, b] = [await leg(), await leg()];
    legs.arrive(tickets.from, a.hub);
    legs.arrive(tickets.to, b.hub);
    return { tickets, a: a.node, b: b.node };
  };

  const idle = () =>
    eventually("no leg is left", () => {
      expect(legs.counts).to.deep.equal(NONE);
      return true;
    });

  it("are counted by who asked, once each, until they end", async () => {
    const marksOf = (owner: string) => [owner, "all"];
    legs = new Legs({ ticketMs: LONG_MS, marksOf });
    const first = await joined();
    legs.issue("lab", "office");
    legs.issue("office", "home");
    const held = () =>
      ["home", "lab", "all"].map((mark) => legs.heldBy(mark, "office"));
    expect(held()).to.deep.equal([1, 1, 2]);
    legs.drop("lab");
    expect(held()).to.deep.equal([1, 0, 1]);
    first.a.socket.destroy();
    first.b.socket.destroy();
    await eventually("it is over", () => held()[2] === 0);
    expect(legs.heldBy("all", "home")).to.equal(1);
  });

  it("that still wait are given up when one of their two owners leaves, and those that run go on", async () => {
    const running = await joined();
    const { from } = legs.issue("lab", "home");
    const waiting = await leg();
    legs.arrive(from, waiting.hub);
    legs.issue("home", "lab");
    legs.dropWaiting("home");
    expect(legs.counts).to.deep.equal({ joined: 1, waiting: 0 });
    await within(
      "the leg is cut",
      waiting.node.ended.catch(() => undefined),
    );
    expect(running.a.socket.destroyed).to.equal(false);
  });

  it("have two tickets that nobody can guess", () => {
    const tickets = new Set<string>();
    for (let n = 0; n < 100; n++) {
      const { from, to } = legs.issue("home", "office");
      tickets.add(from).add(to);
    }
    expect(tickets.size).to.equal(200);
    for (const ticket of tickets) expect(ticket).to.match(/^[0-9a-f]{32}$/);
  });

  for (const order of ["from, then to", "to, then from"] as const)
    it(`are joined when they come as ${order}, with what was sent before`, async () => {
      const { from, to } = legs.issue("home", "office");
      const [a, b] = [await leg(), await leg()];
      const tickets = order === "from, then to" ? [from, to] : [to, from];
      expect(legs.counts).to.deep.equal({ joined: 0, waiting: 1 });
      a.node.socket.write("early");
      expect(legs.arrive(tickets[0]!, a.hub)).to.be.true;
      expect(legs.counts).to.deep.equal({ joined: 0, waiting: 1 });
      expect(legs.arrive(tickets[1]!, b.hub)).to.be.true;
      expect(legs.counts).to.deep.equal({ joined: 1, waiting: 0 });
      b.node.socket.write("back");
      await within("the early bytes", b.node.untilBytes(5));
      await within("the answer", a.node.untilBytes(4));
      expect([b.node.text, a.node.text]).to.deep.equal(["early", "back"]);
    });

  it("are forgotten when both have ended", async () => {
    const { a, b } = await joined();
    a.socket.end("last words");
    await within("the end", b.ended);
    expect(b.text).to.equal("last words");
    expect(legs.counts.joined).to.equal(1);
    b.socket.end();
    await idle();
    expect([a.state, b.state]).to.deep.equal(["fin", "fin"]);
  });

  it("are refused with a ticket that nobody issued", async () => {
    const { hub, node } = await leg();
    expect(legs.arrive("00".repeat(16), hub)).to.be.false;
    expect(hub.destroyed).to.be.false;
    expect(node.state).to.equal("open");
  });

  it("are refused with a ticket that was used, whether or not they are joined", async () => {
    const tickets = legs.issue("home", "office");
    const [a, b, c] = [await leg(), await leg(), await leg()];
    legs.arrive(tickets.from, a.hub);
    expect(legs.arrive(tickets.from, c.hub)).to.be.false;
    legs.arrive(tickets.to, b.hub);
    expect(legs.arrive(tickets.from, c.hub)).to.be.false;
    expect(legs.arrive(tickets.to, c.hub)).to.be.false;
    a.node.socket.write("x");
    await within("the byte", b.node.untilBytes(1));
  });

  it("are refused with a ticket that is too old, and the one that waits is cut off", async () => {
    legs = new Legs({ ticketMs: 20 });
    const [a, b] = [await leg(), await leg()];
    const tickets = legs.issue("home", "office");
    legs.arrive(tickets.from, a.hub);
    expect(await within("the reset", a.node.ended)).to.equal("reset");
    expect(legs.arrive(tickets.to, b.hub)).to.be.false;
    expect(legs.counts).to.deep.equal(NONE);
  });

  it("do not expire once they are joined", async () => {
    legs = new Legs({ ticketMs: 20 });
    const { a, b } = await joined();
    // Timers run in their order: this one's ticket would have been too old.
    const later = new Legs<string>({ ticketMs: 20 });
    later.issue("home", "office");
    await eventually("a later ticket is too old", () => {
      return later.counts.waiting === 0;
    });
    a.socket.write("x");
    await within("the byte", b.untilBytes(1));
  });

  it("are both gone when one of them was dead before the other came", async () => {
    const tickets = legs.issue("home", "office");
    const [a, b] = [await leg(), await leg()];
    legs.arrive(tickets.from, a.hub);
    const dead = new Promise((resolve) => a.hub.once("close", resolve));
    a.node.socket.resetAndDestroy();
    await within("the leg's death", dead);
    if (!legs.arrive(tickets.to, b.hub)) b.hub.destroy();
    await within("the other leg's end", b.node.ended);
    await idle();
  });

  it("are both gone when one of them is reset", async () => {
    const { a, b } = await joined();
    a.socket.resetAndDestroy();
    expect(await within("the other's reset", b.ended)).to.equal("reset");
    await idle();
  });

  it("are cut off with the owner of either", async () => {
    for (const owner of ["home", "office"]) {
      const { a, b } = await joined();
      const other = legs.issue("lab", "lab");
      legs.drop(owner);
      expect(await within("a's end", a.ended)).to.equal("reset");
      expect(await within("b's end", b.ended)).to.equal("reset");
      expect(legs.counts).to.deep.equal({ joined: 0, waiting: 1 });
      legs.drop("lab");
      expect(legs.arrive(other.from, (await leg()).hub)).to.be.false;
    }
  });

  it("are counted by who asked and who was asked until both are there", async () => {
    const first = legs.issue("home", "office");
    const second = legs.issue("home", "office");
    legs.issue("office", "home");
    expect(legs.makingOf("home", "office")).to.equal(2);
    expect(legs.makingOf("office", "home")).to.equal(1);
    expect(legs.expected).to.equal(6);
    legs.arrive(first.from, (await leg()).hub);
    expect(legs.makingOf("home", "office")).to.equal(2);
    legs.arrive(first.to, (await leg()).hub);
    expect(legs.makingOf("home", "office")).to.equal(1);
    legs.turnAway(second.to, (await leg()).hub);
    expect(legs.makingOf("home", "office")).to.equal(0);
    expect(legs.expected).to.equal(2);
    legs.drop("home");
    expect(legs.makingOf("office", "home")).to.equal(0);
    expect(legs.expected).to.equal(0);
  });

  it("of which one is turned away are both gone, whichever came first", async () => {
    const early = legs.issue("home", "office");
    const waiting = await leg();
    legs.arrive(early.from, waiting.hub);
    const late = await leg();
    expect(legs.turnAway(early.to, late.hub)).to.be.true;
    await within(
      "both are reset",
      Promise.all([waiting, late].map(({ node }) => node.ended)),
    );
    expect(legs.turnAway(early.from, late.hub)).to.be.false;
    await idle();
  });

  it("are all cut off at the end", async () => {
    const { a } = await joined();
    legs.issue("home", "lab");
    legs.close();
    expect(await within("the end", a.ended)).to.equal("reset");
    expect(legs.counts).to.deep.equal(NONE);
  });
});
