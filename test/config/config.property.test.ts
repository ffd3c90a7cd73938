import { expect } from "chai";
import fc from "fast-check";
import { diffNodeConfig, formatChange } from "../../src/config/diff.js";
import { sectionsFromFlags, type FlagTarget } from "../../src/config/flags.js";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { encodeValue } from "../../src/config/ini-value.js";
import { parseIni } from "../../src/config/ini.js";
import type { NodeConfig } from "../../src/config/config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { Problems } from "../../src/config/problem.js";
import { SECTIONS } from "../../src/config/schema.js";
import {
  always,
  anyText,
  outcomeOf,
  printableText,
} from "../support/property.js";

const kinds = Object.keys(SECTIONS) as (keyof typeof SECTIONS)[];

/** Values that some key takes, values that look like it, and others. */
const anyValue = fc.oneof(
  fc.constantFrom(
    ...["127.0.0.1", "::1", "0.0.0.0", "true", "no", "700", "1", "0", "999"],
    ...["auto", "unix:/run/a", "exec:sh -c x", "vsock:1:2", "hvsock:/a:1"],
    ...["a@b", "b:80", "01:22", "b:::1:22", "takeover", "balance", "65536"],
    ...['"a', "'b'", '"\\u0041"', "SHA256:x", "[", "]", ";", "a.b", "a.b:80"],
  ),
  fc.nat({ max: 70_000 }).map(String),
  printableText(0, 70),
  anyText(),
);
const anyLabel = fc.oneof(
  fc.constantFrom("a", "b", "x y", "__proto__", "constructor", ""),
  printableText(1, 10),
);

/** A line of a file: nearly right, in every way. */
const anyLine = fc.oneof(
  fc.constantFrom(...kinds).chain((kind) =>
    fc.oneof(
      fc.constant(`[${kind}]`),
      anyLabel.map((label) => `[${kind}.${label}]`),
      fc
        .tuple(fc.constantFrom(...Object.keys(SECTIONS[kind].keys)), anyValue)
        .map(([key, value]) => `${key} = ${value}`),
    ),
  ),
  fc.tuple(anyText(20), anyValue).map((pair) => pair.join("=")),
  anyText(),
);

const anyFile = fc
  .array(anyLine, { maxLength: 30 })
  .map((lines) => `[route]\nip = 127.0.0.1\n${lines.join("\n")}`);

/** A file that is right, of serves and uses. */
const goodFile = fc
  .record({
    port: fc.integer({ min: 1, max: 65_535 }),
    encrypt: fc.boolean(),
    secret: fc.constantFrom("", "secret = long enough a secret\n"),
    entries: fc.uniqueArray(
      fc.record({
        kind: fc.constantFrom("serve", "use"),
        label: fc.constantFrom("a", "b", "c"),
        serveid: fc.integer({ min: 500, max: 999 }),
        port: fc.integer({ min: 1, max: 65_000 }),
        active: fc.boolean(),
      }),
      {
        selector: ({ kind, label }) => `${kind} ${label}`,
        maxLength: 6,
      },
    ),
  })
  .map(({ port, encrypt, secret, entries }) => {
    const head = `[route]\nip = 127.0.0.1\nport = ${port}\n[vnet]\nname = n\nencrypt = ${encrypt}\n${encrypt ? secret : ""}`;
    const sections = entries.map(
      ({ kind, label, serveid, port, active }, index) =>
        // Ids and ports may stand once only in a file.
        `[${kind}.${label}]\nserveid = ${500 + ((serveid + 71 * index) % 71) + 71 * index}\nport = ${port - (port % 6) + index + 1}\nactive = ${active}\n`,
    );
    return head + sections.join("");
  });

const node = (text: string) => parseNodeConfig(text, "a.ini", "host");

describe("a configuration, whatever stands in it,", () => {
  always(
    "is sections and problems",
    fc.oneof(anyText(400), anyFile),
    (text) => {
      parseIni(text, new Problems("a.ini"));
    },
  );

  always(
    "is a configuration of a node and of a hub, or problems",
    fc.oneof(anyFile, anyText(400)),
    (text) => {
      outcomeOf(() => parseHubConfig(text, "a.ini"), "config");
      const outcome = outcomeOf(() => node(text), "config");
      if (!("error" in outcome)) return;
      for (const line of outcome.error.message.split("\n"))
        expect(line).not.to.match(/[\p{Cc}\p{Cs}]/u);
    },
  );

  always("has every value that was written", printableText(0, 200), (value) => {
    const problems = new Problems("a.ini");
    const text = `[s]\nkey = ${encodeValue(value)}\nafter = 1\n`;
    const [section] = parseIni(text, problems);
    problems.throwIfAny();
    expect(section?.entries.get("key")?.value).to.equal(value);
    expect(section?.entries.get("after")?.value).to.equal("1");
  });
});

describe("the difference of two configurations, whatever they are,", () => {
  const named = (config: NodeConfig, other: NodeConfig) =>
    diffNodeConfig(config, other).map(({ kind, ...change }) => ({
      kind,
      label:
        ("serve" in change && change.serve.label) ||
        ("use" in change && change.use.label) ||
        ("after" in change && "label" in change.after && change.after.label),
      changed: "changed" in change ? change.changed : [],
    }));
  const mirrored: Record<string, string> = {
    ...{ "serve-added": "serve-removed", "serve-removed": "serve-added" },
    ...{ "use-added": "use-removed", "use-removed": "use-added" },
  };

  always("is none of one and the same", goodFile, (text) => {
    expect(diffNodeConfig(node(text), node(text))).to.deep.equal([]);
  });

  always("is the same the other way round", goodFile, goodFile, (a, b) => {
    const there = named(node(a), node(b)).map(({ kind, ...rest }) => ({
      kind: mirrored[kind] ?? kind,
      ...rest,
    }));
    const back = named(node(b), node(a));
    expect(there).to.have.deep.members(back);
    for (const { kind, changed } of back)
      if (!(kind in mirrored)) expect(changed).not.to.deep.equal([]);
  });

  always("can be told in one line each", goodFile, goodFile, (a, b) => {
    for (const change of diffNodeConfig(node(a), node(b)))
      expect(formatChange(change)).to.match(/^[^\p{Cc}]+$/u);
  });
});

describe("flags of the command line, whatever they say,", () => {
  const target: fc.Arbitrary<FlagTarget> = fc.oneof(
    fc.constantFrom<FlagTarget>(
      { section: "route", key: null },
      { section: "serve", key: null },
      { section: "use", key: null },
      { section: "public", key: null },
      { section: "vnet", key: "name" },
      { section: "route", key: "port" },
    ),
  );
  const anyWords = fc.oneof(
    anyValue,
    fc
      .array(
        fc.oneof(
          anyValue,
          fc.constantFrom("name=a", "host=b", "serveid=700", ",=", "port=1"),
        ),
        { maxLength: 4 },
      )
      .map((words) => words.join(",")),
  );

  always(
    "are a configuration, or one line that says what is wrong",
    fc.array(
      fc.record({ name: fc.constant("--flag"), target, value: anyWords }),
    ),
    anyFile,
    (flags, text) => {
      outcomeOf(
        () => {
          const sections = sectionsFromFlags(flags);
          parseHubConfig(text, "a.ini", sections);
        },
        "usage",
        "config",
      );
      outcomeOf(
        () => {
          const sections = sectionsFromFlags(flags);
          parseNodeConfig("", "a.ini", "host", sections);
        },
        "usage",
        "config",
      );
    },
  );
});
