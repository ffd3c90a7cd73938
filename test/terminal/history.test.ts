import { expect } from "chai";
import { needsUnix, skip } from "../support/find-program.js";
import { execFileSync } from "node:child_process";
import {
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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

  it("takes no line that can be no command: too long, or with what stands for wrong bytes", () => {
    const unfit = ["x".repeat(70_000), "ping \ufffd"];
    mkdirSync(dirname(file));
    writeFileSync(file, `ping 1\n${unfit.join("\n")}\n`, { mode: 0o600 });
    const history = History.open(file);
    for (const line of unfit) history.add(line);
    history.add("ping 2");
    expect(history.newestFirst()).to.deep.equal(["ping 2", "ping 1"]);
    expect(readFileSync(file, "utf8")).to.equal("ping 1\nping 2\n");
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

  it("is written behind the links that lead to it, which stay", function () {
    needsUnix(this, "symbolic links");
    const real = join(folder, "real");
    const link = join(folder, "history");
    symlinkSync("real", link);
    for (let at = 0; at < 2 * HISTORY_LIMIT; at++)
      History.open(link).add(`ping ${at}`);
    expect(readlinkSync(link)).to.equal("real");
    expect(readFileSync(real, "utf8")).to.include(`ping ${HISTORY_LIMIT}\n`);
    expect(statSync(real).mode & 0o777).to.equal(0o600);
  });

  const others: [what: string, make: (path: string) => void][] = [
    ["a named pipe", (path) => execFileSync("mkfifo", ["-m", "644", path])],
    ["a folder", (path) => mkdirSync(path, { mode: 0o755 })],
    ["a device", linkToDevice],
  ];
  for (const [what, make] of others)
    it(`is not kept in ${what}: says so, waits for nothing and leaves it as it is`, function () {
      needsUnix(this, "named pipes with a path");
      const path = join(folder, "history");
      make(path);
      const before = statSync(path);
      const history = History.open(path);
      history.add("ping");
      expect(history.newestFirst()).to.deep.equal(["ping"]);
      expect(history.trouble).to.equal(
        `the history is not kept in ${path}: it is ${what}, not a regular file`,
      );
      const { ino, mode } = statSync(path);
      expect({ ino, mode }).to.deep.equal({
        ino: before.ino,
        mode: before.mode,
      });
    });

  it("is not kept in another user's file, also where a link of his leads to one of ours", function () {
    needsUnix(this, "users");
    if (process.getuid?.() !== 0) skip(this, "not run as root");
    const path = join(folder, "history");
    writeFileSync(path, "ping\n", { mode: 0o644 });
    chownSync(path, 1000, 1000);
    expect(History.open(path).trouble).to.include(
      "it belongs to another user (uid 1000)",
    );
    expect(statSync(path).mode & 0o777).to.equal(0o644);
    rmSync(path);
    writeFileSync(join(folder, "ours"), "ping\n");
    symlinkSync("ours", path);
    lchownSync(path, 1000, 1000);
    expect(History.open(path).trouble).to.include(
      "it is a link of another user (uid 1000)",
    );
    rmSync(path);
    // A second name of our file in another user's folder.
    linkSync(join(folder, "ours"), path);
    chownSync(folder, 1000, 1000);
    expect(History.open(path).trouble).to.include(
      "it has a second name elsewhere",
    );
  });

  it("goes on in memory when the file cannot be read or written", () => {
    const history = History.open(folder);
    history.add("ping");
    expect(history.newestFirst()).to.deep.equal(["ping"]);
  });
});

/** To one of its own for root, who could spoil the machine's. */
function linkToDevice(path: string): void {
  if (process.getuid?.() !== 0) return symlinkSync("/dev/null", path);
  execFileSync("mknod", ["-m", "666", `${path}.null`, "c", "1", "3"]);
  symlinkSync(`${path}.null`, path);
}
