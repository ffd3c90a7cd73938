import { stripVTControlCharacters } from "node:util";
import { expect } from "chai";
import {
  renderTable,
  type Look,
  type Table,
} from "../../src/terminal/table.js";
import { textWidth } from "../../src/terminal/text-width.js";

const table = {
  columns: ["serveid", "name", "info"],
  rows: [
    ["700", "ssh", "home"],
    ["800", "文件管理器", "files"],
  ],
};

/** The whole of it, which comes in blocks of lines. */
async function textOf(table: Table, look: Look): Promise<string> {
  const blocks: string[] = [];
  for await (const block of renderTable(table, look)) blocks.push(block);
  return blocks.join("\n");
}

describe("table", () => {
  it("aligns columns behind wide characters, without borders or colour when plain", async () => {
    const text = await textOf(table, { columns: 80, color: false });
    expect(text.split("\n")).to.deep.equal([
      "serveid  name        info",
      "700      ssh         home",
      "800      文件管理器  files",
    ]);
  });

  it("has borders of equal width when coloured", async () => {
    const lines = (await textOf(table, { columns: 80, color: true })).split(
      "\n",
    );
    expect(lines[0]).to.match(/^┌/);
    expect(new Set(lines.map(textWidth)).size).to.equal(1);
  });

  it("gives up borders before it gives up the table", async () => {
    const text = await textOf(table, { columns: 27, color: true });
    expect(text).not.to.include("│");
    expect(text.split("\n")).to.have.length(3);
  });

  it("stays a table when one cell is wide: that cell goes on below, between its words", async () => {
    const wide = {
      ...table,
      rows: [
        ["700", "ssh", "the old machine below the desk in the corner"],
        ["800", "web", ""],
      ],
    };
    const text = await textOf(wide, { columns: 40, color: false });
    expect(text.split("\n")).to.deep.equal([
      "serveid  name  info",
      "700      ssh   the old machine below the",
      "               desk in the corner",
      "800      web",
    ]);
  });

  it("puts the last column below where that takes fewer lines", async () => {
    const uses = {
      columns: ["serveid", "name", "ip", "state", "remote"],
      rows: [
        ["700", "ssh", "127.0.0.1", "listening", "ssh on home (01)"],
        [
          ...["nothing@nowhere", "none", "127.0.0.1"],
          ...["waiting: vnet nowhere does not offer nothing just now", ""],
        ],
      ],
    };
    const text = await textOf(uses, { columns: 60, color: false });
    expect(text.split("\n")).to.deep.equal([
      "serveid          name  ip         state",
      "700              ssh   127.0.0.1  listening",
      "    remote: ssh on home (01)",
      "nothing@nowhere  none  127.0.0.1  waiting: vnet nowhere does",
      "                                  not offer nothing just now",
    ]);
  });

  it("breaks a word that alone would make the table too wide, a Chinese one too", async () => {
    for (const word of ["x".repeat(64), "文".repeat(32)]) {
      const wide = { ...table, rows: [["700", word, "home"]] };
      const text = await textOf(wide, { columns: 40, color: false });
      const lines = text.split("\n");
      expect(lines[0]).to.match(/^serveid {2}name +info$/);
      expect(Math.max(...lines.map(textWidth))).to.be.at.most(40);
      expect(text.replace(/[^x文]/g, "")).to.equal(word);
    }
  });

  it("puts a long word of the last column below its row, whole, so that it can be copied", async () => {
    const fingerprint = `SHA256:${"A".repeat(43)}`;
    const nodes = {
      columns: ["vnetid", "name", "serves", "trusted", "fingerprint"],
      rows: [
        ["01", "home", "3", "yes", fingerprint],
        ["02", "office (this node)", "0", "yes", fingerprint],
      ],
    };
    const text = await textOf(nodes, { columns: 80, color: true });
    expect(stripVTControlCharacters(text).split("\n")).to.deep.equal([
      "vnetid  name                serves  trusted",
      "01      home                3       yes",
      `    fingerprint: ${fingerprint}`,
      "02      office (this node)  0       yes",
      `    fingerprint: ${fingerprint}`,
    ]);
  });

  it("becomes cards where not even that fits, and breaks their lines between words", async () => {
    const text = await textOf(
      { ...table, rows: [...table.rows, ["9", "a b", "one two three"]] },
      { columns: 16, color: false },
    );
    expect(text).to.equal(
      [
        "serveid: 700",
        "name:    ssh",
        "info:    home",
        "",
        "serveid: 800",
        "name:    文件管理器",
        "info:    files",
        "",
        "serveid: 9",
        "name:    a b",
        "info:    one two",
        "         three",
      ].join("\n"),
    );
  });

  it("writes control characters of a cell out", async () => {
    const hostile = { columns: ["name"], rows: [["a\u001b[31m\nb"]] };
    const text = await textOf(hostile, { columns: 80, color: false });
    expect(text).to.equal("name\na\\x1b[31m\\x0ab");
  });
});
