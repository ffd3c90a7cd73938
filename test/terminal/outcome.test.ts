// What a command says of what it did, and what it asks before.

import { expect } from "chai";
import { Terminal } from "../../src/terminal/terminal.js";
import { runCommands } from "../../src/terminal/script.js";
import { FakeNode } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";

/** KIND NAME (ID, ADDRESS) is STATE, then why, or what to do */
const OUTCOME =
  /^(serve|use) \S+ \([^,]+, [^)]+\) is (registered|waiting|inactive|listening|removed)(: \S.*)?\n$/;

describe("what a command did", () => {
  let node: FakeNode;
  let out: FakeTerminal;
  let err: FakeTerminal;
  beforeEach(() => {
    node = new FakeNode();
    [out, err] = [new FakeTerminal(), new FakeTerminal()];
  });

  const run = (...lines: string[]) =>
    runCommands(lines, {
      control: node,
      loadConfig: async () => node.config,
      output: out.output,
      errorOutput: err.output,
    });

  for (const [line, outcome] of [
    [
      "serve new 8080 name=web",
      "serve web (000, 127.0.0.1:8080) is inactive: `serve open web` registers it",
    ],
    [
      "serve run 22 127.0.0.1 700 ssh",
      "serve ssh (700, 127.0.0.1:22) is registered",
    ],
    ["serve open off", "serve off (000, 127.0.0.1:80) is registered"],
    [
      "serve close on",
      "serve on (007, 127.0.0.1:81) is inactive: `serve open on` registers it",
    ],
    ["serve delete on", "serve on (007, 127.0.0.1:81) is removed"],
    [
      "use new 700 1122 name=later",
      "use later (700, 127.0.0.1:1122) is inactive: `use open later` listens",
    ],
    [
      "use run ssh 1122",
      "use ssh (ssh, 127.0.0.1:1122) is listening: it reaches ssh on remote-ssh (01)",
    ],
    [
      "serve run 22 127.0.0.1 700 a[b]",
      "serve a[b) (700, 127.0.0.1:22) is registered",
    ],
    ["use run 999 1122", "use use-999 (999, 127.0.0.1:1122) is waiting"],
    [
      "use open mine",
      "use mine (700, 127.0.0.1:2022) is listening: it reaches ssh on remote-ssh (01)",
    ],
    [
      "use close mine",
      "use mine (700, 127.0.0.1:2022) is inactive: `use open mine` listens",
    ],
    ["use delete mine", "use mine (700, 127.0.0.1:2022) is removed"],
    [
      "use trust mine",
      "use mine (700, 127.0.0.1:2022) is listening: it reaches ssh on remote-ssh (01)",
    ],
    [
      "unserve 01 8888",
      "use unserve-8888 (u1, 127.0.0.1:8888) is listening: it reaches ssh on remote-ssh (01)",
    ],
  ] as const)
    it(`is told in one line of the same shape after \`${line}\``, async () => {
      await run("serve new 80 name=off", "serve run 81 serveid=7 name=on");
      await run("use run 700 2022 name=mine");
      out.clear();
      expect(await run(line)).to.equal(0);
      expect(out.raw).to.equal(`${outcome}\n`).and.to.match(OUTCOME);
    });

  it("is told of a serve whose wished id was taken", async () => {
    const { addServe } = node;
    node.addServe = async (settings) => ({
      ...(await addServe(settings)),
      serveid: 12,
    });
    await run("serve run 80 serveid=7 name=web");
    expect(out.raw).to.equal(
      "serve web (012, 127.0.0.1:80) is registered: 007 was wanted, and is taken\n",
    );
  });

  it("is told of a use that could not listen as a failure, with its address", async () => {
    const { openUse } = node;
    await run("use new 700 1122 name=mine");
    node.openUse = async (label) =>
      Object.assign(await openUse(label), {
        state: "error",
        error: "port 1122 is taken",
      });
    expect(await run("use open mine")).to.equal(1);
    expect(err.raw).to.equal(
      "use mine (700, 127.0.0.1:1122) is not listening: port 1122 is taken; it is tried again, `use close mine` gives it up\n",
    );
  });

  it("is not made under a name that could not be a section of the file", async () => {
    expect(await run("use run 700 2022 name=a]b")).to.equal(2);
    expect(err.raw).to.equal('name "a]b": give one without ]\n');
    expect(node.useList.map(({ label }) => label)).not.to.include("a]b");
  });

  it("is told of a reload: the differences, and how many there were", async () => {
    await run("reload");
    expect(out.raw).to.equal(
      "the configuration is reloaded: nothing differs\n",
    );
  });

  describe("that cuts connections which run", () => {
    let terminal: Terminal;
    beforeEach(async () => {
      await run("use run 700 2022 name=mine", "serve run 81 name=on");
      for (const entry of [...node.useList, ...node.serveList])
        entry.streams = 2;
      node.calls.length = 0;
      terminal = Terminal.start({
        control: node,
        input: out.input,
        output: out.output,
        loadConfig: async () => node.config,
        historyFile: null,
        screen: out.screen,
        onExit: () => undefined,
      });
    });
    afterEach(() => terminal.close());

    for (const line of [
      ...["use close mine", "use delete mine"],
      ...["serve close on", "serve delete on"],
    ]) {
      it(`is done by \`${line}\` after a yes`, async () => {
        await out.answer(
          `${line}\r`,
          "2 connections run, and are cut: yes or no",
        );
        expect(node.calls).to.deep.equal([]);
        await out.answer("y\r", ") is ");
        await out.until(">: ");
        expect(node.calls).to.have.length(1);
      });

      it(`is not done by \`${line}\` after a mere Enter`, async () => {
        await out.answer(
          `${line}\r`,
          "2 connections run, and are cut: yes or no",
        );
        await out.answer("\r", "cancelled");
        await out.until(">: ");
        expect(node.calls).to.deep.equal([]);
      });
    }

    it("is done at once where nobody can answer", async () => {
      expect(await run("use delete mine")).to.equal(0);
      expect(node.calls).to.deep.equal(['deleteUse "mine"']);
    });
  });
});
