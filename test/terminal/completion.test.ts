import { expect } from "chai";
import { commands } from "../../src/terminal/commands/commands.js";
import { complete } from "../../src/terminal/completion.js";
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

  it("offers serveids for a use", () => {
    expect(hits("use run ")).to.deep.equal(["700 "]);
  });

  it("offers vnetids and names of nodes, quoted where needed, never hostile ones", () => {
    expect(hits("ping ")).to.include.members(["01", "remote-ssh", '"my node"']);
    expect(hits("ping ").join()).not.to.include("bad");
    expect(hits('ping "m')).to.deep.equal(['"my node" ']);
  });

  it("offers only entries that the command can change", async () => {
    const own = new FakeNode();
    const use = { serveid: 700, ip: "127.0.0.1", port: 1122 };
    await own.addUse({ ...use, label: "ssh", active: true });
    await own.addUse({ ...use, label: "later", active: false });
    expect(complete(commands, own, "use close s")[0]).to.deep.equal(["ssh "]);
    expect(complete(commands, own, "use open l")[0]).to.deep.equal(["later "]);
    expect(complete(commands, own, "use open s")[0]).to.deep.equal([]);
  });

  it("offers flags and stays silent on a line that is wrong already", () => {
    expect(hits("show serves --")).to.deep.equal(["--json "]);
    expect(hits("unserve 1 2 3 4 5 6 7 8 ")).to.deep.equal([]);
  });
});
