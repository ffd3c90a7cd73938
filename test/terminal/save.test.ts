// `save`, `show changes` and the way out while something is not saved, against a fake node and a fake file.

import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import type { SavePlan } from "../../src/terminal/command.js";
import { runCommands, runScript } from "../../src/terminal/script.js";
import { Terminal, type Departure } from "../../src/terminal/terminal.js";
import { FakeNode } from "../support/fake-node.js";
import { FakeTerminal } from "../support/fake-terminal.js";
import { serveSettings } from "../support/settings.js";

const MADE = {
  kind: "serve-added",
  serve: serveSettings("web", { port: 80, check: true }),
} as const;

class FakeFile {
  writes = 0;
  notes: string[] = [];
  failure: VnetError | null = null;
  file: string | null = "config.ini";

  unsaved = (node: FakeNode | { unsaved(): FakeNode["unsavedChanges"] }) => ({
    changes: node.unsaved(),
    notes: this.notes,
    file: this.file,
  });

  prepare = async (node: { unsaved(): FakeNode["unsavedChanges"] }) => {
    if (this.failure !== null) throw this.failure;
    const plan: SavePlan = {
      file: "config.ini",
      diff: node.unsaved().map(() => ({ sign: "+", text: "[serve.web]" })),
      notes: this.notes,
      write: async () => {
        this.writes++;
      },
    };
    return plan;
  };
}

describe("save, in the terminal", () => {
  let node: FakeNode;
  let screen: FakeTerminal;
  let file: FakeFile;
  let terminal: Terminal;
  let left: Departure[];
  let gone: Promise<void>;

  const start = (options: { color?: boolean } = {}) => {
    let onGone: () => void;
    gone = new Promise((resolve) => (onGone = resolve));
    screen = new FakeTerminal(100, options);
    terminal = Terminal.start({
      control: node,
      input: screen.input,
      output: screen.output,
      loadConfig: async () => node.config,
      saves: file,
      historyFile: null,
      screen: screen.screen,
      onExit: (how) => {
        left.push(how);
        onGone();
      },
    });
  };

  beforeEach(() => {
    node = new FakeNode();
    node.unsavedChanges = [MADE];
    file = new FakeFile();
    left = [];
    start();
  });

  afterEach(() => {
    terminal.close();
  });

  it("shows the lines first and writes them when Enter says yes", async () => {
    await screen.answer("save\r", "write this into config.ini: yes or no");
    expect(screen.text).to.include("+ [serve.web]");
    expect(file.writes).to.equal(0);
    await screen.answer("\r", "the configuration is saved: config.ini");
    expect(file.writes).to.equal(1);
  });

  it("writes nothing when the answer is no", async () => {
    await screen.answer("save\r", "yes or no");
    await screen.answer("n\r", "cancelled");
    expect(file.writes).to.equal(0);
  });

  it("asks nothing with --yes", async () => {
    await screen.answer("save --yes\r", "is saved");
    expect(screen.text).not.to.include("yes or no");
    expect(file.writes).to.equal(1);
  });

  it("has the lines in colour where there is colour", async () => {
    terminal.close();
    start({ color: true });
    await screen.answer("save --yes\r", "is saved");
    expect(screen.raw).to.include("\u001b[32m+ [serve.web]");
  });

  it("says why nothing can be saved", async () => {
    file.failure = new VnetError("config", "nothing is written: a reason");
    await screen.answer("save\r", "nothing is written: a reason");
  });

  const says =
    "1 change is not saved: `show changes` lists it, `save` writes it";

  it("`exit` says what is not saved, and leaves at the second time", async () => {
    await screen.answer("exit\r", `${says}; \`exit\` again leaves`);
    expect(left).to.deep.equal([]);
    screen.type("exit\r");
    await gone;
    expect(left).to.deep.equal(["left"]);
  });

  it("`exit` says it again when something else was done meanwhile", async () => {
    await screen.answer("exit\r", says);
    await screen.answer("show changes\r", "+ serve web 000 → 127.0.0.1:80");
    await screen.answer("exit\r", says);
    expect(left).to.deep.equal([]);
  });

  it("Ctrl-D says it, too, gives the line back, and leaves at the second time", async () => {
    await screen.answer("\u0004", says);
    expect(left).to.deep.equal([]);
    await screen.answer("show vnets\r", "local-ssh (this node)");
    await screen.answer("\u0004", says);
    screen.type("\u0004");
    await gone;
    expect(left).to.deep.equal(["left"]);
  });

  it("Ctrl-C says it where it asks, and leaves at the second time", async () => {
    await screen.answer("\u0003", `${says}; leave? Ctrl-C again`);
    screen.type("\u0003");
    await gone;
    expect(left).to.deep.equal(["left"]);
  });

  it("leaves at once when nothing is to be saved", async () => {
    node.unsavedChanges = [];
    screen.type("exit\r");
    await gone;
    expect(left).to.deep.equal(["left"]);
  });

  it("a lost screen is not asked", async () => {
    screen.input.end();
    await gone;
    expect(left).to.deep.equal(["hung up"]);
  });
});

describe("save, in a script", () => {
  it("shows and writes at once, and an exit of it asks nobody", async () => {
    const node = new FakeNode();
    node.unsavedChanges = [MADE];
    const [out, err] = [new FakeTerminal(), new FakeTerminal()];
    const file = new FakeFile();
    file.notes = ["use x is borrowed"];
    const options = {
      control: node,
      output: out.output,
      errorOutput: err.output,
      loadConfig: async () => node.config,
      saves: file,
    };
    expect(await runCommands(["save"], options)).to.equal(0);
    expect(out.raw).to.equal(
      "+ [serve.web]\n- use x is borrowed -\nthe configuration is saved: config.ini\n",
    );
    expect(file.writes).to.equal(1);
    out.clear();
    expect(await runCommands(["show changes --json"], options)).to.equal(0);
    expect(JSON.parse(out.raw)).to.deep.equal({
      file: "config.ini",
      changes: [
        { change: "added", kind: "serve", name: "web", keys: { port: "80" } },
      ],
      notes: ["use x is borrowed"],
    });
    async function* lines() {
      yield { text: "exit" };
    }
    const { left } = await runScript({ ...options, input: lines() });
    expect(left).to.equal(true);
    expect(err.raw).to.equal("");
  });
});
