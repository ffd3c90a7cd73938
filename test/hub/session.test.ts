import { expect } from "chai";
import { createHash } from "node:crypto";
import { encodeFrame, MAX_FRAME_BYTES } from "../../src/wire/frame.js";
import { eventually } from "../support/deadline.js";
import { withHub, type TestHub } from "../support/hub.js";
import { helloOf, SERVE, type HubClient } from "../support/hub-client.js";
import { NOBODYS_KEY } from "../support/link-key.js";
import { OWN_ABILITIES } from "../../src/wire/version.js";

/** A frame of these bytes, whatever they are. */
function frameOf(json: string | Buffer): Buffer {
  const body = Buffer.from(json);
  const header = Buffer.alloc(4);
  header.writeUInt32BE(body.length);
  return Buffer.concat([header, body]);
}

function lengthOf(bytes: number): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt32BE(bytes);
  return header;
}

/** Bytes that look random and are the same each time. */
function noise(bytes: number, seed: string): Buffer {
  const blocks: Buffer[] = [];
  for (let n = 0; n * 32 < bytes; n++)
    blocks.push(createHash("sha256").update(`${seed}${n}`).digest());
  return Buffer.concat(blocks).subarray(0, bytes);
}

/** The header of a TLS handshake record of 512 bytes, and the first of them. */
const TLS_RECORD = Buffer.from("1603010200010001fc0303", "hex");

const register = { type: "register", request: 1, serveid: 0 };

