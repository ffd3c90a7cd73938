import { expect } from "chai";
import { commands } from "../../src/terminal/commands/commands.js";
import { complete } from "../../src/terminal/completion.js";
import { useSettings } from "../support/settings.js";
import { FakeNode, REMOTE_NODE } from "../support/fake-node.js";

describe("completion", () => {
  const node = new FakeNode();
  node.nodeList.push(
    { ...REMOTE_NODE, vnetid: 3, name: "my node", serves: 0 },
    { ...REMOTE_NODE, vnetid: 4, name: "bad\u001b[2J", serves: 0 },
  );
  const hits = (line: string) => complete(commands, node, line)[0];

  it("offers the first words of all commands", () => {
    expect(hits("")).to.include.members(["show", "serve", "unserve", "exit"]);
  });

  it("finishes a word that only one command has", () => {
    expect(complete(commands, node, "unser")).to.deep.equal([
      ["unserve "],
      "unser",
    ]);
  });

  it("offers second words", () => {
    expect(hits("show v")).to.deep.equal(["vnet", "vnets"]);
  });

  it("offers ids and names for a use, the names with their nodes too", () => {
    expect(hits("use run ")).to.deep.equal(["700", "ssh", "ssh@remote-ssh"]);
    expect(hits("use run 7")).to.deep.equal(["700 "]);
    expect(hits("use run ssh@")).to.deep.equal(["ssh@remote-ssh "]);
  });

  it("offers vnetids and names of nodes, quoted where needed, never hostile ones", () => {
    expect(hits("ping ")).to.include.members(["01", "remote-ssh", '"my node"']);
    expect(hits("ping ").join()).not.to.include("bad");
    expect(hits('ping "m')).to.deep.equal(['"my node" ']);
  });

  it("offers only entries that the command can change", async () => {
    const own = new FakeNode();
    const use = { serveid: 700, port: 1122 };
    await own.addUse(useSettings("ssh", use));
    await own.addUse(useSettings("later", { ...use, active: false }));
    expect(complete(commands, own, "use close s")[0]).to.deep.equal(["ssh "]);
    expect(complete(commands, own, "use open l")[0]).to.deep.equal(["later "]);
    expect(complete(commands, own, "use open s")[0]).to.deep.equal([]);
  });

  it("offers flags and stays silent on a line that is wrong already", () => {
    expect(hits("show serves --")).to.deep.equal(["--json "]);
    expect(hits("unserve 1 2 3 4 5 6 7 8 ")).to.deep.equal([]);
  });
});
