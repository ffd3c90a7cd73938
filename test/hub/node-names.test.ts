import { expect } from "chai";
import { Claims } from "../../src/hub/claims.js";
import { NodeNames, type Named } from "../../src/hub/node-names.js";

describe("the names of nodes", () => {
  let claims: Claims;
  let names: NodeNames<Named>;

  const join = (wanted: string, key: string): Named => {
    const node = { key, name: names.choose(wanted, key) };
    const claimant = { ...node, credential: "", crowd: "" };
    const claim = { kind: "node", share: "exclusive", number: 1 } as const;
    claims.came("default", claimant);
    claims.put("default", claimant, { ...claim, what: node.name });
    names.join(node);
    return node;
  };
  const leave = (node: Named) => {
    names.leave(node);
    claims.left("default", node.key);
  };

  beforeEach(() => {
    claims = new Claims();
    names = new NodeNames("default", claims);
  });

  it("are given as wanted, and to a second key with a number", () => {
    expect(join("home", "a").name).to.equal("home");
    expect(join("home", "b").name).to.equal("home-2");
    expect(join("home", "c").name).to.equal("home-3");
  });

  it("are kept for their key while it is away, and nobody else's", () => {
    leave(join("home", "a"));
    expect(join("home", "b").name).to.equal("home-2");
    expect(join("home", "a").name).to.equal("home");
  });

  it("stay the same for who had a number before", () => {
    join("home", "a");
    const second = join("home", "b");
    join("home", "c");
    leave(second);
    expect(join("home", "b").name).to.equal("home-2");
  });

  it("are free when their key comes under another one", () => {
    leave(join("home", "a"));
    join("attic", "a");
    expect(join("home", "b").name).to.equal("home");
  });

  it("differ for two processes of one key, and neither loses its own", () => {
    join("home", "a");
    expect(join("home", "a").name).to.equal("home-2");
    expect(join("home", "b").name).to.equal("home-3");
  });

  it("of a guest are its key's own or nobody's, and it takes none", () => {
    join("home", "a");
    expect(names.chooseForGuest("home", "a")).to.equal("home");
    expect(names.chooseForGuest("home", "b")).to.equal("home-2");
    expect(join("home", "c").name).to.equal("home-2");
  });

  it("are found quickly for thousands of nodes that all are called localhost", () => {
    const given = Array.from(
      { length: 5_000 },
      (_, n) => join("localhost", `key ${n}`).name,
    );
    expect(new Set(given).size).to.equal(5_000);
    expect(given.at(-1)).to.equal("localhost-5000");
  });

  it("fit their bound, whatever they are", () => {
    for (const name of [
      "x".repeat(64),
      "👩‍💻".repeat(21),
      `${"a".repeat(52)} b`,
    ]) {
      join(name, "a");
      const second = join(name, "b").name;
      expect(Array.from(second).length).to.be.at.most(64);
      expect(second).to.match(/[^\s\u200d]-2$/);
    }
  });
});
