import { expect } from "chai";
import {
  describeLink,
  isLink,
  linkProblem,
  parseLink,
  type Link,
} from "../../src/config/link.js";
import { VnetError } from "../../src/errors.js";

const longPath = `/${"a".repeat(106)}`;

describe("A link", () => {
  const good: [text: string, link: Link][] = [
    ["unix:/run/db.sock", { scheme: "unix", path: "/run/db.sock" }],
    ["unix:/with a space", { scheme: "unix", path: "/with a space" }],
    [`unix:${longPath}`, { scheme: "unix", path: longPath }],
    ["unix:\\\\.\\pipe\\vnet", { scheme: "unix", path: "\\\\.\\pipe\\vnet" }],
    ["exec:cat", { scheme: "exec", program: "cat", args: [] }],
    [
      "exec:ssh -W  10.0.0.1:22\tjump",
      { scheme: "exec", program: "ssh", args: ["-W", "10.0.0.1:22", "jump"] },
    ],
    [
      `exec: "/opt/my prog" a" b "c 'it "is"' "" $HOME;x \\n`,
      {
        scheme: "exec",
        program: "/opt/my prog",
        args: ["a b c", 'it "is"', "", "$HOME;x", "\\n"],
      },
    ],
    [
      "exec:C:\\bin\\x.exe /a",
      { scheme: "exec", program: "C:\\bin\\x.exe", args: ["/a"] },
    ],
    ["vsock:3:22", { scheme: "vsock", cid: 3, port: 22 }],
    ["vsock:0:4294967294", { scheme: "vsock", cid: 0, port: 4_294_967_294 }],
    ["hvsock:/run/v:1:22", { scheme: "hvsock", path: "/run/v:1", port: 22 }],
  ];
  for (const [text, link] of good)
    it(`is read from ${JSON.stringify(text)}`, () => {
      expect(parseLink(text)).to.deep.equal(link);
      expect(isLink(text)).to.equal(true);
      expect(linkProblem(text)).to.equal(null);
    });

  for (const text of [
    "",
    "unix",
    "127.0.0.1",
    "::1",
    "a.b",
    "tcp:a:1",
    " exec:x",
  ])
    it(`is not what ${JSON.stringify(text)} is`, () => {
      expect(parseLink(text)).to.equal(null);
      expect(isLink(text)).to.equal(false);
      expect(describeLink(text)).to.equal(text);
    });

  const bad: [text: string, problem: RegExp][] = [
    ["unix:", /must be absolute/],
    ["unix:run/x", /must be absolute.*unix:\/PATH/],
    ["unix: /run/x", /must be absolute/],
    ["unix:@abstract", /must be absolute/],
    ["unix:/", /a folder/],
    ["unix:/run/", /a folder/],
    ["unix:/run/..", /a folder/],
    [`unix:${longPath}a`, /108 bytes.*at most 107/],
    [`unix:/${"ü".repeat(54)}`, /109 bytes/],
    ["unix:/a\0b", /cannot be shown/],
    ["exec:C:\\Program Files\\x\\y.exe -z", /must stand in quotes/],
    ["exec:C:\\Our tools\\y.exe", /must stand in quotes/],
    ["unix:/a\nb", /cannot be shown/],
    ["unix:/a\tb", /cannot be shown/],
    ["unix:/a\ud800", /cannot be shown/],
    ["unix:\\\\.\\pipe\\", /must be absolute/],
    ["exec:", /without a program/],
    ["exec:   ", /without a program/],
    ['exec:"" x', /without a program/],
    ["exec:./here", /absolute path/],
    ["exec:bin/here x", /absolute path/],
    ["exec:/usr/bin/ x", /a folder/],
    [`exec:a "b`, /without a closing "/],
    [`exec:a 'b"`, /without a closing '/],
    ["exec:a\0b", /cannot be shown/],
    ["exec:a\nb", /cannot be shown/],
    [`exec:${"x".repeat(1_000)}`, /longer than 1000/],
    ["vsock:", /vsock:CID:PORT/],
    ["vsock:3", /vsock:CID:PORT/],
    ["vsock:3:22:1", /vsock:CID:PORT/],
    ["vsock:3:", /vsock:CID:PORT/],
    ["vsock::22", /CID.* must be 0–4294967294/],
    ["vsock:4294967295:22", /CID.* must be/],
    ["vsock:3:0", /port.* must be 1–/],
    ["vsock:3:1e3", /port.* must be/],
    ["vsock:3:99999999999", /port.* must be/],
    ["vsock:-1:22", /CID.* must be/],
    ["hvsock:/run/x", /without a port|must be/],
    ["hvsock:/run/x:", /port.* must be/],
    ["hvsock:run/x:22", /must be absolute/],
    ["hvsock:/run/x:4294967296", /port.* must be/],
    [`hvsock:${longPath}a:22`, /108 bytes/],
  ];
  for (const [text, problem] of bad)
    it(`is refused as ${JSON.stringify(text).slice(0, 60)}, with the reason`, () => {
      expect(() => parseLink(text))
        .to.throw(VnetError, problem)
        .with.property("code", "config");
      expect(linkProblem(text)).to.match(problem);
      expect(isLink(text)).to.equal(true);
      expect(() => describeLink(text)).not.to.throw();
    });
});

describe("What is shown of a link", () => {
  const rows: [string, string][] = [
    ["unix:/run/db.sock", "unix:/run/db.sock"],
    ["vsock:3:22", "vsock:3:22"],
    ["hvsock:/run/v:22", "hvsock:/run/v:22"],
    ["exec:ssh -i key host", "exec:ssh"],
    ["exec:/usr/bin/env TOKEN=word prog", "exec:env"],
    [`exec:"/opt/a" secret`, "exec:a"],
    [`exec:"ssh -p secret/word"`, "exec:ssh"],
    [`exec:'ssh secret`, "exec:ssh"],
    ["exec:C:\\bin\\x.exe secret", "exec:x.exe"],
    [`exec:"C:\\Program Files\\x\\y.exe" secret`, "exec:y.exe"],
    [`exec:"C:\\Program Files\\x\\y.exe secret\\z.exe"`, "exec:y.exe"],
    [`exec:'\\\\host\\our share\\Y.CMD'`, "exec:Y.CMD"],
    [`exec:"C:\\Program Files\\y -k secret.exe"`, "exec:Program"],
    [`exec:"C:\\Our tools\\y secret.exe"`, "exec:y"],
    ["exec:", "exec:"],
    [`exec:${"x".repeat(900)}`, `exec:${"x".repeat(64)}…`],
  ];
  for (const [text, shown] of rows)
    it(`is ${shown.slice(0, 30)} for ${text.slice(0, 40)}`, () => {
      expect(describeLink(text)).to.equal(shown);
      // What another node told is described once more here.
      expect(describeLink(shown).length).to.be.at.most(shown.length);
    });
});
