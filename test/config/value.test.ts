import { expect } from "chai";
import {
  BOOLEAN,
  DIAL_HOST,
  HOST,
  HOST_HEADER,
  HUB_HOST,
  LISTEN_HOST,
  INFO,
  FINGERPRINT,
  FINGERPRINTS,
  LABEL,
  PORT,
  SECRET,
  SECRET_OR_AUTO,
  SERVE_SERVEID,
  canListenOn,
  fitLabel,
} from "../../src/config/value.js";
import type { ValueKind } from "../../src/config/value.js";

interface Row {
  readonly name: string;
  readonly kind: ValueKind<unknown>;
  readonly good: readonly (readonly [text: string, value: unknown])[];
  readonly bad: readonly string[];
}

const longName = `${"a".repeat(63)}.`.repeat(4);

const KEY = `SHA256:${"aB3+/".repeat(8)}xyz`;
const OTHER_KEY = `SHA256:${"A".repeat(43)}`;

const ROWS: readonly Row[] = [
  {
    name: "A Host header",
    kind: HOST_HEADER,
    good: [
      ["internal.example", "internal.example"],
      ["internal.example:8080", "internal.example:8080"],
      ["192.0.2.1:80", "192.0.2.1:80"],
      ["[::1]", "[::1]"],
      ["[2001:db8::1]:8080", "[2001:db8::1]:8080"],
    ],
    bad: [
      ...["", ":", "a:", ":80", "a:0", "a:65536", "a:b", "a:1:2", "::1"],
      ...["[::1", "[::1]x", "[fe80::1%eth0]", "http://a", "a b", "a\r\nb: c"],
      ...["bücher.example", "a/b", "[a]", longName],
    ],
  },
  {
    name: "A fingerprint",
    kind: FINGERPRINT,
    good: [[KEY, KEY]],
    bad: ["", "SHA256:", KEY.slice(1), `${KEY}=`, KEY.slice(0, -1), ` ${KEY}`],
  },
  {
    name: "A list of fingerprints",
    kind: FINGERPRINTS,
    good: [
      [KEY, KEY],
      [`${KEY},${OTHER_KEY}`, `${KEY} ${OTHER_KEY}`],
      [` ${KEY} ,\t${OTHER_KEY}, `, `${KEY} ${OTHER_KEY}`],
    ],
    bad: ["", ",", "all", `${KEY};${OTHER_KEY}`, `${KEY} `.repeat(101)],
  },
  {
    name: "A secret",
    kind: SECRET,
    good: [
      ["8 signs!", "8 signs!"],
      ["x".repeat(256), "x".repeat(256)],
      ["ünicode-", "ünicode-"],
    ],
    bad: ["", "auto", "seven77", "x".repeat(257), "a\u0000bcdefgh"],
  },
  {
    name: "A secret that the hub may make",
    kind: SECRET_OR_AUTO,
    good: [
      ["auto", "auto"],
      ["8 signs!", "8 signs!"],
    ],
    bad: ["", "AUTO", "seven77"],
  },
  {
    name: "What can be dialled",
    kind: DIAL_HOST,
    good: [
      ["example.org", "example.org"],
      ["[::1]", "::1"],
      ["unix:/run/db.sock", "unix:/run/db.sock"],
      ["exec:ssh -W a:22 b", "exec:ssh -W a:22 b"],
      ["vsock:3:22", "vsock:3:22"],
      ["hvsock:/run/vm.sock:22", "hvsock:/run/vm.sock:22"],
    ],
    bad: ["", "unix:", "unix:x", "exec:", "vsock:3", "tcp:a:1", "UNIX:/run/x"],
  },
  {
    name: "What a use listens on",
    kind: LISTEN_HOST,
    good: [
      ["127.0.0.1", "127.0.0.1"],
      ["unix:/run/db.sock", "unix:/run/db.sock"],
    ],
    bad: ["unix:x", "exec:cat", "vsock:3:22", "hvsock:/run/vm.sock:22"],
  },
  {
    name: "The way to a hub",
    kind: HUB_HOST,
    good: [
      ["0.0.0.0", "0.0.0.0"],
      ["unix:/run/hub.sock", "unix:/run/hub.sock"],
      ["exec:ssh -W hub:7749 b", "exec:ssh -W hub:7749 b"],
      ["hvsock:/run/vm.sock:22", "hvsock:/run/vm.sock:22"],
    ],
    bad: ["", "exec:", "hvsock:/run/vm.sock"],
  },
  {
    name: "A host",
    kind: HOST,
    good: [
      ["127.0.0.1", "127.0.0.1"],
      ["255.255.255.255", "255.255.255.255"],
      ["::", "::"],
      ["2001:db8::1", "2001:db8::1"],
      ["[2001:DB8::1]", "2001:DB8::1"],
      ["::ffff:127.0.0.1", "::ffff:127.0.0.1"],
      ["fe80::1%eth0", "fe80::1%eth0"],
      ["localhost", "localhost"],
      ["my_host-1.example.com.", "my_host-1.example.com."],
      ["3com.example", "3com.example"],
      ["例子.测试", "例子.测试"],
    ],
    bad: [
      "",
      "127.0.0.1:80",
      "127.0.0",
      "256.1.1.1",
      "127.0.0.01",
      "0x7f.1",
      "7749",
      "１２７.0.0.1",
      "[::1",
      "[::1]:80",
      "[127.0.0.1]",
      "[localhost]",
      "::1::",
      "1:2:3:4:5:6:7:8:9",
      ":::",
      "fe80::1%",
      "fe80::1%a/b",
      "tcp://localhost",
      "user@host",
      "a b",
      "a..b",
      ".",
      "-a",
      "a-",
      "*",
      `${"a".repeat(64)}.com`,
      longName,
      "a".repeat(100_000),
    ],
  },
  {
    name: "A port",
    kind: PORT,
    good: [
      ["1", 1],
      ["65535", 65535],
      ["0080", 80],
    ],
    bad: "0,65536,-1,+1,1.0,1e3,0x50,٣,８０,, 80,80a,ssh,99999999999999999999"
      .split(",")
      .concat("1".repeat(100_000)),
  },
  {
    name: "A serveid",
    kind: SERVE_SERVEID,
    good: [
      ["0", 0],
      ["000", 0],
      ["7", 7],
      ["007", 7],
      ["999", 999],
    ],
    bad: ["1000", "-1", "7a", ""],
  },
  {
    name: "A boolean",
    kind: BOOLEAN,
    good: [
      ["true", true],
      ["True", true],
      ["YES", true],
      ["on", true],
      ["1", true],
      ["false", false],
      ["no", false],
      ["Off", false],
      ["0", false],
    ],
    bad: ["", "2", "ture", "t", "是", "__proto__"],
  },
  {
    name: "A label",
    kind: LABEL,
    good: [
      ["a", "a"],
      ["my web", "my web"],
      ["远".repeat(64), "远".repeat(64)],
      ["😀".repeat(64), "😀".repeat(64)],
      ["👩‍💻", "👩‍💻"],
      ["❤️", "❤️"],
      ["e\u0301", "é"],
      ["\u1112\u1161\u11ab", "한"],
    ],
    bad: [
      "",
      " a",
      "a ",
      "a\tb",
      "a\nb",
      "a\u001b[0m",
      "a\u009bm",
      "a\u202eb",
      "a\u200bb",
      "a\u200db",
      "a\u3164b",
      "a\u{e0041}b",
      "a\ufe0fb",
      "a\u2800b",
      "\ud800",
      "a\u2028b",
      "远".repeat(65),
      "a".repeat(100_000),
    ],
  },
  {
    name: "An info",
    kind: INFO,
    good: [
      ["", ""],
      [" a ", " a "],
      ["e\u0301", "é"],
      ["远".repeat(256), "远".repeat(256)],
    ],
    bad: ["a\nb", "\u001b", "a\u3164b", "a\u200db", "a".repeat(257)],
  },
];

