import { expect } from "chai";
import fs, {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { execFileSync } from "node:child_process";
import { readFile, stat, writeFile } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { join } from "node:path";
import {
  askToForget,
  ClaimsFile,
  readClaims,
} from "../../src/hub/claims-file.js";
import {
  Claims,
  LAPSE_MS,
  type ClaimKind,
  type KeptHolder,
} from "../../src/hub/claims.js";
import { silentLog } from "../../src/log.js";
import { eventually } from "../support/deadline.js";
import { skip, needsUnix } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { KeptLog } from "../support/kept-log.js";

const claimant = (key: string, crowd = "") => ({
  ...{ key, name: `node ${key}`, credential: "", crowd },
});

describe("the claims of a group", () => {
  let now = 0;
  let claims: Claims;
  /** what the serves that are registered go by */
  let used: Set<string>;

  const make = () => {
    const clock = () => now;
    const options = { now: clock, uptime: clock, maxOfCredential: 100 };
    const made = new Claims(options);
    made.isUsed = (_, { what }) => used.has(what);
    return made;
  };
  const put = (key: string, kind: ClaimKind, what: string, crowd = "") => {
    const claim = { kind, what, share: "exclusive", number: 0 } as const;
    claims.put("default", claimant(key, crowd), claim);
  };
  const holderOf = (kind: ClaimKind, what: string) =>
    claims.get("default", kind, what)?.holder.key;

  beforeEach(() => {
    now = 1_000_000;
    used = new Set();
    claims = make();
  });

  it("are for names of nodes, ids and names of serves, each by itself, and each group's own", () => {
    put("a", "node", "700");
    put("b", "serveid", "700");
    put("c", "name", "700");
    expect(holderOf("node", "700")).to.equal("a");
    expect(holderOf("serveid", "700")).to.equal("b");
    expect(holderOf("name", "700")).to.equal("c");
    expect(claims.get("other", "node", "700")).to.equal(undefined);
  });

  it("do not lapse while their key is here, and lapse 30 days after it was seen last", () => {
    claims.came("default", claimant("a"));
    put("a", "node", "home");
    now += 10 * LAPSE_MS;
    expect(holderOf("node", "home")).to.equal("a");
    claims.left("default", "a");
    now += LAPSE_MS;
    expect(holderOf("node", "home")).to.equal("a");
    now++;
    expect(holderOf("node", "home")).to.equal(undefined);
    expect(claims.kept()).to.deep.equal([]);
  });

  it("are released by their key only", () => {
    put("a", "node", "home");
    expect(claims.release("default", "node", "home", "b")).to.equal(false);
    expect(claims.release("default", "node", "home", "a")).to.equal(true);
    expect(holderOf("node", "home")).to.equal(undefined);
  });

  it("of somebody away are not pushed out by one network that makes up keys by the thousand", () => {
    put("honest", "node", "home", "192.0.2.1");
    now++;
    for (let n = 0; n < 1_000; n++) {
      now++;
      put(`attacker ${n}`, "node", `home-${n}`, "198.51.100.1");
    }
    expect(holderOf("node", "home")).to.equal("honest");
    expect(claims.kept().length).to.be.at.most(100);
    put("later", "node", "office", "192.0.2.2");
    expect(holderOf("node", "office")).to.equal("later");
  });

  it("of somebody away are not pushed out by those of one network who are all here, nor kept from who comes later", () => {
    for (const what of ["home", "attic"]) {
      now++;
      put(what, "node", what, "192.0.2.1");
    }
    for (const isInUse of [false, true]) {
      now += 2_000;
      for (let n = 0; n < 500; n++) {
        const [key, what] = [`attacker ${n % 7}`, `evil ${isInUse} ${n}`];
        if (n < 7) claims.came("nobodys", claimant(key, "198.51.100.1"));
        if (isInUse) used.add(what);
        const claim = { kind: "name", what, share: "exclusive" } as const;
        const by = claimant(key, "198.51.100.1");
        claims.put("nobodys", by, { ...claim, number: 0 });
      }
      for (const what of ["home", "attic"])
        expect(holderOf("node", what)).to.equal(what);
      const later = `later ${isInUse}`;
      put(later, "node", later, "192.0.2.2");
      expect(holderOf("node", later)).to.equal(later);
    }
  });

  it("that nobody goes by make room first, of who asks for more before others of its network", () => {
    used.add("office 0");
    for (const key of ["home", "office"]) {
      claims.came("default", claimant(key, "192.0.2.1"));
      for (let n = 0; n < 60; n++) put(key, "name", `${key} ${n}`, "192.0.2.1");
    }
    const held = (key: string) => claims.of("default", key).length;
    expect(held("home")).to.equal(60);
    expect(claims.of("default", "office")[0]?.what).to.equal("office 0");
    expect(held("office")).to.be.within(30, 40);
  });

  it("of a node that renames for ever are its oldest ones, without the one that it goes by", () => {
    const claims = new Claims();
    claims.isUsed = (_, { kind }) => kind === "node";
    const share = "exclusive";
    claims.came("default", claimant("home"));
    for (let n = 0; n < 3_000; n++) {
      const kind = n === 0 ? "node" : "name";
      const claim = { kind, what: `${n}`, share, number: 0 } as const;
      claims.put("default", claimant("home"), claim);
    }
    expect(claims.of("default", "home")).to.have.length(2_000);
    expect(claims.get("default", "node", "0")?.holder.key).to.equal("home");
  });

  it("count as those of the network and the credential with which their key came last", () => {
    const come = (credential: string, crowd: string) => {
      const home = { ...claimant("home", crowd), credential };
      claims.came("lab", home);
      const claim = { kind: "node", what: "home", share: "exclusive" } as const;
      claims.put("lab", home, { ...claim, number: 1 });
      claims.left("lab", "home");
    };
    come("", "192.0.2.1");
    come("lab", "192.0.2.2");
    const holder = claims.get("lab", "node", "home")?.holder;
    expect(holder).to.include({ credential: "lab", crowd: "192.0.2.2" });
    now++;
    for (let n = 0; n < 200; n++) put(`${n}`, "node", `${n}`, "192.0.2.1");
    for (let n = 0; n < 200; n++) put(`${n}`, "node", `${n}`, `net ${n}`);
    expect(claims.get("lab", "node", "home")?.holder.key).to.equal("home");
  });

  it("do not lapse by a clock that is set: at the start it may be years behind, or jump while the hub runs", () => {
    let wall = Date.UTC(2026, 0, 1);
    const boot = (kept: KeptHolder[]) => {
      const made = new Claims({ now: () => wall, uptime: () => now });
      made.restore(kept);
      return made;
    };
    const first = boot([]);
    first.put("default", claimant("a"), {
      ...{ kind: "node", what: "home", share: "exclusive", number: 1 },
    });
    now += 60_000;
    wall += 60_000;
    const kept = first.kept();
    const seen = wall - 60_000;
    expect(kept[0]?.seen).to.equal(seen);

    wall = 0;
    const second = boot(kept);
    expect(second.kept()[0]?.seen, "written before it is set").to.equal(seen);
    wall = seen + 120_000;
    for (const jump of [0, 40 * 86_400_000]) {
      wall += jump;
      expect(second.get("default", "node", "home")).not.to.equal(undefined);
      expect(second.kept()).to.have.length(1);
    }
    now += LAPSE_MS + 1;
    expect(second.get("default", "node", "home")).to.equal(undefined);
  });

  it("of one who is here are never pushed out", () => {
    for (let n = 0; n < 100; n++) {
      used.add(`${n}`);
      claims.came("default", claimant(`here ${n}`));
      put(`here ${n}`, "node", `${n}`);
    }
    put("one more", "node", "more");
    expect(holderOf("node", "more")).to.equal(undefined);
    for (let n = 0; n < 100; n++)
      expect(holderOf("node", `${n}`)).to.equal(`here ${n}`);
  });

  it("of one credential do not push out those of another", () => {
    const claim = { kind: "node", share: "exclusive", number: 1 } as const;
    const lab = { ...claimant("lab"), credential: "lab" };
    claims.put("lab", lab, { ...claim, what: "home" });
    for (let n = 0; n < 200; n++) put(`${n}`, "node", `${n}`);
    expect(claims.get("lab", "node", "home")?.holder.key).to.equal("lab");
  });
});

describe("the claims on the disk", () => {
  let folder = "";
  const opened: ClaimsFile[] = [];

  const open = (log = silentLog) => {
    const file = ClaimsFile.open(folder, log);
    opened.push(file);
    return file;
  };
  const put = ({ claims }: ClaimsFile, what: string) => {
    const claim = { kind: "node", what, share: "exclusive" } as const;
    claims.put("default", claimant("a"), { ...claim, number: 3 });
  };
  const isWritten = () =>
    eventually("it is written", () => existsSync(join(folder, "claims.json")));

  beforeEach(() => {
    folder = makeFolder();
  });

  afterEach(async () => {
    for (const file of opened.splice(0)) await file.close();
    removeFolder(folder);
  });

  it("are there after a kill, for their owner only to read", async () => {
    put(open(), "home");
    await isWritten();
    // Nothing is closed: that is what a kill leaves.
    const again = open();
    const claim = again.claims.get("default", "node", "home");
    expect(claim).to.include({ number: 3, share: "exclusive" });
    expect(claim?.holder).to.include({ key: "a", name: "node a" });
    if (process.platform === "win32") return;
    const { mode } = await stat(join(folder, "claims.json"));
    expect(mode & 0o777).to.equal(0o600);
  });

  it("are written at the end, too", async () => {
    const file = open();
    put(file, "home");
    await file.close();
    expect(readClaims(folder)).to.have.length(1);
  });

  it("end beside a running hub when the operator has them forgotten, before they stand in anybody's way", async () => {
    const file = open();
    put(file, "home");
    const { claims } = file;
    expect(claims.inTheWay("default", "node", "home", "b")).not.to.equal(
      undefined,
    );
    askToForget(folder, { group: "default", what: "home" });
    expect(claims.inTheWay("default", "node", "home", "b")).to.equal(undefined);
    // And what is claimed behind that stays.
    put(file, "home");
    expect(claims.inTheWay("default", "node", "home", "b")).not.to.equal(
      undefined,
    );
  });

  it("end at the next start where no hub runs, also when the one before was killed in the middle", async () => {
    const file = open();
    put(file, "home");
    await file.close();
    askToForget(folder, { group: "default", what: "home" });
    for (let start = 0; start < 2; start++) {
      const { claims } = open();
      expect(claims.get("default", "node", "home")).to.equal(undefined);
    }
  });

  it("end also when the hub is killed while an older state is written, or two requests are not written yet", async () => {
    const file = open();
    for (const what of ["home", "attic", "office"]) put(file, what);
    await file.close();
    const running = open();
    put(running, "lab");
    // Its state is taken now, and on the disk only later.
    const closing = running.close();
    const later = open();
    for (const what of ["home", "attic"]) {
      askToForget(folder, { group: "default", what });
      later.claims.inTheWay("default", "node", what, "b");
    }
    await closing;
    const { claims } = open();
    for (const what of ["home", "attic"])
      expect(claims.get("default", "node", what), what).to.equal(undefined);
    expect(claims.get("default", "node", "office")).not.to.equal(undefined);
  });

  it("are asked for again where the hub takes the file between its opening and the line", () => {
    put(open(), "home");
    const path = join(folder, "forget");
    const taken = join(folder, "aside");
    const { writeSync } = fs;
    try {
      // As a hub that has read it and found nothing.
      fs.writeSync = ((fd: number, text: string) => {
        if (!existsSync(taken)) fs.renameSync(path, taken);
        return writeSync(fd, text);
      }) as typeof writeSync;
      syncBuiltinESMExports();
      askToForget(folder, { group: "default", what: "home" });
    } finally {
      fs.writeSync = writeSync;
      syncBuiltinESMExports();
    }
    expect(readFileSync(path, "utf8")).to.match(/"what":"home"/);
  });

  for (const [what, text] of [
    ["no JSON", "{"],
    ["something else", '{"a":1}'],
  ] as const)
    it(`are put aside, and said, where the file holds ${what}`, async () => {
      await writeFile(join(folder, "claims.json"), text);
      const log = new KeptLog();
      const file = open(log);
      expect(file.claims.kept()).to.deep.equal([]);
      expect(log.texts.join()).to.match(/put aside as claims\.json\.damaged/);
      const aside = await readFile(join(folder, "claims.json.damaged"), "utf8");
      expect(aside).to.equal(text);
    });

  it("are another hub's from the moment on that this one has closed them: it takes no request and writes nothing", async () => {
    const file = open();
    put(file, "home");
    await file.close();
    rmSync(join(folder, "claims.json"));
    askToForget(folder, { group: "default", what: "home" });
    const { claims } = file;
    expect(claims.inTheWay("default", "node", "home", "b")).not.to.equal(
      undefined,
    );
    put(file, "office");
    await file.close();
    expect(readdirSync(folder)).to.deep.equal(["forget"]);
  });

  it("are put aside without an end of what was put aside before", async () => {
    for (const text of ["{1", "{2", "{3"]) {
      await writeFile(join(folder, "claims.json"), text);
      await open().close();
    }
    const texts = ["", "-2", "-3"].map((more) =>
      readFileSync(join(folder, `claims.json.damaged${more}`), "utf8"),
    );
    expect(texts).to.deep.equal(["{1", "{2", "{3"]);
  });

  it("stay where they are when they cannot be read, and the hub does not start", async function () {
    needsUnix(this, "files that can be closed to their owner");
    // Root reads everything.
    if (process.getuid?.() === 0) {
      symlinkSync("claims.json", join(folder, "claims.json"));
    } else {
      const file = open();
      put(file, "home");
      await file.close();
      chmodSync(join(folder, "claims.json"), 0);
    }
    expect(() => open())
      .to.throw(/claims\.json: cannot read who holds/)
      .with.property("name", "VnetError");
    expect(readdirSync(folder)).to.deep.equal(["claims.json"]);
  });

  describe("asked for in the folder of another user", () => {
    const ask = () => {
      askToForget(folder, { group: "default", what: "home" });
    };
    const at = () => join(folder, "forget");

    beforeEach(function () {
      if (process.platform === "win32")
        skip(this, "needs links and modes of files as Unix has them");
    });

    it("are not written through a link, whose file keeps its mode", () => {
      const victim = join(folder, "victim");
      writeFileSync(victim, "mine", { mode: 0o600 });
      for (const link of [symlinkSync, linkSync]) {
        link(victim, at());
        expect(ask).to.throw(/forget: cannot ask the hub to forget/);
        rmSync(at());
      }
      expect(readFileSync(victim, "utf8")).to.equal("mine");
      expect(statSync(victim).mode & 0o777).to.equal(0o600);
      symlinkSync(join(folder, "new"), at());
      expect(ask).to.throw(/cannot ask the hub to forget/);
      expect(existsSync(join(folder, "new"))).to.equal(false);
    });

    it("do not wait for a named pipe, neither the asker nor the hub, and leave it where it is", () => {
      execFileSync("mkfifo", [at()]);
      expect(ask).to.throw(/cannot ask the hub to forget/);
      put(open(), "home");
      expect(lstatSync(at()).isFIFO()).to.equal(true);
    });
  });

  it("are not put aside, and the hub does not start, where their name is a named pipe's or leads to a device", function () {
    needsUnix(this, "named pipes with a path");
    const path = join(folder, "claims.json");
    execFileSync("mkfifo", [path]);
    expect(() => open()).to.throw(
      /claims.json: cannot read .* \(it is a named pipe, not a regular file\); /,
    );
    rmSync(path);
    symlinkSync("/dev/null", path);
    expect(() => open()).to.throw(/it is a device, not a regular file/);
    expect(readdirSync(folder)).to.deep.equal(["claims.json"]);
  });
});
