import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import {
  decodeToHub,
  toHubMessages,
  type ToHub,
} from "../../src/wire/to-hub.js";
import { NOBODYS_KEY } from "../support/link-key.js";

const serve = {
  name: "web",
  type: "http",
  ip: "127.0.0.1",
  port: 80,
  info: "",
  share: "exclusive" as const,
};

/** One good message of each type; leaving one out does not compile. */
const good: { [Type in ToHub["type"]]: Extract<ToHub, { type: Type }> } = {
  hello: {
    type: "hello",
    protocol: 4,
    software: "vnet 0.1.0",
    name: "home",
    group: "default",
    guest: false,
    vnetid: 0,
    session: "0123456789abcdef".repeat(2),
    key: NOBODYS_KEY,
    proof: "0123456789abcdef".repeat(4),
    encrypt: true,
  },
  register: { type: "register", request: 1, serveid: 0, serve },
  update: { type: "update", serveid: 1, serve },
  unregister: { type: "unregister", serveid: 1 },
  channel: { type: "channel", request: 1, vnetid: 1 },
  ping: { type: "ping", request: 0 },
  pong: { type: "pong", request: 0 },
};

const wrong: readonly object[] = [
  { ...good.hello, session: "short" },
  { ...good.hello, name: "" },
  { ...good.hello, key: NOBODYS_KEY.slice(1) },
  { ...good.hello, key: `${NOBODYS_KEY}=` },
  { ...good.hello, proof: "0123456789abcdef" },
  { ...good.hello, proof: "0123456789ABCDEF".repeat(4) },
  { ...good.hello, encrypt: "yes" },
  { ...good.hello, guest: "no" },
  { ...good.register, serveid: 1000 },
  { ...good.register, since: 1.5 },
  { ...good.register, serve: null },
  { ...good.register, serve: [] },
  { ...good.register, serve: { ...serve, port: 0 } },
  { ...good.register, serve: { ...serve, port: -1 } },
  { ...good.register, serve: { ...serve, ip: "unix:/run/x" } },
  { ...good.register, serve: { ...serve, name: "a\u001bb" } },
  { ...good.update, serveid: 0 },
  { ...good.unregister, serveid: 0 },
  { ...good.channel, vnetid: 0 },
  { ...good.channel, request: -1 },
  { type: "unserve", request: 1, vnetid: 1, ip: "::1", port: 22, keep: true },
  { ...good.ping, request: "1" },
  { type: "welcome", protocol: 4, software: "x", vnetid: 1 },
  { ...good.hello, features: ["a b"] },
  { ...good.hello, features: Array.from({ length: 65 }, (_, n) => `f${n}`) },
  { ...good.hello, oldest: -1 },
];

describe("What a node says to the hub", () => {
  for (const [type, message] of Object.entries(good)) {
    it(`can be ${type}, unchanged by the way over the wire`, () => {
      const decoded = decodeToHub(JSON.parse(JSON.stringify(message)));
      expect(decoded).to.deep.equal(message);
    });

    it(`cannot be ${type} with any one of its fields missing`, () => {
      for (const name of Object.keys(message)) {
        const fields = Object.entries(message).filter(([key]) => key !== name);
        const rest = Object.fromEntries(fields);
        expect(() => decodeToHub(rest), name)
          .to.throw(VnetError)
          .with.property("code", "protocol");
      }
    });

    it(`cannot be ${type} with any one of its fields replaced by rubbish`, () => {
      for (const name of Object.keys(message))
        for (const rubbish of [null, { a: 1 }, [[]], 1e300])
          expect(() => decodeToHub({ ...message, [name]: rubbish }), name)
            .to.throw(VnetError)
            .with.property("code", "protocol");
    });

    it(`can be ${type} with fields of a later build, and is read without them`, () => {
      expect(decodeToHub({ ...message, colour: "blue" })).to.deep.equal(
        message,
      );
    });
  }

  for (const message of wrong)
    it(`cannot be ${JSON.stringify(message).slice(0, 100)}`, () => {
      expect(() => decodeToHub(message))
        .to.throw(VnetError)
        .with.property("code", "protocol");
    });

  it("is nothing where its sender marked an unknown message as optional", () => {
    expect(decodeToHub({ type: "weather", optional: true })).to.equal(
      undefined,
    );
    for (const optional of [false, 1, "true", undefined])
      expect(() => decodeToHub({ type: "weather", optional }))
        .to.throw(VnetError, 'unknown message type "weather"')
        .with.property("code", "protocol");
  });

  it("may leave out the range of versions and the features", () => {
    const older = { ...good.hello };
    expect(decodeToHub(older)).to.deep.equal(older);
    const newer = { ...older, oldest: 3, features: ["shared-channels"] };
    expect(decodeToHub(newer)).to.deep.equal(newer);
  });

  it("is tested here with every type of the table", () => {
    expect(Object.keys(good)).to.have.members(Object.keys(toHubMessages));
  });
});

describe("A serve whose target is a link", () => {
  it("has no port", () => {
    const told = { ...serve, ip: "exec:ssh", port: 0 };
    expect(decodeToHub({ ...good.register, serve: told })).to.have.property(
      "serve",
    );
  });
});
