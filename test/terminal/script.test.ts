import { Writable } from "node:stream";
import { expect } from "chai";
import type { NodeConfig } from "../../src/config/config.js";
import { VnetError } from "../../src/errors.js";
import { commands } from "../../src/terminal/commands/commands.js";
import type { InputLine } from "../../src/terminal/input-lines.js";
import { usageOf } from "../../src/terminal/command.js";
import { runCommands, runScript } from "../../src/terminal/script.js";
import {
  fakeConfig,
  FakeNode,
  REMOTE_NODE,
  SSH,
} from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";
import { serveSettings, useSettings } from "../support/settings.js";

describe("script", () => {
  let node: FakeNode;
  let out: FakeTerminal;
  let err: FakeTerminal;
  let config: NodeConfig;
  beforeEach(() => {
    node = new FakeNode();
    out = new FakeTerminal();
    err = new FakeTerminal();
    config = fakeConfig();
  });

  const options = () => ({
    control: node,
    output: out.output,
    errorOutput: err.output,
    loadConfig: async (path: string | null) => {
      if (path === "bad.ini")
        throw new VnetError("config", "bad.ini:1: no\nbad.ini:2: \u001b");
      return config;
    },
    screen: { columns: 120 },
  });
  async function* lines(...all: string[]): AsyncGenerator<InputLine> {
    for (const text of all) yield { text };
  }
  const script = (...all: string[]) =>
    runScript({ ...options(), input: lines(...all) });
  const run = (...lines: string[]) => runCommands(lines, options());
  const json = async (line: string): Promise<unknown> => {
    out.clear();
    expect(await run(line)).to.equal(0);
    return JSON.parse(out.raw);
  };

  it("runs piped lines in order and tells `exit` from the end of input", async () => {
    expect(await script("", "# comment", "show vnets")).to.deep.equal({
      left: false,
      status: 0,
    });
    expect(out.raw).to.equal(out.text);
    expect(out.raw).to.include("local-ssh (this node)");
    expect((await script("exit", "ping")).left).to.equal(true);
    expect(node.calls).to.deep.equal([]);
  });

  it("leaves by `exit` with the status of the command before it; empty lines and comments are none", async () => {
    const statusOf = async (...lines: string[]) =>
      (await script(...lines, "", "# comment", "exit")).status;
    expect(await statusOf()).to.equal(0);
    expect(await statusOf("nonsense")).to.equal(2);
    expect(err.raw).to.include("unknown command");
    expect(await statusOf("nonsense", "show vnets")).to.equal(0);
    node.online = false;
    expect(await statusOf("show serves")).to.equal(1);
  });

  it("starts with its first line, and runs none when the node ends meanwhile", async () => {
    const ending = new AbortController();
    const start = () => {
      ending.abort();
      return Promise.resolve();
    };
    const input = lines("show vnets", "nonsense");
    const { signal } = ending;
    await runScript({ ...options(), input, start, signal });
    expect(out.raw + err.raw).to.equal("");
    const none = { ...options(), input: lines() };
    await runScript({
      ...none,
      start: () => Promise.reject(new Error("there is nothing to wait for")),
    });
  });

  it("asks for no further line while nobody reads what was printed, also not its errors", async () => {
    for (const [command, to] of [
      ["help", "output"],
      ["nonsense", "errorOutput"],
    ] as const) {
      let asked = 0;
      async function* endless(): AsyncGenerator<InputLine> {
        for (;;) {
          asked++;
          yield { text: command };
        }
      }
      const release: (() => void)[] = [];
      const stopped = new Writable({
        highWaterMark: 1,
        write: (_chunk, _encoding, done) => release.push(done),
      });
      const ending = new AbortController();
      const { signal } = ending;
      const all = { ...options(), [to]: stopped, signal, input: endless() };
      const running = runScript(all);
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
      expect(asked, command).to.equal(1);
      expect(release).to.have.length(1);
      ending.abort();
      release.pop()?.();
      await running;
    }
  });

  it("lets others have their turn, however fast its lines come and its output goes", async () => {
    const ending = new AbortController();
    const { signal } = ending;
    const many = lines(...Array<string>(20_000).fill("show vnet --json"));
    let turns = 0;
    setTimeout(() => ending.abort(), 1);
    setImmediate(() => turns++);
    await runScript({ ...options(), input: many, signal });
    expect(turns).to.equal(1);
    expect(signal.aborted, "before its end").to.equal(true);
  });

  it("returns 0, 1 for a command that failed, 2 for a usage error", async () => {
    expect(await run("show serves", "help use run", "help")).to.equal(0);
    node.online = false;
    expect(await run("show serves")).to.equal(1);
    expect(await run("reload bad.ini")).to.equal(2);
    expect(await run("unserve 01")).to.equal(2);
    expect(err.raw).to.include("port is missing: unserve VNETID [IP] PORT");
  });

  it("tells each mistake of a configuration in a line of its own, with nothing hidden", async () => {
    await run("reload bad.ini");
    expect(err.raw).to.equal("bad.ini:1: no\nbad.ini:2: \\x1b\n");
  });

  it("says of a command of -e that takes long that it is waited for, and only of such a one", async () => {
    let answer = (): void => undefined;
    node.ping = () =>
      new Promise((resolve) => {
        answer = () => resolve({ rttMs: [7], path: null });
      });
    const running = run("show vnets", "ping 01");
    await err.until("waiting for `ping 01` ...\n");
    answer();
    expect(await running).to.equal(0);
    expect(err.raw).to.equal("waiting for `ping 01` ...\n");
  });

  describe("of a guest", () => {
    beforeEach(() => {
      node.guest = true;
      node.config.serves.push(serveSettings("web", { port: 80 }));
      node.config.uses.push(
        useSettings("ssh", { serveid: 700, port: 1122, active: true }),
      );
      const rest = { error: null, origin: "config", streams: 0 } as const;
      const closed = { active: false, state: "inactive", ...rest } as const;
      const [serve, use] = [node.config.serves[0]!, node.config.uses[0]!];
      node.serveList.push({ ...serve, ...closed });
      const nobody = { remote: null, providers: 0, refusedKey: null };
      const reaches = { wanted: "700", ...nobody };
      node.useList.push({ ...use, ...closed, ...reaches });
    });

    const lasting = [
      ...["serve new 80", "serve run 80", "serve open web"],
      ...["serve close web", "serve delete web", "use new 700", "use run 700"],
      ...["use open ssh", "use close ssh", "use delete ssh"],
      ...["unserve 01 80", "reload", "save"],
    ];
    for (const line of lasting)
      it(`refuses \`${line}\`, which would end with it, and says what to do`, async () => {
        expect(await run(line)).to.equal(2);
        expect(err.raw).to.match(
          /^[a-z ]+ would end with this guest, .*running node.*at its start.*file\n$/,
        );
        // Nothing can be piped into a node that runs.
        expect(err.raw).not.to.include("pipe");
        expect(node.calls).to.deep.equal([]);
      });

    it("has a test for each command of the table that a guest refuses", () => {
      const names = commands.filter((each) => each.lasting).map((c) => c.name);
      expect(names).to.have.length(lasting.length);
      for (const name of names)
        expect(lasting.some((line) => line.startsWith(name))).to.equal(true);
    });

    it("says that it is one, and does not show the state of a running node as if it knew it", async () => {
      await run("show serve", "show use", "show vnet");
      expect(out.raw).to.match(/ web +.* true +unknown\n- a guest of -e, /);
      expect(out.raw).to.match(/ ssh +.* true +unknown\n- a guest of -e, /);
      expect(out.raw).to.match(/^guest: +yes/m);
      for (const line of ["show serve", "show use"]) {
        const [row] = (await json(`${line} --json`)) as unknown[];
        expect(row).to.include({ guest: true, active: true, state: "unknown" });
      }
      expect(await json("show vnet --json")).to.include({ guest: true });
    });

    it("does not advise what it refuses", async () => {
      node.serveList = [];
      node.useList = [];
      await run("show serve", "show use");
      expect(out.raw).to.match(/^the file has no serve$/m);
      expect(out.raw).to.match(/^the file has no use$/m);
      expect(out.raw).not.to.match(/ run /);
    });

    it("still looks and measures", async () => {
      expect(
        await run("show serves", "show vnets", "ping 01", "help"),
      ).to.equal(0);
    });
  });

  it("says that a node is no guest", async () => {
    await run("use run 700");
    const [row] = (await json("show use --json")) as unknown[];
    expect(row).to.include({ guest: false, state: "listening" });
    expect(await json("show vnet --json")).to.include({ guest: false });
    await run("show use", "show vnet");
    expect(out.raw).not.to.include("guest:");
    expect(out.raw).not.to.include("a guest");
  });

  it("stops at the first -e that fails", async () => {
    expect(await run("unserve", "ping")).to.equal(2);
    expect(node.calls).to.deep.equal([]);
  });

  it("lets a bug of ours through", async () => {
    node.ping = async () => {
      throw new TypeError("bug");
    };
    const thrown = await run("ping").catch((error: unknown) => error);
    expect(thrown).to.be.instanceOf(TypeError);
  });

  // The order of keys in what was asked says nothing.
  const parsed = (call: string): unknown[] => {
    const [name, ...what] = call.split(" ");
    return [name, JSON.parse(what.join(" "))];
  };
  const placed: [string, string][] = [
    [
      "use run 700 127.0.0.1 1122",
      'addUse {"serveid":700,"serve":"","to":"","fingerprint":"","ip":"127.0.0.1","port":1122,"label":"use-700","active":true}',
    ],
    [
      "use new 7 name=later",
      'addUse {"serveid":7,"serve":"","to":"","fingerprint":"","ip":"127.0.0.1","port":0,"label":"later","active":false}',
    ],
    [
      'serve run 8080 700 web http "my own" site',
      'addServe {"port":8080,"ip":"127.0.0.1","serveid":700,"name":"web","type":"http","info":"my own site","label":"web","active":true,"allow":"","host":"","hosts":"","trustForwarded":false,"check":true,"peers":"","share":"exclusive"}',
    ],
    [
      "serve new 80 ip=nas",
      'addServe {"port":80,"ip":"nas","serveid":0,"name":"serve-80","type":"tcp","info":"","label":"serve-80","active":false,"allow":"","host":"","hosts":"","trustForwarded":false,"check":true,"peers":"","share":"exclusive"}',
    ],
    [
      "use run ssh@remote-ssh 3306",
      'addUse {"serveid":0,"serve":"ssh@remote-ssh","to":"","fingerprint":"","ip":"127.0.0.1","port":3306,"label":"ssh@remote-ssh","active":true}',
    ],
    [
      "use run ssh",
      'addUse {"serveid":0,"serve":"ssh","to":"","fingerprint":"","ip":"127.0.0.1","port":0,"label":"ssh","active":true}',
    ],
    [
      "use run home:127.0.0.1:22 1122 back",
      'addUse {"serveid":0,"serve":"","to":"home:127.0.0.1:22","fingerprint":"","ip":"127.0.0.1","port":1122,"label":"back","active":true}',
    ],
    [
      "use run 700:127.0.0.1:22",
      'addUse {"serveid":0,"serve":"","to":"700:127.0.0.1:22","fingerprint":"","ip":"127.0.0.1","port":0,"label":"700:127.0.0.1:22","active":true}',
    ],
    [
      "use run home:22",
      'addUse {"serveid":0,"serve":"","to":"home:22","fingerprint":"","ip":"127.0.0.1","port":0,"label":"home:22","active":true}',
    ],
    [
      "use run serveid=700 port=1122",
      'addUse {"serveid":700,"serve":"","to":"","fingerprint":"","ip":"127.0.0.1","port":1122,"label":"use-700","active":true}',
    ],
    [
      "use run to=home:22",
      'addUse {"serveid":0,"serve":"","to":"home:22","fingerprint":"","ip":"127.0.0.1","port":0,"label":"home:22","active":true}',
    ],
    [
      "serve run 80 share=balance",
      'addServe {"port":80,"ip":"127.0.0.1","serveid":0,"name":"serve-80","type":"tcp","info":"","label":"serve-80","active":true,"allow":"","host":"","hosts":"","trustForwarded":false,"check":true,"peers":"","share":"balance"}',
    ],
    [
      "serve run 80 700 web takeover",
      'addServe {"port":80,"ip":"127.0.0.1","serveid":700,"name":"web","type":"takeover","info":"","label":"web","active":true,"allow":"","host":"","hosts":"","trustForwarded":false,"check":true,"peers":"","share":"exclusive"}',
    ],
    ["ping remote-ssh", 'ping {"vnetid":1,"probes":3}'],
    ["ping", 'ping {"vnetid":null,"probes":3}'],
  ];
  for (const [line, call] of placed)
    it(`puts every word of \`${line}\` in its place`, async () => {
      expect(await run(line)).to.equal(0);
      expect(node.calls.map(parsed)).to.deep.equal([parsed(call)]);
    });

  const unserves: [string, string, number][] = [
    ["unserve 01 8888", "127.0.0.1", 0],
    ["unserve 1 8888 18888", "127.0.0.1", 18888],
    ["unserve 01 8888 127.0.0.1 18888", "127.0.0.1", 18888],
    ["unserve remote-ssh 127.0.0.1 8888 ::1 18888", "::1", 18888],
  ];
  for (const [line, ip, port] of unserves)
    it(`tells addresses from ports in \`${line}\``, async () => {
      expect(await run(line)).to.equal(0);
      expect(node.calls).to.deep.equal([
        'requestUnserve {"vnetid":1,"ip":"127.0.0.1","port":8888}',
        `mapUnserve ${JSON.stringify({ unserve: 1, ip, port })}`,
      ]);
    });

  it("gives an unserve back that could not be mapped", async () => {
    node.mapUnserve = async () => {
      throw new VnetError("network", "port 8888 is taken");
    };
    expect(await run("unserve 01 8888")).to.equal(1);
    expect(node.calls.at(-1)).to.equal("withdrawUnserve 1");
  });

  const mistakes: [string, string][] = [
    ["shwo serves", "did you mean `show serves`?"],
    ["show", "show what? show serve, show use"],
    ["xyzzy", "`help` lists the commands"],
    ["use del 700", "did you mean `use delete`?"],
    ["serve DEL web", "did you mean `serve delete`?"],
    ["serve o web", "there is serve new, serve run"],
    ["serve cl web", "did you mean `serve close`?"],
    ["use rm 700", "there is use new, use run"],
    ["unserv 01 80", "did you mean `unserve`?"],
    ["exi", "did you mean `exit`?"],
    ["use run 1000", 'serveid "1000": give 1–999'],
    [
      "use run mysql@",
      'serve "mysql@": give a serveid (1–999), a serve\'s name',
    ],
    ["serve run 80 share=both", "give exclusive, takeover, balance"],
    ["use run 700 127.0.0.300", 'ip "127.0.0.300": give an IP address'],
    ["show serves --limit", "--limit: give how many rows"],
    ["show serves --limit 0", "--limit 0: give how many rows"],
    ["show serves --limit many", "--limit many: give how many rows"],
    ["show serves --limit 1 --limit 2", "--limit is given twice"],
    ["show vnet --limit 1", "show vnet does not take --limit"],
    ["use run 700:30006", "the port stands apart here: 700 30006; at a node"],
    ["use run ssh@home:30004", "the port stands apart here: ssh@home 30004;"],
    ["use run ssh:30004", "the port stands apart here: ssh 30004;"],
    ["use run 700 70000", 'port "70000": give 1–65535'],
    ["use run 700 1 2 3 4", "is too much: use run SERVE [IP] [PORT] [NAME]"],
    ["unserve 09 80", "give remote-ssh (01), local-ssh (02)"],
    ["use close ssh", "this node has no use: `use run` makes one"],
    ["exit --json", "exit does not take --json"],
    ['ping "remote', 'a quote is open: close it with "'],
    ["use run serveid=7 serveid=8", "serve is given twice"],
  ];
  for (const [line, hint] of mistakes)
    it(`answers \`${line}\` with one line that helps`, async () => {
      expect(await run(line)).to.equal(2);
      expect(err.raw).to.include(hint);
      expect(err.raw.trimEnd()).not.to.include("\n");
    });

  it("finds an own entry by its name here, its name in the group or its id, and lists what is ambiguous", async () => {
    const one = serveSettings("a", { name: "web", serveid: 7, port: 80 });
    await node.addServe(one);
    await node.addServe({ ...one, label: "web", serveid: 8, name: "b" });
    expect(await run("serve close web")).to.equal(2);
    expect(err.raw).to.include("a (007, 127.0.0.1:80), web (008");
    expect(err.raw).to.include("give name=a or name=web");
    expect(await run("serve close name=web", "serve delete 7")).to.equal(0);
    expect(node.calls.slice(2)).to.deep.equal([
      'closeServe "web"',
      'deleteServe "a"',
    ]);
  });

  it("prints a count line and one helpful line for an empty list", async () => {
    await run("show serves");
    expect(out.raw).to.match(/- 1 node, 1 serve -\n$/);
    out.clear();
    node.remoteList = [];
    await run("show serves", "show use", "show serve");
    expect(out.raw.split("\n")).to.have.length(4);
    expect(await json("show serves --json")).to.deep.equal([]);
  });

  it("says which of several that take over has a later one beside it, and how many stand behind", async () => {
    const later = { ...SSH, share: "takeover" as const };
    node.remoteList = [later, { ...later, vnetid: 2, overtaken: true }];
    await run("use run 700 1122", "show serves", "show use");
    expect(out.raw).to.match(
      / ssh \(takeover\) .*\n.* ssh \(takeover: a later one is there\) /,
    );
    node.useList[0] = { ...node.useList[0]!, remote: later, providers: 2 };
    await run("show use");
    expect(out.raw).to.match(/ssh on remote-ssh \(01\), else 1 earlier\n/);
  });

  it("prints one JSON document with ids as strings and ports as numbers", async () => {
    await run("use run 700 1122", "use run 5 1123");
    const remote = {
      serveid: "700",
      vnetid: "01",
      vnet: "remote-ssh",
      name: "ssh",
      type: "ssh",
      ip: "127.0.0.1",
      port: 22,
      info: "home-ssh",
      share: "exclusive",
      service: "up",
    };
    expect(await json("show serves --json")).to.deep.equal([
      { ...remote, trusted: "unknown", overtaken: false },
    ]);
    const uses = (await json("show use --json")) as Record<string, unknown>[];
    expect(uses[0]).to.deep.include({
      ...{ serveid: "700", name: "use-700", wanted: "700", port: 1122 },
      ...{ remote, providers: 1 },
    });
    expect(uses[1]).to.deep.include({ state: "waiting", remote: null });
    expect(await json("show vnet --json")).to.deep.include({
      vnetid: "02",
      link_state: "online",
      bytes: { in: 2048, out: 10 },
    });
    expect(await json("ping --json")).to.deep.equal({ rtt_ms: [1, 2, 3] });
    expect(await json("ping 01 --json")).to.deep.include({
      path: {
        kind: "relay",
        hub_ms: [0.5, 1, 1.5],
        node_ms: [0.5, 1, 1.5],
      },
    });
  });

  describe("shows of a list", () => {
    beforeEach(() => {
      const [ssh] = node.remoteList;
      node.remoteList = [
        { ...ssh!, serveid: 9, name: "web", type: "http", info: "a shop" },
        { ...ssh!, serveid: 8, name: "db", vnetid: 2, vnet: "lab" },
        { ...ssh!, serveid: 7, name: "evil", trusted: "no" },
        ssh!,
      ];
    });
    const ids = () =>
      [...out.raw.matchAll(/^(\d{3}) /gm)].map(([, id]) => Number(id));

    it("all rows, by serveid, what is not trusted last", async () => {
      await run("show serves");
      expect(ids()).to.deep.equal([8, 9, 700, 7]);
      expect(out.raw).to.match(/\n- 2 nodes, 4 serves -\n$/);
      node.nodeList.unshift(
        { ...REMOTE_NODE, vnetid: 4, name: "evil", trusted: "no" },
        { ...REMOTE_NODE, vnetid: 9, name: "last" },
      );
      out.clear();
      await run("show vnets");
      const order = [...out.raw.matchAll(/^(\d\d) /gm)].map(([, id]) => id);
      expect(order).to.deep.equal(["01", "02", "09", "04"]);
    });

    it("those that a pattern fits, in any column and any case", async () => {
      await run("show serves HTTP shop");
      expect(ids()).to.deep.equal([9]);
      expect(out.raw).to.match(/\n- 1 node, 1 of 4 serves -\n$/);
      out.clear();
      await run("show vnets local");
      expect(out.raw).to.match(/local-ssh .*\n- 1 of 2 nodes -\n$/s);
      const found = (await json("show serves l*b --json")) as unknown[];
      expect(found).to.have.length(1);
      expect(found[0]).to.include({ serveid: "008" });
    });

    it("as many as wanted, and says so", async () => {
      await run("show serves --limit 2");
      expect(ids()).to.deep.equal([8, 9]);
      expect(out.raw).to.match(/\n- 2 nodes, 4 serves, the first 2 shown -\n$/);
      expect(await json("show serves --json --limit=1")).to.have.length(1);
      expect(await json("show serves --limit 9 --json")).to.have.length(4);
      out.clear();
      await run("show serves 127 --LIMIT 1");
      expect(ids()).to.deep.equal([8]);
    });

    it("what nothing fits in one line", async () => {
      await run("show serves nothing at all");
      expect(out.raw).to.equal(
        'none of 4 fits "nothing at all"; it is looked for in each column, and * stands for anything\n',
      );
      expect(await json("show serves nothing --json")).to.deep.equal([]);
    });

    it("of own serves and uses, too", async () => {
      await node.addServe(serveSettings("web", { port: 80 }));
      await node.addServe(serveSettings("db", { port: 3306 }));
      await run("use run 700 1122", "use run 9 1123");
      out.clear();
      await run("show serve 3306", "show use --limit 1");
      expect(out.raw).to.match(/ db .*\n- 1 of 2 serves -\n/s);
      expect(out.raw).not.to.include("web");
      expect(out.raw).to.match(/- 2 uses, the first 1 shown -\n$/);
    });
  });

  it("names some of many in a mistake, and the command that lists them all", async () => {
    node.nodeList = Array.from({ length: 1_000 }, (_, at) => ({
      ...REMOTE_NODE,
      vnetid: at + 1,
      name: `node-${at}`,
    }));
    for (let at = 0; at < 30; at++)
      await node.addServe(serveSettings(`s${at}`, { port: 80 }));
    await run("ping nowhere");
    expect(err.raw).to.match(/node-9 \(10\) or 990 more \(`show vnets`\)\n$/);
    await run("serve close nothing");
    expect(err.raw).to.match(/ or 20 more \(`show serve`\)\n$/);
  });

  it("waits for a reader who takes his time, says nothing of that, and holds no more than a reader wants", async () => {
    node.remoteList = Array.from({ length: 5_000 }, (_, at) => ({
      ...SSH,
      serveid: at + 1,
    }));
    let read = (): void => undefined;
    let bytes = 0;
    let most = 0;
    const slow = new Writable({
      highWaterMark: 1024,
      write: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        read = done;
      },
    });
    const lines = ["show serves", "show serves --json"];
    const running = runCommands(lines, { ...options(), output: slow });
    let isOver = false;
    void running.then(() => (isOver = true));
    while (!isOver) {
      most = Math.max(most, slow.writableLength);
      const next = read;
      read = () => undefined;
      next();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await running).to.equal(0);
    expect(bytes).to.be.above(1_000_000);
    expect(most).to.be.below(bytes / 4);
    expect(err.raw).to.equal("");
  });

  it("rounds what is measured to three decimals in JSON, wherever it stands", async () => {
    node.ping = async () => ({
      rttMs: [0.1 + 0.2, 1.23456789],
      path: { kind: "relay", hubMs: [1 / 3, 1], nodeMs: [2 / 3, 1e-9] },
    });
    const view = node.view();
    node.view = () => ({ ...view, rttMs: 1.0005123 });
    expect(await json("ping 01 --json")).to.deep.equal({
      rtt_ms: [0.3, 1.235],
      path: { kind: "relay", hub_ms: [0.333, 1], node_ms: [0.667, 0] },
    });
    expect(await json("show vnet --json")).to.include({ rtt_ms: 1.001 });
  });

  it("has a name column for serves and uses, the same in JSON, and tells the name that commands take", async () => {
    await run("use run ssh 1122 name=mine");
    await node.addServe(serveSettings("a", { name: "web", port: 80 }));
    out.clear();
    await run("show use", "show serve");
    expect(out.raw).to.match(/^serveid +name +ip/);
    expect(out.raw).to.match(/^ssh +mine +127/m);
    expect(out.raw).to.match(/^001 +web \[here a\] +tcp/m);
    const [use] = (await json("show use --json")) as unknown[];
    expect(use).to.include({ name: "mine", wanted: "ssh" });
    const [serve] = (await json("show serve --json")) as unknown[];
    expect(serve).to.include({ name: "web", local_name: "a" });
  });

  const anyCase: [string, string][] = [
    ["SHOW serves", "- 1 node, 1 serve -"],
    ["Show Vnet --JSON", '"link_state":"online"'],
    ["HELP USE RUN", "use run SERVE"],
    ["USE RUN 700 PORT=1122", "127.0.0.1:1122) is listening: it reaches ssh"],
  ];
  for (const [line, answer] of anyCase)
    it(`takes \`${line}\` as if it were in small letters`, async () => {
      expect(await run(line)).to.equal(0);
      expect(out.raw).to.include(answer);
    });

  const questions: [string, string][] = [
    ["?", "help"],
    ["use ?", "help use"],
    ["use run ?", "help use run"],
    ["help ?", "help"],
  ];
  for (const [line, same] of questions)
    it(`answers \`${line}\` as \`${same}\``, async () => {
      await run(same);
      const helped = out.raw;
      out.clear();
      expect(await run(line)).to.equal(0);
      expect(out.raw).to.equal(helped);
      expect(node.calls).to.deep.equal([]);
    });

  it("does not speak of relays, which nobody has chosen", async () => {
    await run("ping 01");
    expect(out.raw).to.include("(to the hub 0.50 ms, on to the node 0.50 ms)");
    expect(out.raw).not.to.include("relay");
  });

  it("shows what reload changed, or that nothing differs", async () => {
    await run("reload");
    expect(out.raw).to.include("nothing differs\n");
  });

  it("never writes control characters of foreign names", async () => {
    const hostile = "\u001b[2J\u009b1m";
    node.remoteList = node.remoteList.map((s) => ({ ...s, name: hostile }));
    await run("show serves", "use run 700", "show use", "show serves --json");
    expect(out.raw).not.to.match(/(?!\n)\p{Cc}/u);
  });

  it("explains every command of the table", async () => {
    for (const command of commands) {
      out.clear();
      expect(await run(`help ${command.name}`)).to.equal(0);
      expect(out.raw.startsWith(usageOf(command))).to.equal(true);
    }
  });

  it("breaks what it says between words in a narrow window", async () => {
    node.guest = true;
    const narrow = { ...options(), screen: { columns: 40 } };
    expect(await runCommands(["show use"], narrow)).to.equal(0);
    const lines = out.raw.trimEnd().split("\n");
    for (const line of lines) expect(line.length).to.be.at.most(40);
    expect(lines.join(" ")).to.include("at a running node is seen");
    // What is wrong stays one line: it often goes into a file.
    expect(await runCommands(["use run 700"], narrow)).to.equal(2);
    expect(err.raw.trimEnd()).not.to.include("\n");
  });

  it("keeps help within a narrow window", async () => {
    await runCommands(["help"], { ...options(), screen: { columns: 40 } });
    const widest = Math.max(...out.raw.split("\n").map((l) => l.length));
    expect(widest).to.be.at.most(40);
  });
});
