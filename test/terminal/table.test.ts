import { expect } from "chai";
import { renderTable } from "../../src/terminal/table.js";
import { textWidth } from "../../src/terminal/text-width.js";

const table = {
  columns: ["serveid", "name", "info"],
  rows: [
    ["700", "ssh", "home"],
    ["800", "文件管理器", "files"],
  ],
};

describe("table", () => {
  it("aligns columns behind wide characters, without borders or colour when plain", () => {
    const text = renderTable(table, { columns: 80, color: false });
    expect(text.split("\n")).to.deep.equal([
      "serveid  name        info",
      "700      ssh         home",
      "800      文件管理器  files",
    ]);
  });

  it("has borders of equal width when coloured", () => {
    const lines = renderTable(table, { columns: 80, color: true }).split("\n");
    expect(lines[0]).to.match(/^┌/);
    expect(new Set(lines.map(textWidth)).size).to.equal(1);
  });

  it("gives up borders before it gives up the table", () => {
    const text = renderTable(table, { columns: 27, color: true });
    expect(text).not.to.include("│");
    expect(text.split("\n")).to.have.length(3);
  });

  it("becomes cards in a narrow window and never breaks a line", () => {
    const text = renderTable(table, { columns: 20, color: false });
    expect(text).to.equal(
      "serveid: 700\nname:    ssh\ninfo:    home\n\nserveid: 800\nname:    文件管理器\ninfo:    files",
    );
  });

  it("writes control characters of a cell out", () => {
    const hostile = { columns: ["name"], rows: [["a\u001b[31m\nb"]] };
    const text = renderTable(hostile, { columns: 80, color: false });
    expect(text).to.equal("name\na\\x1b[31m\\x0ab");
  });
});
