import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import {
  decodeToNode,
  goodbyeCodes,
  toNodeMessages,
  type ToNode,
} from "../../src/wire/to-node.js";
import { NOBODYS_KEY } from "../support/link-key.js";

const serve = {
  serveid: 700,
  vnetid: 1,
  name: "web",
  type: "http",
  ip: "127.0.0.1",
  port: 80,
  info: "",
  share: "exclusive" as const,
};
const node = { vnetid: 1, name: "home", key: NOBODYS_KEY, encrypt: true };
const ticket = "0123456789abcdef".repeat(2);

/** One good message of each type; leaving one out does not compile. */
const good: { [Type in ToNode["type"]]: Extract<ToNode, { type: Type }> } = {
  proof: {
    type: "proof",
    protocol: 4,
    software: "route 0.1.0",
    key: NOBODYS_KEY,
    signature: Buffer.alloc(64, 7).toString("base64"),
    challenge: NOBODYS_KEY,
  },
  welcome: {
    ...{ type: "welcome", protocol: 4, software: "route 0.1.0", vnetid: 1 },
    name: "home",
  },
  directory: {
    type: "directory",
    nodes: [node],
    goneNodes: [2],
    serves: [serve, { ...serve, serveid: 1 }],
    goneServes: [{ serveid: 3, vnetid: 1 }],
    complete: true,
  },
  registered: { type: "registered", request: 1, serveid: 999 },
  unregistered: { type: "unregistered", serveid: 700, reason: "taken" },
  refused: { type: "refused", request: 1, reason: "taken" },
  leg: { type: "leg", request: 1, ticket },
  offer: { type: "offer", ticket, ...node },
  ping: { type: "ping", request: 0 },
  pong: { type: "pong", request: 0 },
  goodbye: { type: "goodbye", code: "shutdown", reason: "" },
};

const wrong: readonly object[] = [
  { ...good.proof, signature: NOBODYS_KEY },
  { ...good.proof, key: "" },
  { ...good.proof, challenge: NOBODYS_KEY.slice(4) },
  { ...good.welcome, vnetid: 0 },
  { ...good.directory, nodes: [{ vnetid: 1 }] },
  { ...good.directory, nodes: [{ ...node, key: "x" }] },
  { ...good.directory, nodes: [{ ...node, encrypt: 1 }] },
  { ...good.directory, goneNodes: [0] },
  { ...good.directory, goneServes: [1000] },
  { ...good.directory, serves: [{ ...serve, name: "a\nb" }] },
  { ...good.directory, serves: { length: 0 } },
  { ...good.registered, serveid: 0 },
  { ...good.registered, since: -1 },
  { ...good.directory, serves: [{ ...serve, since: "now" }] },
  { ...good.leg, ticket: ticket.toUpperCase() },
  { ...good.leg, ticket: `${ticket}0` },
  { ...good.offer, name: "" },
  { ...good.goodbye, code: "because" },
  { ...good.goodbye, reason: "r".repeat(1001) },
  { ...good.goodbye, reason: "\u001b[2J" },
  { type: "hello" },
  { ...good.proof, features: ["a b"] },
  { ...good.proof, features: Array.from({ length: 65 }, (_, n) => `f${n}`) },
  { ...good.proof, oldest: -1 },
];

describe("What the hub says to a node", () => {
  for (const [type, message] of Object.entries(good)) {
    it(`can be ${type}, unchanged by the way over the wire`, () => {
      const decoded = decodeToNode(JSON.parse(JSON.stringify(message)));
      expect(decoded).to.deep.equal(message);
    });

    it(`cannot be ${type} with any one of its fields missing`, () => {
      for (const name of Object.keys(message)) {
        const fields = Object.entries(message).filter(([key]) => key !== name);
        const rest = Object.fromEntries(fields);
        expect(() => decodeToNode(rest), name)
          .to.throw(VnetError)
          .with.property("code", "protocol");
      }
    });

    it(`cannot be ${type} with any one of its fields replaced by rubbish`, () => {
      for (const name of Object.keys(message))
        for (const rubbish of [null, { a: 1 }, [[]], 1e300])
          expect(() => decodeToNode({ ...message, [name]: rubbish }), name)
            .to.throw(VnetError)
            .with.property("code", "protocol");
    });

    it(`can be ${type} with fields of a later build, and is read without them`, () => {
      expect(decodeToNode({ ...message, colour: "blue" })).to.deep.equal(
        message,
      );
    });
  }

  for (const message of wrong)
    it(`cannot be ${JSON.stringify(message).slice(0, 100)}`, () => {
      expect(() => decodeToNode(message))
        .to.throw(VnetError)
        .with.property("code", "protocol");
    });

  for (const code of goodbyeCodes)
    it(`can be a goodbye with the code ${code}`, () => {
      const message = { ...good.goodbye, code };
      expect(decodeToNode(message)).to.deep.equal(message);
    });

  it("is nothing where its sender marked an unknown message as optional", () => {
    expect(decodeToNode({ type: "weather", optional: true })).to.equal(
      undefined,
    );
    for (const optional of [false, 1, "true", undefined])
      expect(() => decodeToNode({ type: "weather", optional }))
        .to.throw(VnetError, 'unknown message type "weather"')
        .with.property("code", "protocol");
  });

  it("may leave out the range of versions and the features", () => {
    const older = { ...good.proof };
    expect(decodeToNode(older)).to.deep.equal(older);
    const newer = { ...older, oldest: 3, features: ["shared-channels"] };
    expect(decodeToNode(newer)).to.deep.equal(newer);
  });

  it("is tested here with every type of the table", () => {
    expect(Object.keys(good)).to.have.members(Object.keys(toNodeMessages));
  });
});
