import { expect } from "chai";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { diffNodeConfig } from "../../src/config/diff.js";
import { planEdits, type EntryChange } from "../../src/config/unsaved.js";
import { outcomeOf } from "../support/property.js";

const HEAD = "[route]\nip=127.0.0.1\n";
const parse = (text: string) => parseNodeConfig(HEAD + text, "a.ini", "me");
const changes = (before: string, after: string) =>
  diffNodeConfig(parse(before), parse(after)) as EntryChange[];
const plan = (before: string, after: string, file: string) =>
  planEdits(changes(before, after), parse(file));

const refusalOf = (act: () => unknown): string => {
  const outcome = outcomeOf(act, "usage");
  if ("value" in outcome) throw new Error("it is not refused");
  return outcome.error.message;
};

const WEB = "[serve.web]\nport=80\n";
const DB = "[use.db]\nserve=mysql@home\nport=3306\n";

describe("what is to be written of what a terminal changed", () => {
  it("is a section of the keys that are not as they would be without, in their usual order", () => {
    const made =
      "[serve.web]\nname=wiki\nip=10.0.0.1\nport=80\nserveid=7\ninfo=a;b\nactive=no\n" +
      DB;
    expect(plan("", made, "").edits).to.deep.equal([
      {
        ...{ kind: "add", section: "serve.web" },
        pairs: [
          ["serveid", "007"],
          ["ip", "10.0.0.1"],
          ["port", "80"],
          ["name", "wiki"],
          ["info", "a"],
          ["active", "false"],
        ],
      },
      {
        ...{ kind: "add", section: "use.db" },
        pairs: [
          ["serve", "mysql@home"],
          ["port", "3306"],
        ],
      },
    ]);
  });

  it("is one key where an entry was opened or closed, and a section that goes where it was deleted", () => {
    const before = WEB + DB;
    const after = `${WEB}active=false\n`;
    const file = `[serve.new]\nport=1\n${before}`;
    const { edits, after: says } = plan(before, after, file);
    expect(edits).to.deep.equal([
      {
        ...{ kind: "set", section: "serve.web" },
        ...{ key: "active", value: "false" },
      },
      { kind: "remove", section: "use.db" },
    ]);
    expect(
      diffNodeConfig(says, parse(`[serve.new]\nport=1\n${after}`)),
    ).to.deep.equal([]);
  });

  it("says true where the file has a false of its own", () => {
    const { edits } = plan(`${WEB}active=no\n`, WEB, `${WEB}active=no\n`);
    expect(edits).to.deep.equal([
      {
        ...{ kind: "set", section: "serve.web" },
        ...{ key: "active", value: "true" },
      },
    ]);
  });

  it("is nothing where the file says it by now", () => {
    expect(plan("", WEB, WEB).edits).to.deep.equal([]);
    expect(plan(WEB, "", "").edits).to.deep.equal([]);
    const closed = `${WEB}active=false\n`;
    expect(plan(WEB, closed, closed).edits).to.deep.equal([]);
  });

  it("keeps what else was changed in the same section of the file", () => {
    const file = `${WEB}info=new\n`;
    const { edits, after } = plan(WEB, `${WEB}active=false\n`, file);
    expect(edits.length).to.equal(1);
    expect(after.serves[0]).to.include({ info: "new", active: false });
  });

  const clashes: [
    title: string,
    before: string,
    after: string,
    file: string,
    says: RegExp,
  ][] = [
    [
      "another section of that name in the file",
      ...(["", WEB, "[serve.web]\nport=81\n"] as const),
      /serve web is in the file by now, and differs in port/,
    ],
    [
      "a section that is to go and was changed in the file",
      ...([WEB, "", `${WEB}info=x\n`] as const),
      /serve web is to be deleted, but was changed .*\(info\); `reload`/,
    ],
    [
      "a key that both changed",
      ...([
        "[use.a]\nserveid=1\nport=1\n",
        "[use.a]\nserveid=1\nport=2\n",
        "[use.a]\nserveid=1\nport=3\n",
      ] as const),
      /use a was changed in the file meanwhile, too \(port\); `reload`/,
    ],
    [
      "a section that the file has no more",
      ...([WEB, `${WEB}active=false\n`, ""] as const),
      /serve web is not in the file any more; `reload`/,
    ],
  ];
  for (const [title, before, after, file, says] of clashes)
    it(`is refused for ${title}`, () => {
      const refusal = refusalOf(() => plan(before, after, file));
      expect(refusal)
        .to.match(/^nothing is written: /)
        .and.match(says);
    });

  it("is refused for a name that cannot stand between brackets", () => {
    const [change] = changes("", WEB);
    if (change?.kind !== "serve-added") throw new Error("no serve");
    const serve = { ...change.serve, label: "a]b" };
    const refusal = refusalOf(() =>
      planEdits([{ kind: "serve-added", serve }], parse("")),
    );
    expect(refusal).to.include("serve a]b cannot be a section");
  });
});
