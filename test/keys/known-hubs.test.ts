import {
  chmodSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { needsUnix } from "../support/find-program.js";
import { fingerprintOf } from "../../src/keys/fingerprint.js";
import { KnownHubs } from "../../src/keys/known-hubs.js";
import { failureOf } from "../support/failure.js";
import { makeFolder, removeFolder } from "../support/folder.js";

const [A, B] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const [PRINT_A, PRINT_B] = [fingerprintOf(A), fingerprintOf(B)];

describe("the hubs that a node knows", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = makeFolder();
    path = join(folder, "known_hubs");
  });

  afterEach(() => {
    removeFolder(folder);
  });

  it("are remembered at first contact, and a changed key is told but not remembered", async () => {
    const known = new KnownHubs(path);
    const check = (key: Buffer) => known.check("hub:7749", key);
    expect(await check(A)).to.deep.equal({
      verdict: "new",
      remembered: PRINT_A,
    });
    expect((await check(A)).verdict).to.equal("known");
    for (let round = 0; round < 2; round++)
      expect(await check(B)).to.deep.equal({
        verdict: "changed",
        remembered: PRINT_A,
      });
    expect((await check(A)).verdict).to.equal("known");
  });

  it("are known again after a restart, each address for itself", async () => {
    const before = new KnownHubs(path);
    await before.check("hub:7749", A);
    await before.check("[::1]:7749", B);
    const after = new KnownHubs(path);
    expect((await after.check("hub:7749", A)).verdict).to.equal("known");
    expect((await after.check("[::1]:7749", B)).verdict).to.equal("known");
    expect((await after.check("[::1]:7749", A)).verdict).to.equal("changed");
    expect((await after.check("hub:7750", A)).verdict).to.equal("new");
  });

  it("stand in the file one a line, to be mended by hand", async () => {
    await new KnownHubs(path).check("hub:7749", A);
    expect(readFileSync(path, "utf8")).to.equal(`hub:7749 ${PRINT_A}\n`);
    writeFileSync(path, `\r\n  hub:7749   ${PRINT_B}  \r\n\nhalf-a-line\n`);
    const verdict = await new KnownHubs(path).check("hub:7749", B);
    expect(verdict.verdict).to.equal("known");
  });

  it("are remembered for this run where there is no file", async () => {
    const known = new KnownHubs(null);
    await known.check("hub:7749", A);
    expect((await known.check("hub:7749", B)).verdict).to.equal("changed");
    const other = new KnownHubs(null);
    expect((await other.check("hub:7749", B)).verdict).to.equal("new");
  });

  it("are refused, not forgotten, when others can change the file", async function () {
    needsUnix(this, "file modes");
    await new KnownHubs(path).check("hub:7749", A);
    chmodSync(path, 0o666);
    const error = await failureOf(new KnownHubs(path).check("hub:7749", B));
    expect(error.code).to.equal("config");
    expect(error.message).to.include("chmod 600");
  });

  it("cannot be remembered where nothing can be written, which is said", async () => {
    writeFileSync(path, "a file in the place of a folder", { mode: 0o600 });
    const inside = new KnownHubs(join(path, "known_hubs"));
    const error = await failureOf(inside.check("hub:7749", A));
    expect(error.code).to.equal("config");
    expect(error.message).to.include("known_hubs");
  });

  it("count for this run where they cannot be written, and are remembered as soon as they can", async function () {
    needsUnix(this, "folders that can be closed to their owner");
    symlinkSync(join(folder, "nowhere"), join(folder, "state"));
    const inside = join(folder, "state", "known_hubs");
    const known = new KnownHubs(inside);
    expect((await failureOf(known.check("hub:7749", A))).code).to.equal(
      "config",
    );
    expect((await known.check("hub:7749", A)).verdict).to.equal("known");
    mkdirSync(join(folder, "nowhere"));
    expect((await known.check("hub:7749", A)).verdict).to.equal("known");
    const after = new KnownHubs(inside);
    expect((await after.check("hub:7749", B)).verdict).to.equal("changed");
  });

  it("are those of all processes that have the file", async () => {
    const [one, other] = [new KnownHubs(path), new KnownHubs(path)];
    await one.check("hub:7749", A);
    await other.check("hub:7750", B);
    expect((await one.check("hub:7750", B)).verdict).to.equal("known");
    await one.check("hub:7751", A);
    expect(readFileSync(path, "utf8").trim().split("\n")).to.have.lengthOf(3);
  });
});
