// What a person does about a key that changed: the real programs, their state on the disk, and `trust`.

import {
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { fingerprintOf } from "../../src/keys/fingerprint.js";
import { eventually, within } from "../support/deadline.js";
import { connectTo, startEcho, type TestServer } from "../support/echo.js";
import { skip } from "../support/find-program.js";
import { askJson, startHub, untilRow, type UseRow } from "../support/lan.js";
import {
  closeLaunched,
  run,
  type Hub,
  type Launched,
} from "../support/launch.js";
import { makeFolder } from "../support/folder.js";
import { reservePort } from "../support/ports.js";
import { hubText, nodeText, Place } from "../support/trusting.js";

const SECRET = "secret = the-secret-of-this-group";

/** A verb beside what runs of that configuration. */
function trust(place: Place, program: "route" | "vnet", name: string) {
  return run(program, ["trust", name, place.file], { env: place.env });
}

async function echoed(port: number): Promise<void> {
  const connection = await connectTo(port);
  connection.socket.end("hello");
  await within("the echo", connection.ended);
  expect(connection.text).to.equal("hello");
}

const knownNodes = (place: Place) => {
  const path = place.stateFile("known-nodes");
  return {
    path,
    lines: readFileSync(path, "utf8").trim().split("\n").slice(1),
  };
};

describe("a provider whose key changed", function () {
  this.timeout(180_000);
  let echo: TestServer;
  let hub: Hub;

  beforeEach(async () => {
    echo = await startEcho();
  });

  afterEach(async () => {
    await closeLaunched();
    await echo.close();
  });

  /** Home's machine is set up anew: the same file, another key. */
  async function setUpAnew(home: Place, running: Launched): Promise<Launched> {
    await running.close();
    rmSync(home.stateFile("identity.key"));
    const again = home.start("vnet");
    await again.waitForOutput("connected to the hub");
    return again;
  }

  it("is refused by a use until `vnet trust` beside it, or `use trust` in it, accepts the new one", async () => {
    hub = await startHub(hubText(await reservePort()));
    const home = new Place(
      nodeText(hub.port, {
        name: "home",
        vnet: SECRET,
        sections: `[serve.web]\nport = ${echo.port}\n`,
      }),
    );
    const port = await reservePort();
    const office = new Place(
      nodeText(hub.port, {
        name: "office",
        vnet: SECRET,
        sections: `[use.shell]\nserve = web\nport = ${port}\n`,
      }),
    );
    let running = home.start("vnet");
    await running.waitForOutput("connected to the hub");
    const user = office.start("vnet");
    await user.waitForOutput("connected to the hub");
    await untilState(user, "listening");
    await echoed(port);
    const { path, lines } = await eventually("it is remembered", () =>
      knownNodes(office),
    );
    expect(statSync(path).mode & 0o777).to.equal(0o600);
    const own = await askJson<{ fingerprint: string }>(running, "show vnet");
    expect(lines).to.deep.equal([
      ["default", "web", own.fingerprint, "secret", "alone", "home"].join("\t"),
    ]);

    running = await setUpAnew(home, running);
    const refused = await untilState(user, "error");
    const { fingerprint } = await askJson<{ fingerprint: string }>(
      running,
      "show vnet",
    );
    expect(refused.refused_key).to.equal(fingerprint);
    await user.waitForOutput(`vnet trust web ${office.file}\``);

    const wrong = await trust(office, "vnet", "nobody");
    expect(wrong.status).to.equal(2);
    expect(wrong.stderr).to.include("no key is refused for nobody");
    const accepted = await trust(office, "vnet", "shell");
    expect(accepted.status, accepted.stderr).to.equal(0);
    expect(accepted.stdout)
      .to.include(fingerprint)
      .and.include(own.fingerprint);
    await untilState(user, "listening");
    await echoed(port);

    await setUpAnew(home, running);
    await untilState(user, "error");
    user.send("use trust shell");
    await untilState(user, "listening");
    await echoed(port);
    expect(knownNodes(office).lines).to.have.length(1);
  });

  it("is refused by a port of the hub until `route trust` accepts it", async () => {
    const port = await reservePort();
    const place = new Place(
      hubText(
        await reservePort(),
        "",
        `[public.web]\nserve = web\nport = ${port}\n`,
      ),
    );
    const hubPort = Number(
      /port = (\d+)/.exec(readFileSync(place.file, "utf8"))?.[1],
    );
    const running = place.start("route");
    await running.waitForOutput("ready: nodes can join");
    const home = new Place(
      nodeText(hubPort, {
        name: "home",
        sections: `[serve.web]\nport = ${echo.port}\n`,
      }),
    );
    const first = home.start("vnet");
    await first.waitForOutput("connected to the hub");
    await untilEchoed(port);
    const { lines } = await eventually("it is remembered", () =>
      knownNodes(place),
    );
    expect(lines[0]).to.include("\thub\talone\thome");
    await setUpAnew(home, first);
    await running.waitForOutput(`route trust web ${place.file}\``);
    const accepted = await trust(place, "route", "web");
    expect(accepted.status, accepted.stderr).to.equal(0);
    await untilEchoed(port);
  });

  it("and that root accepts stands in a file of the service's user all the same", async function () {
    if (process.getuid?.() !== 0) skip(this, "needs root");
    const place = new Place(nodeText(1));
    const state = join(place.folder, "own");
    mkdirSync(state, { mode: 0o700 });
    const path = join(state, "known-nodes");
    const line = (n: number, basis: string) =>
      `default\tssh\t${fingerprintOf(Buffer.alloc(32, n))}\t${basis}\talone\thome\n`;
    const text = line(1, "secret") + line(2, "refused");
    writeFileSync(path, text, { mode: 0o600 });
    for (const each of [state, path]) chownSync(each, 54321, 54322);
    const words = ["trust", "ssh", place.file, "--state", state];
    const { status, stderr } = await run("vnet", words);
    expect(status, stderr).to.equal(0);
    expect(readFileSync(path, "utf8")).to.include(line(2, "person"));
    expect(statSync(path)).to.include({ uid: 54321, gid: 54322 });
    expect(statSync(path).mode & 0o777).to.equal(0o600);
  });

  it("is accepted as its notice says for what was started without a file", async () => {
    const state = join(makeFolder(), "own");
    mkdirSync(state, { mode: 0o700 });
    const path = join(state, "known-nodes");
    const line = (n: number, basis: string) =>
      `default\tssh\t${fingerprintOf(Buffer.alloc(32, n))}\t${basis}\talone\thome\n`;
    writeFileSync(path, line(1, "secret") + line(2, "refused"), {
      mode: 0o600,
    });
    for (const program of ["vnet", "route"] as const) {
      const words = ["trust", "ssh", "--state", state];
      const { status, stderr } = await run(program, words);
      if (program === "vnet") expect(status, stderr).to.equal(0);
      else expect(stderr).to.include("no key is refused for ssh");
    }
    expect(readFileSync(path, "utf8")).to.include(line(2, "person"));
  });
});

/** The port listens as soon as the hub has found the serve. */
async function untilEchoed(port: number): Promise<void> {
  const until = performance.now() + 60_000;
  while (performance.now() < until) {
    const isBack = await echoed(port).then(
      () => true,
      () => false,
    );
    if (isBack) return;
  }
  throw new Error("no connection comes back");
}

interface PinnedRow extends UseRow {
  refused_key: string | null;
}

function untilState(user: Launched, state: string): Promise<PinnedRow> {
  return untilRow<PinnedRow>(
    user,
    "show use",
    (row) => row.state === state,
    `the use is ${state}`,
  );
}
