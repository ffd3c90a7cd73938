import { expect } from "chai";
import * as v from "valibot";
import * as field from "../../src/wire/fields.js";

interface Row {
  readonly schema: v.GenericSchema;
  readonly good: readonly unknown[];
  readonly bad: readonly unknown[];
}

const unprintable = [
  "a\nb",
  "a\rb",
  "\t",
  "\0",
  "\u001b[2J",
  "\u007f",
  "\u009b",
  "\u2028",
  "\u2029",
  "\ud800",
  "\udc00a",
];
/** What no name, info or type may hold, wherever it comes from. */
const hidden = [
  "a\u200bb",
  "a\u200db",
  "a\u2060b",
  "\ufeffa",
  "a\u00adb",
  "a\u202eb",
  "a\u2066b",
  "a\u{e0041}b",
  "a\u115fb",
  "a\u3164b",
  "a\uffa0b",
  "a\u2800b",
  "a\ufe0fb",
  "a\u034fb",
];
/** Two forms of what looks the same: only NFC is a name. */
const otherForms = ["e\u0301", "\u212b", "\u1112\u1161\u11ab"];
const noText = [undefined, null, 7, true, {}, ["a"], { length: 1 }];
const noNumber = [undefined, null, "7", true, {}, [], 1.5, NaN, Infinity, -1];

const ROWS: Record<string, Row> = {
  "A label": {
    schema: field.label,
    good: [
      ...["a", "my web", "远".repeat(64), "😀".repeat(64), "__proto__"],
      ...["é", "한", "👩‍💻", "❤️", "🏳️‍🌈"],
    ],
    bad: [
      ...["", " a", "a ", "a".repeat(65), "😀".repeat(65)],
      ...[unprintable, hidden, otherForms, noText].flat(),
    ],
  },
  "An optional text": {
    schema: field.optionalText,
    good: ["", "a".repeat(256), "😀".repeat(256)],
    bad: ["a".repeat(257), ...[unprintable, hidden, otherForms, noText].flat()],
  },
  "A host": {
    schema: field.host,
    good: ["127.0.0.1", "::1", "h".repeat(255)],
    bad: ["", "h".repeat(256), ...unprintable, ...hidden, ...noText],
  },
  "A reason": {
    schema: field.reason,
    good: ["", "r".repeat(1000)],
    bad: ["r".repeat(1001), ...unprintable, ...hidden, ...noText],
  },
  "A port": {
    schema: field.port,
    good: [1, 65535],
    bad: [0, 65536, 2 ** 31, ...noNumber],
  },
  "A serveid": {
    schema: field.serveid,
    good: [1, 499, 500, 999],
    bad: [0, 1000, ...noNumber],
  },
  "A wanted serveid": {
    schema: field.wantedServeid,
    good: [0, 1, 999],
    bad: [1000, ...noNumber],
  },
  "A vnetid": {
    schema: field.vnetid,
    good: [1, 100, 1_000_000],
    bad: [0, 1_000_001, ...noNumber],
  },
  "An optional vnetid": {
    schema: field.optionalVnetid,
    good: [0, 1_000_000],
    bad: [1_000_001, ...noNumber],
  },
  "A request": {
    schema: field.request,
    good: [0, Number.MAX_SAFE_INTEGER],
    bad: [Number.MAX_SAFE_INTEGER + 1, ...noNumber],
  },
  "A token": {
    schema: field.token,
    good: ["0123456789abcdef".repeat(2)],
    bad: [
      "",
      "0123456789ABCDEF".repeat(2),
      "a".repeat(31),
      "a".repeat(33),
      `${"a".repeat(32)}\n`,
      "g".repeat(32),
      ...noText,
    ],
  },
  "A flag": {
    schema: field.flag,
    good: [true, false],
    bad: [undefined, null, 0, 1, "true", "", {}],
  },
  "A version": {
    schema: field.version,
    good: [0, 1, 1_000_000],
    bad: [1_000_001, ...noNumber],
  },
};

for (const [name, { schema, good, bad }] of Object.entries(ROWS))
  describe(name, () => {
    for (const value of good)
      it(`can be ${show(value)}`, () => {
        const result = v.safeParse(schema, value);
        expect(result.success).to.equal(true);
        expect(result.output).to.equal(value);
      });

    for (const value of bad)
      it(`cannot be ${show(value)}`, () => {
        expect(v.safeParse(schema, value).success).to.equal(false);
      });
  });

function show(value: unknown): string {
  if (typeof value === "number") return String(value);
  return (JSON.stringify(value) ?? "undefined").slice(0, 60);
}
