import { randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  createServer,
  type AddressInfo,
  type Server,
  type Socket,
} from "node:net";
import type { Duplex } from "node:stream";
import { expect } from "chai";
import { KeyRing } from "../../src/hub/key-ring.js";
import {
  Reception,
  type ControlArrival,
  type ReceptionOptions,
} from "../../src/hub/reception.js";
import { Shortage } from "../../src/hub/shortage.js";
import { createKeyHint, createLinkKey } from "../../src/keys/psk.js";
import { createDuplexPair } from "../../src/net/duplex-pair.js";
import { formatPeer, peerOf, type Peer } from "../../src/net/peer.js";
import { secureAsClient } from "../../src/net/secure.js";
import { encodeLegPreamble } from "../../src/wire/preamble.js";
import { eventually, within } from "../support/deadline.js";
import { Networks } from "../../src/net/networks.js";
import { recordClientHello, recordTlsHello } from "../support/client-hello.js";
import { LOOPBACK } from "../support/networks.js";
import { connectTo, Observed } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { KeptLog } from "../support/kept-log.js";

const AUTHKEY = "the-key-of-the-hub";
const NO_PSK = Buffer.alloc(32);
/** The beginning of a ClientHello. */
const HALF_TLS = Buffer.from("1603010200", "hex");
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

  async function open(
    limits: { perAddress?: number; handshakeMs?: number },
    options: Partial<ReceptionOptions> = {},
  ) {
    log = new KeptLog();
    reception = new Reception({
      keys,
      limits: {
        maxUnauthenticated: 100,
        maxUnauthenticatedPerAddress: limits.perAddress ?? 100,
        handshakeMs: limits.handshakeMs ?? 4_000,
      },
      log,
      shortage: new Shortage(log),
      onControl: (arrival) => arrivals.push(arrival),
      onLeg: (ticket) => {
        tickets.push(ticket);
        return ticket === TICKET;
      },
      ...options,
    });
    server = createServer({ allowHalfOpen: true });
    server.on("connection", (socket) => {
      sockets.push(socket);
      void reception.receive(socket, peerOf(socket));
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

  async function offered(authkey: string | null) {
    const key = await createLinkKey(authkey);
    return { identity: createKeyHint(key), psk: key.psk };
  }

  async function handshake(authkey: string | null, before = "") {
    const offer = await offered(authkey);
    const client = await say(before);
    client.socket.removeAllListeners("data").pause();
    return secureAsClient(client.socket, offer, 8_000);
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

  it("says of who has a key that the hub has none", async () => {
    await open({}, { keys: await KeyRing.make(null) });
    const error = await failureOf(handshake("another-key"));
    expect(error.code).to.equal("refused");
    await eventually("a line", () => log.texts.length === 1);
    expect(log.texts[0]).to.match(
      /was turned away: has an authkey, and this hub has none of its own; /,
    );
  });

  it("turns away who has another key or none, with one line of the log", async () => {
    await open({});
    for (const authkey of ["another-key", null]) {
      expect((await failureOf(handshake(authkey))).code).to.equal("refused");
    }
    await eventually("two lines", () => log.texts.length === 2);
    for (const text of log.texts)
      expect(text).to.match(
        /^connection from 127\.0\.0\.1:\d+ was turned away: does not have the authkey \(its authkey= is another one than this hub's, or it has none\)$/,
      );
    expect(arrivals).to.have.length(0);
    await eventually("nobody is left", () => reception.size === 0);
  });

  it("lets who showed a wrong key wait for its answer, and nobody else of its address", async () => {
    await open({});
    for (let count = 0; count < 3; count++)
      await failureOf(handshake("another-key"));
    const order: string[] = [];
    const wrong = failureOf(handshake("another-key")).then(() => {
      order.push("wrong");
    });
    await eventually("it was seen", () => log.texts.length === 4);
    await handshake(AUTHKEY);
    order.push("right");
    await wrong;
    expect(order).to.deep.equal(["right", "wrong"]);
    expect(arrivals).to.have.length(1);
  });

  it("answers a hint of ours without its key as any other hint", async () => {
    await open({});
    const key = await createLinkKey(AUTHKEY);
    const wrong = [
      { identity: createKeyHint(key), psk: randomBytes(32) },
      { identity: randomBytes(32).toString("base64url"), psk: key.psk },
    ];
    const answers: string[] = [];
    for (const offer of wrong) {
      const client = await say(await recordClientHello(offer));
      await within("the end", client.ended);
      answers.push(client.received.toString("hex"));
    }
    // handshake_failure
    expect(answers).to.deep.equal(Array(2).fill("15030300020228"));
    expect(new Set(log.texts.map((text) => text.replace(/:\d+/, ""))))
      .to.have.property("size")
      .equal(1);
  });

  it("takes a ClientHello once, and its repetitions for no key", async () => {
    await open({});
    const hello = await recordClientHello(await offered(AUTHKEY));
    const first = await say(hello);
    await within("a ServerHello", first.untilBytes(100));
    const second = await say(hello);
    await within("the end", second.ended);
    expect(second.bytes).to.equal(7);
    expect(log.texts.join()).to.include("repeats somebody's handshake");
  });

  for (const [what, bytes] of [
    ["a message of 131,000 bytes", "160301400001" + "01ffb8"],
    ["a record of 16 KiB", "1603014000"],
    ["a handshake that is no ClientHello", "160301010002" + "0000fc"],
  ] as const)
    it(`turns away at once who announces ${what}`, async () => {
      await open({ handshakeMs: 60_000 });
      const client = await say(Buffer.from(bytes, "hex"));
      await within("it is closed", client.ended);
      expect(client.bytes).to.equal(0);
      expect(log.texts.join()).to.include("is no vnet");
    });

  for (const [what, act] of [
    ["ends", (socket: Socket) => socket.end()],
    ["says too much", (socket: Socket) => socket.write(Buffer.alloc(1 << 20))],
  ] as const)
    it(`forgets at once who has to wait and ${what}`, async () => {
      await open({});
      const hello = await recordClientHello(await offered("another-key"));
      for (let count = 1; count <= 5; count++)
        await failureOf(handshake("another-key"));
      const other = await say(hello);
      const client = await say(hello);
      await eventually("they were seen", () => log.texts.length === 7);
      act(client.socket);
      await eventually("one is gone", () => reception.size === 1);
      expect(other.bytes).to.equal(0);
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

  for (const [what, words, hello] of [
    ["SSH", "it speaks SSH;", () => "SSH-2.0-x\r\n"],
    ["HTTP", "it speaks HTTP (GET);", () => "GET / HTTP/1.1\r\n\r\n"],
    [
      "TLS with a certificate",
      "it speaks TLS with a certificate (https, for example), to a.b;",
      () => recordTlsHello({ servername: "a.b" }),
    ],
    [
      "TLS that goes on with a session of somewhere else",
      "it speaks TLS with a certificate",
      () => recordClientHello({ identity: "t".repeat(200), psk: NO_PSK }),
    ],
    [
      "TLS of an older version",
      "it speaks TLS of an older version (1.2 at most);",
      () => recordTlsHello({ maxVersion: "TLSv1.2" }),
    ],
  ] as const)
    it(`says of ${what} what it is, in one line, and what can be done`, async () => {
      await open({});
      await within("it is closed", (await say(await hello())).ended);
      expect(log.texts).to.have.length(1);
      expect(log.texts[0])
        .to.match(
          /^connection from 127\.0\.0\.1:\d+ was turned away: is no vnet: /,
        )
        .and.include(words)
        .and.include("[public.X]");
    });

  it("says of who is silent that it may wait for a service that speaks first", async () => {
    await open({ handshakeMs: 100 });
    await within("it is closed", (await say()).ended);
    expect(log.texts.join()).to.match(
      /said nothing within 0\.1 s; .* waits? for a service that speaks first .*\[public\.X\]/,
    );
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
      const one = await say(await recordClientHello(await offered(AUTHKEY)));
      await within("a ServerHello", one.untilBytes(100));
      crowd.push(one);
    }
    await handshake(AUTHKEY);
    await eventually("an arrival", () => arrivals[0]);
    for (const gone of crowd.slice(0, 4))
      await within("the oldest are closed", gone.ended);
    expect(crowd.slice(4).map(({ state }) => state)).to.deep.equal([
      "open",
      "open",
    ]);
    expect(log.texts).to.deep.equal([]);
    expect(reception.size).to.equal(3);
  });

  it("cuts none of a burst of legs from one address", async () => {
    await open({ perAddress: 2 });
    const legs = await Promise.all(
      Array.from({ length: 40 }, () => say(encodeLegPreamble(TICKET))),
    );
    await eventually("all came", () => tickets.length === legs.length);
    expect(legs.map(({ state }) => state)).to.not.include("reset");
    expect(reception.size).to.equal(0);
    expect(log.texts).to.deep.equal([]);
  });

  it("bounds those of a Unix socket only all together", async () => {
    await open({ perAddress: 1 });
    const ends = Array.from({ length: 5 }, () => {
      const { a, b } = createDuplexPair();
      void reception.receive(b, { address: "unix", port: 0 });
      a.write(HALF_TLS);
      return a.on("error", () => undefined);
    });
    await eventually("they stand there", () => reception.size === 5);
    ends[0]!.write("rubbish".padEnd(600, "x"));
    await eventually("one is gone", () => reception.size === 4);
    expect(log.texts).to.have.length(1);
    expect(log.texts[0]).to.match(/^connection from unix was turned away: /);
    for (const end of ends) end.destroy();
  });

  it("turns everybody away once it is closed", async () => {
    await open({});
    reception.close();
    await within("it is closed", (await say(HALF_TLS)).ended);
    expect(reception.size).to.equal(0);
  });

  describe("behind a proxy", () => {
    const headerOf = (address: string) =>
      address.includes(":")
        ? `PROXY TCP6 ${address} ::1 1234 7749\r\n`
        : `PROXY TCP4 ${address} 127.0.0.1 1234 7749\r\n`;
    const behindProxy = { proxyFrom: LOOPBACK };

    it("knows a control link by the address that the header says", async () => {
      await open({}, behindProxy);
      await handshake(AUTHKEY, headerOf("10.0.0.1"));
      const arrival = await eventually("an arrival", () => arrivals[0]);
      expect(arrival.from).to.equal("10.0.0.1:1234");
    });

    it("takes header and leg in one packet, or byte by byte", async () => {
      await open({}, behindProxy);
      const bytes = Buffer.concat([
        Buffer.from("0d0a0d0a000d0a515549540a2111000c", "hex"),
        Buffer.from("0a0000010a00000204d21e45", "hex"),
        encodeLegPreamble(TICKET),
      ]);
      await say(bytes);
      const slow = await say();
      slow.socket.setNoDelay();
      for (const byte of bytes) {
        slow.socket.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      await eventually("both came", () => tickets.length === 2);
      expect(log.texts).to.deep.equal([]);
    });

    it("knows the proxy's own connections by its own address", async () => {
      await open({}, behindProxy);
      await handshake(AUTHKEY, "PROXY UNKNOWN\r\n");
      const arrival = await eventually("an arrival", () => arrivals[0]);
      expect(arrival.from).to.match(/^127\.0\.0\.1:\d+$/);
    });

    it("lets who showed a wrong key wait by how often its own address did", async () => {
      await open({}, behindProxy);
      const order: string[] = [];
      const fail = async (address: string) => {
        await failureOf(handshake("another-key", headerOf(address)));
        order.push(address);
      };
      for (let count = 0; count < 3; count++) await fail("10.0.0.1");
      expect(log.texts.slice(0, 1)).to.deep.equal([
        "connection from 10.0.0.1:1234 was turned away: does not have the authkey (its authkey= is another one than this hub's, or it has none)",
      ]);
      order.length = 0;
      await Promise.all([fail("10.0.0.1"), fail("10.0.0.2")]);
      expect(order).to.deep.equal(["10.0.0.2", "10.0.0.1"]);
    });

    for (const [what, bytes] of [
      ["a header", Buffer.from(headerOf("10.0.0.1"))],
      [
        "a header of version 2",
        Buffer.from("0d0a0d0a000d0a515549540a2111000c", "hex"),
      ],
      ["half a header", Buffer.from("PROX")],
    ] as const)
      it(`lets nobody choose an address who sends ${what} from where no proxy is`, async () => {
        const proxyFrom = new Networks("10.0.0.0/8");
        await open({ handshakeMs: 300 }, { proxyFrom });
        await within("it is closed", (await say(bytes)).ended);
        expect(log.texts).to.have.length(1);
        expect(log.texts[0]).to.match(/^connection from 127\.0\.0\.1:\d+ /);
        if (what !== "half a header")
          expect(log.texts[0]).to.include("not in [route] proxy_from=");
      });

    it("knows who comes directly by its own address", async () => {
      await open({}, { proxyFrom: new Networks("10.0.0.0/8") });
      await handshake(AUTHKEY);
      const arrival = await eventually("an arrival", () => arrivals[0]);
      expect(arrival.from).to.match(/^127\.0\.0\.1:\d+$/);
      await say(encodeLegPreamble(TICKET));
      await eventually("a leg", () => tickets.length === 1);
    });

    for (const [whose, first, other, again] of [
      ["an address", "10.0.0.1", "10.0.0.2", "10.0.0.1"],
      ["an IPv6 network", "2001:db8::1", "2001:db8:0:1::1", "2001:db8::2:1"],
    ] as const)
      it(`bounds handshakes of ${whose}, not those of its proxy`, async () => {
        await open({ perAddress: 1 }, behindProxy);
        const crowd: Observed[] = [];
        for (const address of [first, other, again]) {
          const header = Buffer.from(headerOf(address));
          const hello = await recordClientHello(await offered(AUTHKEY));
          const one = await say(Buffer.concat([header, hello]));
          await within("a ServerHello", one.untilBytes(100));
          crowd.push(one);
        }
        await within("the older one is closed", crowd[0]!.ended);
        expect(crowd.map(({ state }) => state).slice(1)).to.deep.equal(
          Array(2).fill("open"),
        );
      });

    it("counts for its true address who is silent behind the header", async () => {
      await open({ perAddress: 1 }, behindProxy);
      const crowd: Observed[] = [];
      while (crowd.length < 60) {
        crowd.push(await say(headerOf(`10.0.0.${crowd.length}`)));
        await eventually("it came", () => reception.size === crowd.length);
      }
      expect(crowd.filter(({ state }) => state !== "open")).to.be.empty;
    });

    for (const [what, bytes] of [
      ["no header but TLS", HALF_TLS],
      ["no header but a leg", encodeLegPreamble(TICKET)],
      ["a malformed header", Buffer.from("PROXY TCP4 here there 1 2\r\n")],
      ["a header without an end", Buffer.from("PROXY ".padEnd(200, "x"))],
    ] as const)
      it(`turns away ${what}, with one line of the log`, async () => {
        await open({}, behindProxy);
        await within("it is closed", (await say(bytes)).ended);
        await eventually("nobody is left", () => reception.size === 0);
        expect(log.texts).to.have.length(1);
        expect(log.texts[0]).to.match(
          /^connection from 127\.0\.0\.1:\d+ was turned away: .*PROXY header/,
        );
        expect(tickets).to.have.length(0);
      });

    for (const bytes of ["", "PROXY TCP4 10.0.0.1 10", headerOf("10.0.0.1")])
      it(`gives up who says ${JSON.stringify(bytes)} and then no more`, async () => {
        await open({ handshakeMs: 100 }, behindProxy);
        await within("it is closed", (await say(bytes)).ended);
        await eventually("nobody is left", () => reception.size === 0);
        expect(log.texts).to.have.length(1);
      });
  });

  describe("with a CONNECT line", () => {
    it("answers it, behind a PROXY header too, and goes on as usual", async () => {
      await open({}, { connectLine: true, proxyFrom: LOOPBACK });
      const header = "PROXY UNKNOWN\r\n";
      const client = await say(`${header}CONNECT 7749\n`);
      await within("an answer", client.untilBytes(8));
      expect(client.text).to.equal("OK 7749\n");
      client.socket.write(encodeLegPreamble(TICKET));
      await eventually("it came", () => tickets.length === 1);
    });

    it("takes a leg that does not wait for the answer", async () => {
      await open({}, { connectLine: true });
      const line = Buffer.from("CONNECT 1\n");
      await say(Buffer.concat([line, encodeLegPreamble(TICKET)]));
      await eventually("it came", () => tickets.length === 1);
    });

    for (const bytes of [HALF_TLS, "CONNECT x\n", "CONNECT ".padEnd(99, "1")])
      it(`turns away ${JSON.stringify(bytes.toString().slice(0, 9))}, without an answer`, async () => {
        await open({}, { connectLine: true });
        const client = await say(bytes);
        await within("it is closed", client.ended);
        expect(client.bytes).to.equal(0);
        expect(log.texts.join()).to.include("a line CONNECT and a port");
      });

    it("gives up who says half of it and then no more", async () => {
      await open({ handshakeMs: 100 }, { connectLine: true });
      await within("it is closed", (await say("CONN")).ended);
    });
  });

  describe("with a place for plain clients", () => {
    const plain: { connection: Observed<Duplex>; from: string }[] = [];
    const onPlain = (connection: Duplex, peer: Peer) => {
      const from = formatPeer(peer);
      plain.push({ connection: new Observed(connection), from });
    };

    afterEach(() => {
      plain.length = 0;
    });

    for (const text of [
      "SSH-2.0-OpenSSH_9.2\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      "v",
      "vnet-le",
      "vnet-lag, and more",
      "\0",
    ])
      it(`hands over all of ${JSON.stringify(text)}`, async () => {
        await open({}, { onPlain });
        const client = await say();
        client.socket.end(text);
        const { connection, from } = await eventually(
          "a plain one",
          () => plain[0],
        );
        expect(reception.size).to.equal(0);
        expect(from).to.match(/^127\.0\.0\.1:\d+$/);
        await within("its end", connection.ended);
        expect(connection.text).to.equal(text);
        connection.socket.end("answer");
        await within("the answer", client.ended);
        expect(client.text).to.equal("answer");
        expect(log.texts).to.deep.equal([]);
      });

    it("hands over as soon as it can be no leg any more", async () => {
      await open({}, { onPlain });
      const client = await say("vnet");
      client.socket.write("-x");
      const { connection } = await eventually("a plain one", () => plain[0]);
      await within("its bytes", connection.untilBytes(6));
      expect(connection.text).to.equal("vnet-x");
    });

    it("hands over who is silent for a second", async () => {
      await open({}, { onPlain });
      const startedAt = performance.now();
      const client = await say();
      const { connection } = await eventually("a plain one", () => plain[0]);
      expect(performance.now() - startedAt).to.be.within(900, 3_000);
      connection.socket.write("220 speaks first");
      await within("it", client.untilBytes(16));
      client.socket.write("HELO");
      await within("it", connection.untilBytes(4));
      expect(log.texts).to.deep.equal([]);
    });

    for (const [what, options] of [
      ["TLS 1.3", {}],
      ["TLS 1.2", { maxVersion: "TLSv1.2" }],
    ] as const)
      it(`hands over a user of ${what}, in pieces too`, async () => {
        await open({}, { onPlain });
        const hello = await recordTlsHello(options);
        const client = await say(hello.subarray(0, 50));
        client.socket.write(hello.subarray(50));
        const { connection } = await eventually("a plain one", () => plain[0]);
        await within("its bytes", connection.untilBytes(hello.length));
        expect(connection.received).to.deep.equal(hello);
        expect(log.texts).to.deep.equal([]);
      });

    it("hands over a user of TLS who goes on with a session of the service", async () => {
      await open({}, { onPlain });
      const session = { identity: "t".repeat(200), psk: NO_PSK };
      const hello = await recordClientHello(session);
      await say(hello);
      const { connection } = await eventually("a plain one", () => plain[0]);
      await within("its bytes", connection.untilBytes(hello.length));
      expect(log.texts).to.deep.equal([]);
    });

    it("hands over a user of TLS whose ClientHello is larger than ours can be", async () => {
      await open({}, { onPlain });
      const client = await say(Buffer.from("1603013000", "hex"));
      const { connection } = await eventually("a plain one", () => plain[0]);
      client.socket.write("more");
      await within("its bytes", connection.untilBytes(9));
    });

    it("takes a node with a wrong key for a node", async () => {
      await open({}, { onPlain });
      expect((await failureOf(handshake("another-key"))).code).to.equal(
        "refused",
      );
      expect(plain).to.have.length(0);
    });

    it("hands nobody over who sends a PROXY header from where no proxy is", async () => {
      await open({}, { onPlain, proxyFrom: new Networks("10.0.0.0/8") });
      const client = await say("PROXY TCP4 10.0.0.1 127.0.0.1 1 2\r\nGET");
      await within("it is closed", client.ended);
      expect(plain).to.have.length(0);
      expect(log.texts.join()).to.include("proxy_from=");
    });

    it("still takes legs, in pieces too, and control links", async () => {
      await open({}, { onPlain });
      const bytes = encodeLegPreamble(TICKET);
      const leg = await say();
      leg.socket.setNoDelay();
      for (const byte of bytes) {
        leg.socket.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      await eventually("a leg", () => tickets.length === 1);
      await handshake(AUTHKEY);
      await eventually("an arrival", () => arrivals[0]);
      expect(plain).to.have.length(0);
    });

    it("closes who is gone without a word, and hands nothing over", async () => {
      await open({}, { onPlain });
      const client = await say();
      await eventually("it came", () => reception.size === 1);
      client.socket.resetAndDestroy();
      await eventually("it is gone", () => reception.size === 0);
      expect(plain).to.have.length(0);
    });
  });
});
