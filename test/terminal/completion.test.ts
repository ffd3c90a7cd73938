import { mkdirSync, writeFileSync } from "node:fs";
import { join, sep } from "node:path";
import { expect } from "chai";
import { commands } from "../../src/terminal/commands/commands.js";
import { complete } from "../../src/terminal/completion.js";
import { fileNames } from "../../src/terminal/file-names.js";
import { useSettings } from "../support/settings.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { FakeNode, REMOTE_NODE, SSH } from "../support/fake-node.js";

describe("completion", () => {
  const node = new FakeNode();
  node.nodeList.push(
    { ...REMOTE_NODE, vnetid: 3, name: "my node", serves: 0 },
    { ...REMOTE_NODE, vnetid: 4, name: "bad\u001b[2J", serves: 0 },
  );
  const hits = async (line: string) =>
    (await complete(commands, node, line))[0];

  it("offers the first words of all commands", async () => {
    expect(await hits("")).to.include.members([
      "show",
      "serve",
      "unserve",
      "exit",
    ]);
  });

  it("finishes a word that only one command has", async () => {
    expect(await complete(commands, node, "unser")).to.deep.equal([
      ["unserve "],
      "unser",
    ]);
  });

  it("offers second words", async () => {
    expect(await hits("show v")).to.deep.equal(["vnet", "vnets"]);
  });

  it("offers ids and names for a use, the names with their nodes too", async () => {
    expect(await hits("use run ")).to.deep.equal([
      "700",
      "ssh",
      "ssh@remote-ssh",
    ]);
    expect(await hits("use run 7")).to.deep.equal(["700 "]);
    expect(await hits("use run ssh@")).to.deep.equal(["ssh@remote-ssh "]);
  });

  it("offers vnetids and names of nodes, quoted where needed, never hostile ones", async () => {
    expect(await hits("ping ")).to.include.members([
      "01",
      "remote-ssh",
      '"my node"',
    ]);
    expect((await hits("ping ")).join()).not.to.include("bad");
    expect(await hits('ping "m')).to.deep.equal(['"my node" ']);
  });

  it("offers only entries that the command can change", async () => {
    const own = new FakeNode();
    const use = { serveid: 700, port: 1122 };
    await own.addUse(useSettings("ssh", use));
    await own.addUse(useSettings("later", { ...use, active: false }));
    expect((await complete(commands, own, "use close s"))[0]).to.deep.equal([
      "ssh ",
    ]);
    expect((await complete(commands, own, "use open l"))[0]).to.deep.equal([
      "later ",
    ]);
    expect((await complete(commands, own, "use open s"))[0]).to.deep.equal([]);
  });

  it("finishes commands in any case", async () => {
    expect(await hits("SHO")).to.deep.equal(["show "]);
    expect(await hits("Show V")).to.deep.equal(["vnet", "vnets"]);
  });

  describe("of a file", () => {
    let folder: string;
    beforeEach(() => {
      // Windows takes either slash; one that quotes double is another matter.
      folder = makeFolder().replaceAll(sep, "/");
      for (const name of ["a.ini", "b c.ini", ".hidden"])
        writeFileSync(join(folder, name), "");
      // Windows takes no such name.
      if (process.platform !== "win32")
        writeFileSync(join(folder, "bad\u001b.ini"), "");
      mkdirSync(join(folder, "sub"));
      writeFileSync(join(folder, "sub", "deep.ini"), "");
    });
    afterEach(() => removeFolder(folder));

    it("offers the names that are there, quoted where needed, folders open, never hostile or hidden ones", async () => {
      expect(await hits(`reload ${folder}/`)).to.deep.equal([
        `"${folder}/b c.ini"`,
        `${folder}/a.ini`,
        `${folder}/sub/`,
      ]);
      expect(await hits(`reload ${folder}/.h`)).to.deep.equal([
        `${folder}/.hidden `,
      ]);
    });

    it("finishes a file, and goes on in a folder", async () => {
      expect(await hits(`reload ${folder}/a`)).to.deep.equal([
        `${folder}/a.ini `,
      ]);
      expect(await hits(`reload ${folder}/s`)).to.deep.equal([
        `${folder}/sub/`,
      ]);
      expect(await hits(`reload "${folder}/s`)).to.deep.equal([
        `"${folder}/sub/`,
      ]);
      expect(await hits(`reload ${folder}/sub/`)).to.deep.equal([
        `${folder}/sub/deep.ini `,
      ]);
    });

    it("takes a backslash for the end of a folder where it is one", async () => {
      // A folder of this name is here what the folder `win` is on Windows.
      mkdirSync(join(folder, "win\\"));
      writeFileSync(join(folder, "win\\", "my.ini"), "");
      const typed = join(folder, "win\\m");
      expect(await fileNames(typed, true)).to.deep.equal([
        join(folder, "win\\my.ini"),
      ]);
      expect(await fileNames(typed, false)).to.deep.equal([]);
    });

    it("offers nothing where there is no such folder", async () => {
      expect(await hits(`reload ${folder}/none/`)).to.deep.equal([]);
    });
  });

  it("offers all of many, in order", async () => {
    node.remoteList = Array.from({ length: 1_000 }, (_, at) => ({
      ...SSH,
      serveid: at + 1,
      name: `service-${at}`,
    }));
    const all = await hits("use run ");
    expect(all).to.have.length(3 * 1_000);
    expect(all[0]).to.equal("001");
    expect(await hits("use run service-99")).to.have.length(22);
    expect(await hits("use run service-999@")).to.deep.equal([
      "service-999@remote-ssh ",
    ]);
  });

  it("goes on behind a backslash, in quotes and without", async () => {
    const label = String.raw`C:\my use`;
    await node.addUse(useSettings(label, { serveid: 700, port: 80 }));
    for (const typed of ['"C:', '"C:\\', '"C:\\my', "C:\\m"])
      expect(await hits(`use delete ${typed}`), typed).to.deep.equal([
        `"${label}" `,
      ]);
  });

  it("offers flags and stays silent on a line that is wrong already", async () => {
    expect(await hits("show serves --")).to.deep.equal(["--json", "--limit"]);
    expect(await hits("show vnet --")).to.deep.equal(["--json "]);
    expect(await hits("unserve 1 2 3 4 5 6 7 8 ")).to.deep.equal([]);
  });
});