for (const { name, kind, good, bad } of ROWS)
  describe(name, () => {
    for (const [text, value] of good)
      it(`can be ${JSON.stringify(text)}`, () => {
        expect(kind.parse(text)).to.equal(value);
      });

    for (const text of bad)
      it(`cannot be ${JSON.stringify(text).slice(0, 60)}`, () => {
        expect(kind.parse(text)).to.equal(undefined);
      });
  });

describe("fitLabel", () => {
  it("makes a label of any host name", () => {
    expect(fitLabel("my-laptop", "x")).to.equal("my-laptop");
    expect(fitLabel(" a\u0000b\n ", "x")).to.equal("ab");
    expect(fitLabel("😀".repeat(100), "x")).to.equal("😀".repeat(64));
    expect(fitLabel(`${"a".repeat(63)} b`, "x")).to.equal("a".repeat(63));
    expect(fitLabel("e\u0301", "x")).to.equal("é");
    expect(fitLabel(`${"a".repeat(62)}👩‍💻`, "x")).to.equal(
      `${"a".repeat(62)}👩`,
    );
  });

  it("takes the other text when nothing is left", () => {
    for (const text of ["", "   ", "\u0000\u202e"])
      expect(fitLabel(text, "vnet")).to.equal("vnet");
  });
});

describe("What cannot be dialled or listened on", () => {
  it("has a reason of its own where it is a link", () => {
    expect(DIAL_HOST.whyNot?.("unix:run/x")).to.include("must be absolute");
    expect(DIAL_HOST.whyNot?.("not a host")).to.equal(null);
    expect(LISTEN_HOST.whyNot?.("exec:cat")).to.include("nothing can listen");
    expect(LISTEN_HOST.whyNot?.("exec:./cat")).to.include("absolute path");
  });

  it("is shown without the arguments of a program", () => {
    expect(DIAL_HOST.shown?.("exec:ssh 'open secret")).to.equal("exec:ssh");
    expect(DIAL_HOST.shown?.("a b")).to.equal("a b");
  });
});

describe("canListenOn", () => {
  for (const host of ["::", "example.org", "unix:/run/x", "hvsock:/run/x:1"])
    it(`holds for ${host}`, () => {
      expect(canListenOn(host)).to.equal(true);
    });
  for (const host of ["exec:cat", "vsock:3:22", "unix:x", "hvsock:/run/x"])
    it(`does not hold for ${host}`, () => {
      expect(canListenOn(host)).to.equal(false);
    });
});
