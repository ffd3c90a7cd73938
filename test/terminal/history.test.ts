import { expect } from "chai";
import { needsUnix } from "../support/find-program.js";
import {
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { History, HISTORY_LIMIT } from "../../src/terminal/history.js";

describe("history", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "vnet-history-"));
    file = join(folder, "state", "history");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("is kept between runs, for its owner only", function () {
    needsUnix(this, "file modes");
    const first = History.open(file);
    for (const line of ["show serves", "ping", "ping", "  "]) first.add(line);
    expect(History.open(file).newestFirst()).to.deep.equal([
      "ping",
      "show serves",
    ]);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
  });

  it("keeps a bounded number of lines in memory and in the file", () => {
    const history = History.open(file);
    const lines = () => readFileSync(file, "utf8").trim().split("\n");
    for (let at = 0; at < 2 * HISTORY_LIMIT + 5; at++)
      history.add(`ping ${at}`);
    expect(lines()).to.have.length(HISTORY_LIMIT + 5);
    expect(history.newestFirst()).to.have.length(HISTORY_LIMIT);
    History.open(file);
    expect(lines()).to.have.length(HISTORY_LIMIT);
    expect(lines()[0]).to.equal(`ping ${HISTORY_LIMIT + 5}`);
  });

  it("of two terminals has the lines of both, also when there are many", () => {
    const [one, other] = [History.open(file), History.open(file)];
    for (let at = 0; at < HISTORY_LIMIT; at++) one.add(`ping ${at}`);
    other.add("show serves");
    one.add("show vnets");
    expect(History.open(file).newestFirst().slice(0, 2)).to.deep.equal([
      "show vnets",
      "show serves",
    ]);
  });

  it("ignores lines of the file that hold control characters", function () {
    needsUnix(this, "file modes");
    const path = join(folder, "history");
    writeFileSync(path, "ping\n\u001b[2J\n", { mode: 0o644 });
    expect(History.open(path).newestFirst()).to.deep.equal(["ping"]);
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  const KEY = "wIfwvCXSBxtWpYRZk3YSg5uIX0zR1hNn";
  const confidential = [
    `authkey=${KEY}`,
    "serve run ip='exec:mysql -u root -phunter2' name=db",
    "serve run exec:ssh user@host",
    "SERVE RUN IP=EXEC:curl https://example.org/",
    "vnet --authkey longpassword",
    'secret = "our own words"',
    "password: hunter2",
    KEY,
    `use run ${KEY}`,
  ];
  for (const line of confidential)
    it(`keeps nothing of \`${line}\`, in memory or in the file, nor of an old file`, () => {
      const history = History.open(file);
      history.add("ping");
      history.add(line);
      expect(history.newestFirst()).to.deep.equal(["ping"]);
      expect(readFileSync(file, "utf8")).to.equal("ping\n");
      writeFileSync(file, `${line}\nping\n`);
      expect(History.open(file).newestFirst()).to.deep.equal(["ping"]);
      expect(readFileSync(file, "utf8")).to.equal("ping\n");
    });

  it("keeps no line with a key of this node, whatever it looks like", () => {
    const history = History.open(file);
    history.add("ping blue horse battery", ["", "blue horse battery"]);
    expect(history.newestFirst()).to.deep.equal([]);
  });

  const harmless = [
    "serve run 8080 127.0.0.1 700 web http the web of home",
    "use run mysql@home-of-the-family-in-town 3306",
    "serve run 80 ip=exec:cat",
    "show vnets --json",
    `ping ${"a".repeat(64)}`,
    "reload /home/me/Projects/vnet/config-2.ini",
  ];
  for (const line of harmless)
    it(`keeps \`${line.slice(0, 60)}\``, () => {
      const history = History.open(file);
      history.add(line, ["", "a key of this node"]);
      expect(history.newestFirst()).to.deep.equal([line]);
    });

  it("goes on in memory when the file cannot be read or written", () => {
    const history = History.open(folder);
    history.add("ping");
    expect(history.newestFirst()).to.deep.equal(["ping"]);
  });
});
