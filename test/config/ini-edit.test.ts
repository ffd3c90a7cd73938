import { expect } from "chai";
import fc from "fast-check";
import { iniText } from "../../src/config/file.js";
import {
  editIni,
  type DiffLine,
  type IniEdit,
} from "../../src/config/ini-edit.js";
import { parseIni } from "../../src/config/ini.js";
import { Problems } from "../../src/config/problem.js";
import { always, printableText } from "../support/property.js";

function read(bytes: Buffer) {
  const problems = new Problems("a.ini");
  const sections = parseIni(iniText("a.ini", bytes), problems);
  problems.throwIfAny();
  return sections;
}

function edit(file: string | Buffer, ...edits: IniEdit[]) {
  const bytes = Buffer.from(file as string);
  const edited = editIni(bytes, read(bytes), edits);
  return { ...edited, text: edited.bytes.toString() };
}

const shown = (diff: readonly DiffLine[]) =>
  diff.map(({ sign, text }) => `${sign} ${text}`.trimEnd());

describe("the editor of INI files", () => {
  const cases: [
    title: string,
    before: string,
    edits: IniEdit[],
    after: string,
  ][] = [
    [
      "changes a value and leaves blanks, comment and the rest of the file",
      "; top\r\n[a]\r\n  x  =  1   ; one\r\n\ty: 2\r\n",
      [{ kind: "set", section: "a", key: "x", value: "3" }],
      "; top\r\n[a]\r\n  x  =  3   ; one\r\n\ty: 2\r\n",
    ],
    [
      "replaces a quoted value with its quotes, and quotes what needs it",
      "[a]\nx = 'a;b' # c\n",
      [{ kind: "set", section: "a", key: "x", value: "c#d" }],
      "[a]\nx = 'c#d' # c\n",
    ],
    [
      "fills in a key without a value, and keeps its comment apart",
      "[a]\nx =;c\ny=",
      [
        { kind: "set", section: "a", key: "x", value: "1" },
        { kind: "set", section: "a", key: "y", value: "2" },
      ],
      "[a]\nx =1 ;c\ny=2",
    ],
    [
      "puts a new key behind the last one and the comment that goes on below it",
      "[a]\nx=1 ; one\n    ; and only\n; of b\n[b]\ny=1\n",
      [{ kind: "set", section: "a", key: "z", value: "2" }],
      "[a]\nx=1 ; one\n    ; and only\nz=2\n; of b\n[b]\ny=1\n",
    ],
    [
      "removes a key with its line",
      "[a]\nx = 1\ny = 2\n",
      [{ kind: "set", section: "a", key: "x", value: null }],
      "[a]\ny = 2\n",
    ],
    [
      "removes a section from its header to its last key, and leaves the comments around it",
      "[a]\nx=1\n\n; above\n[b]\n; inside\ny=1\n; below\n\n[c]\nz=1\n",
      [{ kind: "remove", section: "b" }],
      "[a]\nx=1\n\n; above\n; below\n\n[c]\nz=1\n",
    ],
    [
      "leaves one blank line where a section was, and none at the end",
      "[a]\nx=1\n\n[b]\ny=1\n\n[c]\nz=1\n\n[d]\nz=1\n",
      [
        { kind: "remove", section: "b" },
        { kind: "remove", section: "d" },
      ],
      "[a]\nx=1\n\n[c]\nz=1\n",
    ],
    [
      "appends a section written as the others are",
      "[a]\nx=1\n",
      [{ kind: "add", section: "b", pairs: [["y", "1"]] }],
      "[a]\nx=1\n\n[b]\ny=1\n",
    ],
    [
      "leaves a file without a line end at its end without one",
      "[a]\r\nx = 1",
      [{ kind: "add", section: "b", pairs: [["y", "1"]] }],
      "[a]\r\nx = 1\r\n\r\n[b]\r\ny = 1",
    ],
    [
      "keeps a byte order mark, also where the first section goes",
      "\ufeff[a]\nx=1\n[b]\ny=1\n",
      [{ kind: "remove", section: "a" }],
      "\ufeff[b]\ny=1\n",
    ],
    [
      "writes a new file",
      "",
      [
        { kind: "add", section: "a", pairs: [["x", "1"]] },
        { kind: "add", section: "b é", pairs: [["y", " "]] },
      ],
      "[a]\nx = 1\n\n[b é]\ny = ' '\n",
    ],
  ];
  for (const [title, before, edits, after] of cases)
    it(title, () => {
      expect(edit(before, ...edits).text).to.equal(after);
    });

  it("leaves comments alone that are in no UTF-8", () => {
    const gbk = Buffer.from([0xc4, 0xe3, 0xba, 0xc3, 0x5c]);
    const before = Buffer.concat([
      ...[Buffer.from("; "), gbk, Buffer.from("\n[a]\nx = 1 ; "), gbk],
      Buffer.from("\n"),
    ]);
    const { bytes } = edit(before, {
      ...{ kind: "set", section: "a", key: "x", value: "é" },
    });
    const after = Buffer.concat([
      ...[Buffer.from("; "), gbk, Buffer.from("\n[a]\nx = é ; "), gbk],
      Buffer.from("\n"),
    ]);
    expect(bytes.toString("hex")).to.equal(after.toString("hex"));
  });

  it("shows the lines that go and come, below the section that they are in", () => {
    const { diff } = edit(
      "[a]\nx=1\ny=2\n\n[b]\nz=1\n",
      { kind: "set", section: "a", key: "y", value: "3" },
      { kind: "set", section: "a", key: "w", value: "4" },
      { kind: "remove", section: "b" },
      { kind: "add", section: "c", pairs: [["z", "2"]] },
    );
    expect(shown(diff)).to.deep.equal([
      ...["  [a]", "- y=2", "+ y=3", "+ w=4", "-", "- [b]", "- z=1"],
      ...["+", "+ [c]", "+ z=2"],
    ]);
  });

  it("is back at the same bytes when what was added is removed", () => {
    for (const before of [
      "[a]\nx=1\n",
      "[a]\nx=1",
      "[a]\r\nx=1\r\n; end\r\n",
    ]) {
      const added = edit(before, {
        ...{ kind: "add", section: "b", pairs: [["y", "1"]] },
      });
      const back = edit(added.bytes, { kind: "remove", section: "b" });
      expect(back.text).to.equal(before);
    }
  });

  const names = ["a", "b", "serve.ssh", "serve.wéb b", "use.x;y"];
  const keys = ["port", "name", "active", "clé"];
  const comment = fc.oneof(
    fc.constantFrom("", " ", "\t", ";[a]", "# port=1", "   ; goes on"),
    fc
      .uint8Array({ maxLength: 12 })
      .map((bytes) =>
        Buffer.concat([
          Buffer.from(";"),
          Buffer.from(bytes.filter((byte) => byte !== 10 && byte !== 13)),
        ]).toString("latin1"),
      ),
  );
  const latin = (text: string) => Buffer.from(text).toString("latin1");
  const value = fc.oneof(
    fc.constantFrom(
      "1",
      "true",
      "''",
      "'a''b;c'",
      '"x # y"',
      "é ö",
      "",
      "a\\;b",
    ),
    fc.nat(99).map(String),
  );
  const entry = fc
    .tuple(
      fc.constantFrom("", "  ", "\t"),
      fc.constantFrom("=", " = ", ":", "\t=  "),
      value,
      fc.constantFrom("", " ; c", " # c", "  "),
    )
    .map(
      ([indent, equals, text, tail]) =>
        (key: string) =>
          latin(`${indent}${key}${equals}${text}${tail}`),
    );
  const section = fc.tuple(
    fc.uniqueArray(fc.constantFrom(...keys), { maxLength: 4 }),
    fc.array(fc.tuple(entry, fc.array(comment, { maxLength: 2 })), {
      minLength: 4,
      maxLength: 4,
    }),
    fc.array(comment, { maxLength: 3 }),
    fc.constantFrom("", " ", " ; c"),
  );
  const file = fc
    .record({
      mark: fc.constantFrom("", latin("\ufeff")),
      top: fc.array(comment, { maxLength: 3 }),
      sections: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 5 }),
      bodies: fc.array(section, { minLength: 5, maxLength: 5 }),
      ends: fc.array(fc.constantFrom("\n", "\r\n", "\r"), {
        minLength: 1,
        maxLength: 3,
      }),
      isOpen: fc.boolean(),
    })
    .map(({ mark, top, sections, bodies, ends, isOpen }) => {
      const lines = [...top];
      for (const [at, name] of sections.entries()) {
        const [own, entries, after, tail] = bodies[at]!;
        lines.push(latin(`[${name}]${tail}`));
        for (const [index, key] of own.entries())
          lines.push(entries[index]![0](key), ...entries[index]![1]);
        lines.push(...after);
      }
      const text = lines
        .map((line, at) =>
          isOpen && at === lines.length - 1
            ? line
            : line + ends[at % ends.length]!,
        )
        .join("");
      return Buffer.from(mark + text, "latin1");
    });
  const anyEdit = fc.record({
    what: fc.constantFrom("add", "remove", "set", "unset"),
    section: fc.nat(10),
    key: fc.constantFrom(...keys),
    value: fc.oneof(printableText(0, 12), fc.constantFrom("", "true", " x ")),
  });

  /** Sections, in any order, as plain data. */
  const meaning = (bytes: Buffer) =>
    new Map(
      read(bytes).map(({ name, entries }) => [
        name,
        new Map([...entries.values()].map(({ key, value }) => [key, value])),
      ]),
    );
  const linesOf = (bytes: Buffer) =>
    bytes.toString("latin1").split(/\r\n|\n|\r/);

  always(
    "makes what is wanted of any file, and keeps the bytes of all other lines and their order",
    file,
    fc.array(anyEdit, { maxLength: 6 }),
    (bytes, wishes) => {
      let wanted: ReturnType<typeof meaning>;
      try {
        wanted = meaning(bytes);
      } catch {
        return; // a comment that happens to be UTF-16, or the like
      }
      const there = [...wanted.keys()];
      const touched = new Set<string>();
      const edits: IniEdit[] = [];
      for (const { what, section: at, key, value: text } of wishes) {
        if (what === "add") {
          const name = `new.${edits.length}`;
          edits.push({ kind: "add", section: name, pairs: [[key, text]] });
          wanted.set(name, new Map([[key, text]]));
          continue;
        }
        const name = there[at % Math.max(1, there.length)];
        const own = name === undefined ? undefined : wanted.get(name);
        if (name === undefined || own === undefined) continue;
        if (what === "remove" && !touched.has(name)) {
          edits.push({ kind: "remove", section: name });
          wanted.delete(name);
        } else if (what !== "remove" && !touched.has(`${name} ${key}`)) {
          const next = what === "set" ? text : null;
          touched.add(`${name} ${key}`).add(name);
          edits.push({ kind: "set", section: name, key, value: next });
          if (next === null) own.delete(key);
          else own.set(key, next);
        }
      }
      const { bytes: edited, diff } = editIni(bytes, read(bytes), edits);
      const found = meaning(edited);
      expect([...found.keys()].sort()).to.deep.equal([...wanted.keys()].sort());
      for (const [name, own] of wanted)
        expect(Object.fromEntries(found.get(name)!)).to.deep.equal(
          Object.fromEntries(own),
        );
      // What the difference does not name is there, byte by byte and in the same order.
      const gone = diff.filter(({ sign }) => sign === "-").length;
      const come = diff.filter(({ sign }) => sign === "+").length;
      const [old, now] = [linesOf(bytes), linesOf(edited)];
      expect(common(old, now)).to.be.at.least(old.length - gone - 1);
      expect(now.length).to.be.within(
        old.length - gone + come - 1,
        old.length - gone + come + 1,
      );
      if (edits.length === 0) expect(edited.equals(bytes)).to.equal(true);
      const isEnded = (file: Buffer) => /[\r\n]$/.test(file.toString("latin1"));
      if (isEnded(bytes) && edited.length > Buffer.byteLength("\ufeff"))
        expect(isEnded(edited)).to.equal(true);
    },
  );
});

/** How many lines both have in the same order. */
function common(a: readonly string[], b: readonly string[]): number {
  let above = new Array<number>(b.length + 1).fill(0);
  for (const line of a) {
    const row = [0];
    for (const [at, other] of b.entries())
      row.push(
        line === other ? above[at]! + 1 : Math.max(above[at + 1]!, row[at]!),
      );
    above = row;
  }
  return above[b.length]!;
}
