import { once } from "node:events";
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import { expect } from "chai";
import { KeyRing } from "../../src/hub/key-ring.js";
import { Reception, type ControlArrival } from "../../src/hub/reception.js";
import { createKeyHint, createLinkKey } from "../../src/keys/psk.js";
import { secureAsClient } from "../../src/net/secure.js";
import { encodeLegPreamble } from "../../src/wire/preamble.js";
import { eventually, within } from "../support/deadline.js";
import { connectTo, type Observed } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { KeptLog } from "../support/kept-log.js";

const AUTHKEY = "the-key-of-the-hub";
const TICKET = "0123456789abcdef0123456789abcdef";

describe("the hub's reception", () => {
  let keys: KeyRing;
  let server: Server;
  let reception: Reception;
  let log: KeptLog;
  const arrivals: ControlArrival[] = [];
  const tickets: string[] = [];
  const clients: Observed[] = [];
  const sockets: Socket[] = [];

  before(async () => {
    keys = await KeyRing.make(AUTHKEY);
  });

  async function open(limits: { perAddress?: number; handshakeMs?: number }) {
    log = new KeptLog();
    reception = new Reception({
      keys,
      limits: {
        maxUnauthenticated: 100,
        maxUnauthenticatedPerAddress: limits.perAddress ?? 100,
        handshakeMs: limits.handshakeMs ?? 4_000,
      },
      log,
      onControl: (arrival) => arrivals.push(arrival),
      onLeg: (ticket) => {
        tickets.push(ticket);
        return ticket === TICKET;
      },
    });
    server = createServer({ allowHalfOpen: true });
    server.on("connection", (socket) => {
      sockets.push(socket);
      void reception.receive(socket);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
  }

  afterEach(async () => {
    for (const { socket } of clients.splice(0)) socket.destroy();
    for (const { duplex } of arrivals.splice(0)) duplex.destroy();
    for (const socket of sockets.splice(0)) socket.destroy();
    tickets.length = 0;
    reception.close();
    await new Promise((resolve) => server.close(resolve));
  });

  async function say(bytes: Buffer | string = ""): Promise<Observed> {
    const { port } = server.address() as AddressInfo;
    const client = await connectTo(port);
    clients.push(client);
    if (bytes.length > 0) client.socket.write(bytes);
    return client;
  }

  async function handshake(authkey: string | null) {
    const key = await createLinkKey(authkey);
    const client = await say();
    client.socket.removeAllListeners("data").pause();
    const offered = { identity: createKeyHint(key), psk: key.psk };
    return secureAsClient(client.socket, offered, 8_000);
  }

  it("lets in who has the key, and counts it until its node has proved itself", async () => {
    await open({});
    const { binding } = await handshake(AUTHKEY);
    const arrival = await eventually("an arrival", () => arrivals[0]);
    expect(arrival.binding).to.deep.equal(binding);
    expect(arrival.entry.group).to.equal(null);
    expect(arrival.from).to.match(/^127\.0\.0\.1:\d+$/);
    expect(reception.size).to.equal(1);
    arrival.leaveGate();
    expect(reception.size).to.equal(0);
  });

  it("turns away who has another key or none, with one line of the log", async () => {
    await open({});
    for (const authkey of ["another-key", null]) {
      expect((await failureOf(handshake(authkey))).code).to.equal("refused");
    }
    await eventually("two lines", () => log.texts.length === 2);
    for (const text of log.texts)
      expect(text).to.match(
        /^connection from 127\.0\.0\.1:\d+: does not have the authkey$/,
      );
    expect(arrivals).to.have.length(0);
    await eventually("nobody is left", () => reception.size === 0);
  });

  it("makes an address wait that showed a wrong key", async () => {
    await open({});
    await failureOf(handshake("another-key"));
    const startedAt = performance.now();
    await handshake(AUTHKEY);
    expect(performance.now() - startedAt).to.be.at.least(150);
    await eventually("an arrival", () => arrivals[0]);
  });

  it("passes on a leg whose ticket is known, and closes one whose is not", async () => {
    await open({});
    const known = await say(encodeLegPreamble(TICKET));
    const unknown = await say(encodeLegPreamble("f".repeat(32)));
    await within("it is closed", unknown.ended);
    await eventually("both came", () => tickets.length === 2);
    expect(tickets).to.include(TICKET);
    expect(known.state).to.equal("open");
    expect(log.texts.join()).to.include("unknown or expired ticket");
    expect(log.texts.join()).not.to.include("ffff");
  });

  for (const bytes of [
    "GET / HTTP/1.1\r\n\r\n",
    "vnet-lag".padEnd(24),
    "\0".repeat(24),
  ])
    it(`closes what begins with ${JSON.stringify(bytes.slice(0, 8))}`, async () => {
      await open({});
      await within("it is closed", (await say(bytes)).ended);
      expect(log.texts.join()).to.include("is no vnet");
    });

  for (const [what, bytes] of [
    ["nothing", Buffer.alloc(0)],
    ["the beginning of TLS", Buffer.from("1603010200", "hex")],
    ["half a preamble", Buffer.from("vnet")],
    ["half a ticket", encodeLegPreamble(TICKET).subarray(0, 20)],
  ] as const)
    it(`gives up who says ${what} and then no more`, async () => {
      await open({ handshakeMs: 100 });
      await within("it is closed", (await say(bytes)).ended);
      await eventually("nobody is left", () => reception.size === 0);
      expect(tickets).to.have.length(0);
    });

  it("turns the longest waiting away from a crowd, silently, and lets in who has the key", async () => {
    await open({ perAddress: 3 });
    const crowd: Observed[] = [];
    for (let count = 0; count < 6; count++) {
      crowd.push(await say(Buffer.from("1603010200", "hex")));
      await eventually(
        "it came",
        () => reception.size === Math.min(count + 1, 3),
      );
    }
    await handshake(AUTHKEY);
    await eventually("an arrival", () => arrivals[0]);
    await within("the oldest is closed", crowd[0]!.ended);
    expect(log.texts).to.deep.equal([]);
    expect(reception.size).to.be.at.most(3);
  });
});
