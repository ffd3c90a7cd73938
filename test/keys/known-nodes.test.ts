import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needsUnix } from "../support/find-program.js";
import { fingerprintOf } from "../../src/keys/fingerprint.js";
import { KnownNodes, type KnownNode } from "../../src/keys/known-nodes.js";
import { failureOf } from "../support/failure.js";
import { makeFolder, removeFolder } from "../support/folder.js";

const printOf = (n: number) => fingerprintOf(Buffer.alloc(32, n));
const SSH = { group: "my group", wanted: "ssh@the home" };

function entry(n: number, fields: Partial<KnownNode> = {}): KnownNode {
  return {
    fingerprint: printOf(n),
    basis: "secret",
    consent: "alone",
    node: "the home",
    ...fields,
  };
}

/** Puts one in, as a change that may be made twice. */
const put = (known: KnownNode) => (nodes: readonly KnownNode[]) => [
  ...nodes.filter(({ fingerprint }) => fingerprint !== known.fingerprint),
  known,
];

describe("the nodes that a node knows", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "state", "known-nodes");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it("are known again after a restart, each use's for itself, in a file that is only the owner's", async function () {
    needsUnix(this, "file modes");
    const before = await KnownNodes.load(path);
    const peers = [printOf(7), printOf(8)];
    const shared = entry(2, { basis: "hub", consent: peers });
    await before.update(SSH, put(entry(1)));
    await before.update(SSH, put(shared));
    await before.update({ ...SSH, wanted: "700" }, put(entry(3)));
    const after = await KnownNodes.load(path);
    expect(after.of(SSH)).to.deep.equal([entry(1), shared]);
    expect(after.of({ ...SSH, wanted: "700" })).to.deep.equal([entry(3)]);
    expect(after.of({ ...SSH, group: "other" })).to.deep.equal([]);
    expect([...after.all()]).to.have.length(2);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it("stand in the file one a line, to be mended by hand", async () => {
    const known = await KnownNodes.load(path);
    await known.update(SSH, put(entry(1)));
    const [head = "", line = ""] = readFileSync(path, "utf8").split("\n");
    expect(head).to.match(/^# /);
    expect(line.split("\t")).to.deep.equal([
      ...["my group", "ssh@the home", printOf(1), "secret", "alone"],
      "the home",
    ]);
    writeFileSync(path, `\r\n# mine\n${line}\r\n`);
    expect((await KnownNodes.load(path)).of(SSH)).to.deep.equal([entry(1)]);
  });

  it("are read again when another program has changed them, and its changes are kept", async () => {
    const running = await KnownNodes.load(path);
    await running.update(SSH, put(entry(1)));
    expect(await running.refresh()).to.equal(false);
    const verb = await KnownNodes.load(path);
    await verb.update(SSH, () => [entry(2, { basis: "person" })]);
    expect(await running.refresh()).to.equal(true);
    expect(running.of(SSH)).to.deep.equal([entry(2, { basis: "person" })]);
    await verb.update({ ...SSH, wanted: "700" }, put(entry(3)));
    await running.update({ ...SSH, wanted: "701" }, put(entry(4)));
    expect([...(await KnownNodes.load(path)).all()]).to.have.length(3);
  });

  it("are all written when several change at once", async () => {
    const known = await KnownNodes.load(path);
    const other = await KnownNodes.load(path);
    await other.update(SSH, put(entry(9)));
    await Promise.all([1, 2, 3].map((n) => known.update(SSH, put(entry(n)))));
    const prints = (await KnownNodes.load(path))
      .of(SSH)
      .map(({ fingerprint }) => fingerprint);
    expect(prints).to.have.members([9, 1, 2, 3].map(printOf));
  });

  it("are remembered for this run where they cannot be written, and written as soon as they can be", async () => {
    const known = await KnownNodes.load(path);
    writeFileSync(join(folder, "state"), "a file in place of the folder");
    const error = await failureOf(known.update(SSH, put(entry(1))));
    expect(error).to.include({ code: "config" });
    expect(known.of(SSH)).to.deep.equal([entry(1)]);
    expect(await known.refresh()).to.equal(false);
    rmSync(join(folder, "state"));
    mkdirSync(join(folder, "state"));
    await known.update({ ...SSH, wanted: "700" }, put(entry(2)));
    expect([...(await KnownNodes.load(path)).all()]).to.have.length(2);
  });

  it("are remembered for this run where there is no file", async () => {
    const known = new KnownNodes(null);
    await known.update(SSH, put(entry(1)));
    expect(known.of(SSH)).to.have.length(1);
    expect(existsSync(path)).to.equal(false);
  });

  it("are bounded: of one, and in all; what was asked for longest ago goes", async () => {
    const known = new KnownNodes(null);
    for (let n = 0; n < 120; n++) await known.update(SSH, put(entry(n)));
    expect(known.of(SSH)).to.have.length(100);
    expect(known.of(SSH)[0]).to.deep.equal(entry(0));
    for (let n = 0; n < 2_001; n++)
      await known.update({ ...SSH, wanted: `w${n}` }, put(entry(n % 200)));
    expect([...known.all()]).to.have.length(2_000);
    expect(known.of(SSH)).to.deep.equal([]);
  });

  it("are never pushed out by later ones that came under the secret: not the first, nor what a person did", async () => {
    const known = new KnownNodes(null);
    await known.update(SSH, put(entry(0, { consent: "any" })));
    for (let n = 1; n < 99; n++) await known.update(SSH, put(entry(n)));
    const accepted = entry(200, { basis: "person" });
    await known.update(SSH, put(accepted));
    for (let n = 100; n < 150; n++) await known.update(SSH, put(entry(n)));
    const refused = entry(201, { basis: "refused" });
    await known.update(SSH, put(refused));
    const kept = known.of(SSH);
    expect(kept).to.have.length(100);
    expect(kept[0]).to.deep.equal(entry(0, { consent: "any" }));
    expect(kept).to.deep.include(accepted).and.to.deep.include(refused);
    for (let n = 0; n < 120; n++)
      await known.update(SSH, put(entry(n, { basis: "person" })));
    expect(known.of(SSH)).to.have.length(100);
  });

  it("are refused, not forgotten, when others can change the file or it is damaged", async function () {
    needsUnix(this, "file modes");
    const known = await KnownNodes.load(path);
    await known.update(SSH, put(entry(1)));
    const whole = readFileSync(path, "utf8");
    chmodSync(path, 0o644);
    expect((await failureOf(KnownNodes.load(path))).message).to.include(
      "chmod 600",
    );
    chmodSync(path, 0o600);
    for (const line of [
      "half a line",
      `g\tw\tSHA256:short\tsecret\talone\tn`,
      `g\tw\t${printOf(1)}\tsomething\talone\tn`,
      `g\tw\t${printOf(1)}\tsecret\tnobody\tn`,
    ]) {
      writeFileSync(path, `${whole}${line}\n`);
      const error = await failureOf(KnownNodes.load(path));
      expect(error.message, line).to.include(`${path}: line 3 is damaged`);
      expect((await failureOf(known.refresh())).code).to.equal("config");
      expect(known.of(SSH), "what is in memory counts").to.have.length(1);
    }
  });
});
