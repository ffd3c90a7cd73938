import { expect } from "chai";
import { parseHubConfig } from "../../../src/config/hub-config.js";
import { parseNodeConfig } from "../../../src/config/node-config.js";
import {
  readListen,
  readOffer,
  readUse,
  type NodeAnswers,
} from "../../../src/terminal/init/answers.js";
import {
  hubFileText,
  nodeFileText,
} from "../../../src/terminal/init/file-text.js";

const COMMANDS = { start: "./vnet config.ini", keygen: "./vnet keygen" };
const HUBS = [
  { ip: "hub.example.org", port: 7749 },
  { ip: "2001:db8::1", port: 80 },
];
const AUTHKEYS = [
  "",
  "wIfwvCXSBxtWpYRZk3YSg5uIX0zR1hNn",
  `a;b#c'd"e\\ f=g and more`,
];
const NAMES = [
  { name: "home", group: "default", secret: "" },
  {
    name: "; [vnet] #1",
    group: `it's "ours"`,
    secret: `a;b#c'd"e\\ f=g and more`,
  },
  { name: "家", group: "true", secret: "our own words, many of them" },
];
const OFFERS = ["", "22", "192.168.1.20:8080", "[::1]:3306"];

function everyAnswer(uses: string[]): NodeAnswers[] {
  return HUBS.flatMap((hub) =>
    AUTHKEYS.flatMap((authkey) =>
      NAMES.flatMap((name) =>
        OFFERS.flatMap((offer) =>
          uses.map((use) => ({
            hub,
            authkey,
            ...name,
            offer: readOffer(offer),
            use: readUse(use),
          })),
        ),
      ),
    ),
  );
}

/** What the node's program makes of the written file. */
function load(answers: NodeAnswers) {
  return parseNodeConfig(nodeFileText(answers, COMMANDS), "config.ini");
}

describe("the file that init writes", () => {
  it("loads with every combination of answers, as they were meant, without a warning", () => {
    for (const answers of everyAnswer(["", "700", "7:2222"])) {
      const config = load(answers);
      expect(config.warnings).to.deep.equal([]);
      expect(config.route).to.include({
        ...answers.hub,
        authkey: answers.authkey,
      });
      expect(config.vnet).to.include({
        name: answers.name,
        group: answers.group,
        secret: answers.secret,
        terminal: true,
        allowUnserve: false,
      });
      expect(config.serves.map(({ ip, port }) => ({ ip, port }))).to.deep.equal(
        answers.offer === null ? [] : [answers.offer],
      );
      expect(
        config.uses.map(({ serveid, port }) => ({
          what: { serveid },
          port: port === 0 ? null : port,
        })),
      ).to.deep.equal(answers.use === null ? [] : [answers.use]);
    }
  });

  it("loads with a use of each name, whatever it is made of", () => {
    for (const serve of ["mysql", "mysql@home", "a]b; #c@x", "it's", "[]"]) {
      const [answers] = everyAnswer([`${serve}:2222`]);
      const { uses, warnings } = load(answers!);
      expect(warnings).to.deep.equal([]);
      expect(uses).to.have.length(1);
      expect(uses[0]).to.include({ serve, serveid: 0, port: 2222 });
    }
  });

  for (const link of [
    "unix:/run/hub.sock",
    "exec:ssh -W localhost:7749 'the hub'",
    "vsock:2:7749",
    "hvsock:/run/vm.sock:7749",
  ])
    it(`loads with ${link}, which has no port`, () => {
      const [answers] = everyAnswer([""]);
      const endpoint = { ip: link, port: null };
      const config = load({ ...answers!, hub: endpoint, offer: endpoint });
      expect(config.route.ip).to.equal(link);
      expect(config.serves[0]?.ip).to.equal(link);
    });

  it("loads with its examples made active, but for keys, which must be filled in", () => {
    const [answers] = everyAnswer([""]);
    const text = nodeFileText({ ...answers!, offer: null }, COMMANDS);
    const [offers = ""] = text.split("; What this node uses");
    const active = offers.replace(
      /^;(\[serve.*\]|(?:serveid|port|allow_unserve) = .*)$/gm,
      "$1",
    );
    const config = parseNodeConfig(active, "config.ini");
    expect(config.serves[0]).to.include({
      label: "ssh",
      serveid: 700,
      port: 22,
    });
    expect(config.vnet.allowUnserve).to.equal(true);
    // A key that everybody can read in the program's text protects nothing.
    const withKeys = text.replace(/^;((?:authkey|secret) = .*)$/gm, "$1");
    expect(() => parseNodeConfig(withKeys, "config.ini")).to.throw(/8–256/);
  });

  it("names the service after what listens there most of the time", () => {
    const offers = ["22", "3306", "10.0.0.1:4711"].map((offer) => {
      const [answers] = everyAnswer([""]);
      return load({ ...answers!, offer: readOffer(offer) }).serves[0]?.name;
    });
    expect(offers).to.deep.equal(["ssh", "mysql", "port-4711"]);
  });

  it("is not changed by a file name with the end of a line in it", () => {
    const [answers] = everyAnswer([""]);
    const name = "a\n[route]\nip = 6.6.6.6\n.ini";
    const config = parseNodeConfig(
      nodeFileText(answers!, { ...COMMANDS, start: `./vnet ${name}` }),
      name,
    );
    expect(config.route.ip).to.equal("hub.example.org");
  });

  it("has lines that fit a screen of 80 columns", () => {
    const [answers] = everyAnswer(["700:2222"]);
    for (const line of nodeFileText(answers!, COMMANDS).split("\n"))
      expect(line.length).to.be.at.most(80);
  });

  it("for a hub loads too, with a key that the hub makes", () => {
    for (const listen of ["0.0.0.0:7749", "[::]:80", "127.0.0.1"]) {
      const text = hubFileText(readListen(listen), COMMANDS);
      const { route, warnings } = parseHubConfig(text, "config.ini");
      expect(route).to.include({ ...readListen(listen), authkey: "auto" });
      expect(warnings).to.deep.equal([]);
    }
  });
});