/** A hostile node ends, the hub says why, and the others notice nothing. */
describe("the hub's gate", () => {
  /**
   * Lets `hostile` do its worst beside a healthy pair, and checks that its
   * connection is closed and logged once, and that the pair is untouched.
   */
  const beside = (hostile: (client: HubClient, hub: TestHub) => unknown) =>
    withHub(
      async (hub) => {
        const home = await hub.client({ name: "home" });
        const office = await hub.client({ name: "office" });
        await home.register(700);
        await office.next("directory");
        await home.roundTrip();
        const before = hub.log.texts.length;
        const client = await hub.connect();
        const from = client.connection.socket.localPort!;

        await hostile(client, hub);
        await client.closed;

        const logged = () =>
          hub.log.texts
            .slice(before)
            .filter((text) => !/ joined | serves /.test(text));
        await eventually("the hub has let it go", () => {
          expect(hub.counts).to.include({ nodes: 2, unknown: 0 });
          return logged().length > 0;
        });
        expect(await office.register(701)).to.include({ serveid: 701 });
        let told = await home.next("directory");
        while (told.serves.every((serve) => serve.serveid !== 701))
          told = await home.next("directory");
        expect(home.isClosed || office.isClosed).to.be.false;
        expect(home.pending("goodbye")).to.be.empty;
        expect(logged(), logged().join("\n")).to.have.length(1);
        expect(logged()[0]).to.match(
          new RegExp(`127\\.0\\.0\\.1:${from}|hostile`),
        );
      },
      { handshakeMs: 300 },
    );

  /** The bytes, or what they are around a good hello. */
  type Said = Buffer[] | ((hello: Buffer) => Buffer[]);

  const controls: [what: string, bytes: Said, reason: RegExp][] = [
    [
      "a message before hello",
      [encodeFrame({ type: "unregister", serveid: 700 })],
      /^message unregister came before hello$/,
    ],
    ["a second hello", (hello) => [hello, hello], /^a second hello$/],
    [
      "a hello that proves nothing",
      [encodeFrame(helloOf({ name: "hostile" }))],
      /^did not prove its identity key$/,
    ],
    [
      "a hello with a key that is none",
      [encodeFrame(helloOf({ key: Buffer.alloc(32).toString("base64") }))],
      /^not a usable public key$/,
    ],
    ["an unknown type", [encodeFrame({ type: "destroy" })], /unknown message/],
    ["no type", [encodeFrame({})], /without a type/],
    ["a numeric type", [encodeFrame({ type: 7 })], /without a type/],
    [
      "a type that every object has",
      [encodeFrame({ type: "toString" })],
      /unknown message type "toString"/,
    ],
    [
      "the type __proto__",
      [frameOf('{"type":"__proto__"}')],
      /unknown message type "__proto__"/,
    ],
    [
      "a type of 60,000 characters, which is not quoted back",
      (hello) => [hello, encodeFrame({ type: "x".repeat(60_000) })],
      /^unknown message type "x{40}"$/,
    ],
    [
      "what only the hub may say",
      [encodeFrame({ type: "welcome", protocol: 1, software: "x", vnetid: 1 })],
      /unknown message type "welcome"/,
    ],
    ["an array", [frameOf("[]")], /not a JSON object/],
    ["null", [frameOf("null")], /not a JSON object/],
    ["a number", [frameOf("1")], /not a JSON object/],
    ["no JSON", [frameOf("{hello}")], /no valid JSON/],
    ["an empty frame", [frameOf("")], /no valid JSON/],
    ["random bytes in a frame", [frameOf(noise(900, "frame"))], /valid JSON/],
    [
      "a frame one byte over the limit",
      (hello) => [hello, lengthOf(MAX_FRAME_BYTES + 1)],
      /a frame of 65537 bytes is over the limit of 65536/,
    ],
    [
      "a frame larger than a hello can be, where a hello has to come",
      [lengthOf(8 * 1024 + 1)],
      /a frame of 8193 bytes is over the limit of 8192/,
    ],
    ["a frame of 4 GiB", [lengthOf(0xffffffff)], /over the limit/],
    [
      "random bytes",
      [Buffer.concat([Buffer.from([0xff]), noise(200_000, "control")])],
      /over the limit/,
    ],
    ...Object.entries<unknown[]>({
      name: [undefined, "", "x".repeat(65), "a\nb", "\u0000", 7, null, ["x"]],
      group: ["", "x".repeat(65), {}],
      session: ["", "0".repeat(31), "0".repeat(33), "g".repeat(32), 1],
      vnetid: ["1", -1, 1.5, 1e9, null],
      guest: ["false", 0, undefined],
      protocol: ["1", -1, 0.5],
      software: [undefined, "x".repeat(65)],
      key: [undefined, "", NOBODYS_KEY.slice(1), `${NOBODYS_KEY}=`, 7],
      proof: [undefined, "", "0".repeat(63), "G".repeat(64)],
      encrypt: [undefined, "true", 1],
    }).flatMap(([field, values]) =>
      values.map((value): [string, Said, RegExp] => [
        `a hello with ${field} ${JSON.stringify(value)?.slice(0, 20) ?? "missing"}`,
        [encodeFrame({ ...helloOf(), [field]: value })],
        new RegExp(`^message hello: ${field}: `),
      ]),
    ),
    ...[
      { ...register, serve: SERVE, serveid: 1000 },
      { ...register, serve: SERVE, serveid: "700" },
      { ...register, serve: SERVE, serveid: -1 },
      { ...register, serve: { ...SERVE, port: -1 } },
      { ...register, serve: { ...SERVE, port: 65_536 } },
      { ...register, serve: { ...SERVE, name: "" } },
      { ...register, serve: { ...SERVE, info: "x".repeat(257) } },
      { ...register, serve: { ...SERVE, ip: "x".repeat(256) } },
      { ...register, serve: [] },
      { ...register },
      { type: "update", serveid: 0, serve: SERVE },
      { type: "unregister" },
      { type: "channel", request: 1, vnetid: 0 },
      { type: "channel", request: -1, vnetid: 1 },
      { type: "ping", request: "x".repeat(9_000) },
      { type: "pong" },
    ].map((message): [string, Said, RegExp] => [
      `after its hello ${JSON.stringify(message).slice(0, 90)}`,
      (hello) => [hello, encodeFrame(message)],
      new RegExp(`^message ${message.type}: `),
    ]),
  ];
  for (const [what, bytes, reason] of controls)
    it(`closes a control link that says ${what}, with a goodbye`, () =>
      beside(async (client, hub) => {
        await client.secure();
        for (const piece of typeof bytes === "function"
          ? bytes(encodeFrame(await client.hello({ name: "hostile" })))
          : bytes)
          client.sendBytes(piece);
        const goodbye = await client.next("goodbye");
        expect(goodbye.code).to.equal("protocol");
        expect(goodbye.reason).to.match(reason);
        expect(goodbye.reason.length).to.be.below(300);
        const warnings = hub.log.lines.filter(({ level }) => level === "warn");
        expect(warnings).to.have.length(1);
      }));

  it("closes a link of another version, and names both versions", () =>
    beside(async (client) => {
      await client.greet({ protocol: 99, software: "vnet 9.9" });
      const { code, reason } = await client.next("goodbye");
      expect(code).to.equal("version");
      expect(reason).to.contain(`(vnet test) speaks ${OWN_ABILITIES.protocol}`);
      expect(reason).to.contain(`("vnet 9.9") speaks protocol 99`);
    }));

  it("refuses version 3, which had no range of versions", () =>
    beside(async (client) => {
      await client.greet({ protocol: 3 });
      const { code, reason } = await client.next("goodbye");
      expect(code).to.equal("version");
      expect(reason).to.contain("speaks protocol 3,");
    }));

  it("settles with a newer node on its own version, and on the features that both have", () =>
    withHub(async (hub) => {
      const client = await hub.connect();
      await client.greet({ protocol: 9, oldest: 4, features: ["telepathy"] });
      const { protocol, features } = await client.next("welcome");
      expect(protocol).to.equal(OWN_ABILITIES.protocol);
      expect(features).to.deep.equal([...OWN_ABILITIES.features]);
      client.send({ type: "telepathy", optional: true, thought: "hm" });
      client.send({ ...register, serve: SERVE, serveid: 700, mood: "good" });
      expect((await client.next("registered")).serveid).to.equal(700);
    }));

  it("tells a later version its version, though its hello has more fields", () =>
    beside(async (client) => {
      await client.secure();
      const protocol = OWN_ABILITIES.protocol + 1;
      client.send({ ...helloOf({ protocol }), shoeSize: 46 });
      expect((await client.next("goodbye")).code).to.equal("version");
    }));

  it("closes a control link on which no hello comes in time, with a goodbye", () =>
    beside(async (client) => {
      await client.secure();
      const goodbye = await client.next("goodbye");
      expect(goodbye).to.include({ reason: "no hello came in time" });
    }));

  it("closes a control link that answers pings and does not say hello", () =>
    beside(async (client) => {
      await client.secure();
      await client.roundTrip();
      await client.next("goodbye");
    }));

  it("acts on nothing that comes behind a breach in the same read", () =>
    beside(async (client, hub) => {
      await client.secure();
      client.sendBytes(
        Buffer.concat([
          encodeFrame(await client.hello({ name: "hostile" })),
          encodeFrame({ type: "destroy" }),
          encodeFrame({ ...register, serveid: 702, serve: SERVE }),
        ]),
      );
      await client.next("goodbye");
      expect(hub.counts.serves).to.equal(1);
      expect(client.pending("registered")).to.be.empty;
    }));

  const openings: [what: string, bytes: Buffer, ends: boolean][] = [
    ["says nothing", Buffer.alloc(0), false],
    ["says nothing and ends", Buffer.alloc(0), true],
    ["ends within the preamble", Buffer.from("vnet-c"), true],
    ["stops within the preamble", Buffer.from("vnet-c"), false],
    ["speaks HTTP", Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), false],
    ["sends random bytes", noise(100_000, "opening"), false],
    ["sends zeros", Buffer.alloc(100_000), false],
    ["has almost the preamble", Buffer.from("vnet-LEG"), false],
    ["is a control link of the first version", Buffer.from("vnet-ctl"), false],
    ["begins as TLS does", TLS_RECORD, false],
    [
      "goes on with nonsense where it began as TLS",
      Buffer.concat([TLS_RECORD, noise(1_000, "tls")]),
      false,
    ],
    ["ends within a ticket", Buffer.from("vnet-leg01234567"), true],
    ["stops within a ticket", Buffer.from("vnet-leg01234567"), false],
    ["has no ticket", Buffer.from("vnet-leg"), false],
    [
      "has a ticket that nobody issued",
      Buffer.concat([Buffer.from("vnet-leg"), noise(16, "ticket")]),
      false,
    ],
  ];
  for (const [what, bytes, ends] of openings)
    it(`closes a connection that ${what}`, () =>
      beside((client) => {
        if (bytes.length > 0) client.sendBytes(bytes);
        if (ends) client.connection.socket.end();
      }));

  it("lets go at once, and without a word, who ends within the TLS handshake", () =>
    withHub(
      async (hub) => {
        const client = await hub.connect();
        client.sendBytes(TLS_RECORD);
        await eventually("it stands there", () => hub.counts.unknown === 1);
        client.connection.socket.end();
        await client.closed;
        await eventually("it is gone", () => hub.counts.unknown === 0);
        expect(hub.log.texts).to.be.empty;
      },
      { handshakeMs: 60_000 },
    ));

  const half = encodeFrame(helloOf()).subarray(0, 30);
  const beginnings: [what: string, bytes: Buffer, ends: boolean][] = [
    ["ends without a hello", Buffer.alloc(0), true],
    ["ends within a frame", half, true],
    ["stops within a frame", half, false],
    ["ends within a header", Buffer.from([0, 0]), true],
  ];
  for (const [what, bytes, ends] of beginnings)
    it(`closes a control link that ${what}`, () =>
      beside(async (client) => {
        await client.secure();
        if (bytes.length > 0) client.sendBytes(bytes);
        if (ends) client.end();
      }));

  it("closes a connection that is reset within a frame", () =>
    beside(async (client) => {
      await client.secure();
      await client.roundTrip();
      client.sendBytes(Buffer.from([0, 0, 1]));
      client.connection.socket.resetAndDestroy();
    }));

  it("takes a hello that comes byte by byte", () =>
    withHub(
      async (hub) => {
        const client = await hub.connect();
        client.connection.socket.setNoDelay(true);
        await client.secure();
        for (const byte of encodeFrame(await client.hello())) {
          client.sendBytes(Buffer.from([byte]));
          await new Promise(setImmediate);
        }
        expect((await client.next("welcome")).vnetid).to.equal(1);
      },
      {
        // The answer to a ping would come between two bytes of the hello.
        heartbeat: { intervalMs: 60_000, timeoutMs: 120_000 },
        handshakeMs: 30_000,
      },
    ));

  it("answers a whole batch of messages of one read", () =>
    withHub(async (hub) => {
      const client = await hub.connect();
      await client.secure();
      const batch = [encodeFrame(await client.hello())];
      for (let request = 0; request < 300; request++)
        batch.push(encodeFrame({ ...register, request, serve: SERVE }));
      client.sendBytes(Buffer.concat(batch));
      for (let request = 0; request < 300; request++)
        expect((await client.next("registered")).request).to.equal(request);
    }));

  it("lets the longest silent go where more stand before it than its limit", () =>
    withHub(
      async (hub) => {
        const home = await hub.client();
        const silent = [];
        for (let n = 1; n <= 3; n++) {
          silent.push(await hub.connect());
          await eventually("it stands there", () => hub.counts.unknown === n);
        }
        const fourth = await hub.connect();
        await silent[0]!.closed;
        expect(hub.counts.unknown).to.equal(3);
        for (const other of [silent[1]!, silent[2]!, fourth])
          expect(other.isClosed).to.be.false;
        await home.roundTrip();
        await hub.client({ name: "office" });
        await silent[1]!.closed;
        expect(fourth.isClosed).to.be.false;
      },
      { maxUnauthenticated: 3, handshakeMs: 60_000 },
    ));

  it("gives up a node that goes silent, and tells the others", () =>
    withHub(
      async (hub) => {
        const home = await hub.client({ name: "home" });
        const office = await hub.client({ name: "office" });
        home.answersPings = false;
        await home.closed;
        let told = await office.next("directory");
        while (told.goneNodes.length === 0)
          told = await office.next("directory");
        expect(told.goneNodes).to.deep.equal([home.vnetid]);
        expect(hub.log.texts.at(-1)).to.match(/home.* left: nothing heard/);
      },
      { heartbeat: { intervalMs: 30, timeoutMs: 150 } },
    ));
});
