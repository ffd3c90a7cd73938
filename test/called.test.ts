import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { callOf, trustCall, type Call } from "../src/called.js";
import { skip } from "./support/find-program.js";
import { makeFolder, removeFolder } from "./support/folder.js";

const HERE: Call = {
  script: "/home/me/vnet/vnet",
  cwd: "/home/me/vnet",
  path: "/usr/local/bin:/usr/bin",
  byNode: false,
  hasCmd: false,
};

describe("how a program was called", () => {
  const calls: [what: string, call: Partial<Call>, expected: string][] = [
    ["in its folder", {}, "./vnet"],
    ["in a folder above", { cwd: "/home/me" }, "./vnet/vnet"],
    ["in a folder beside", { cwd: "/home/me/lan" }, "../vnet/vnet"],
    ["far away", { cwd: "/etc/vnet" }, "/home/me/vnet/vnet"],
    [
      "from a folder of PATH",
      { path: "/usr/bin:/home/me/vnet", cwd: "/etc" },
      "vnet",
    ],
    [
      "by npx",
      { script: "/home/me/.npm/_npx/1a/node_modules/.bin/vnet" },
      "npx vnet",
    ],
    ["by node", { byNode: true }, "node vnet"],
    [
      "by node from afar",
      { byNode: true, cwd: "/etc" },
      "node /home/me/vnet/vnet",
    ],
    ["by cmd", { byNode: true, hasCmd: true }, "./vnet"],
    [
      "by cmd in a folder with a space in its name",
      { script: "/srv/our lan/vnet", cwd: "/", byNode: true, hasCmd: true },
      'node "/srv/our lan/vnet"',
    ],
    [
      "under another name",
      { script: "/home/me/vnet/lan", path: "/home/me/vnet" },
      "lan",
    ],
    [
      "in a folder whose name a shell would take apart",
      { script: "/srv/our lan's/vnet", cwd: "/" },
      "'/srv/our lan'\\''s/vnet'",
    ],
  ];
  for (const [what, call, expected] of calls)
    it(`is ${expected} ${what}`, function () {
      if (process.platform === "win32")
        skip(this, "needs paths as Unix has them");
      expect(callOf("vnet", { ...HERE, ...call })).to.equal(expected);
    });

  const trusts: [file: string | null, state: string | null, words: string][] = [
    ["config.ini", null, ""],
    ["o5.ini", null, " o5.ini"],
    [null, null, " --state /var/keys"],
    [null, "keys", " --state keys"],
    ["config.ini", "keys", " --state keys"],
    ["o5.ini", "keys", " o5.ini --state keys"],
  ];
  for (const [file, state, words] of trusts)
    it(`names what a key is accepted for, of file ${file} and state ${state}`, () => {
      const call = trustCall("./vnet", { file, state }, "/var/keys");
      expect(call("db")).to.equal(`./vnet trust db${words}`);
    });

  it("keeps a name of several words together for a shell", function () {
    if (process.platform === "win32") skip(this, "needs the quotes of sh");
    const call = trustCall("vnet", { file: "a b.ini", state: null }, "/keys");
    expect(call("help unserve")).to.equal(
      "vnet trust 'help unserve' 'a b.ini'",
    );
  });

  it("tells of the other program beside it, too", function () {
    if (process.platform === "win32")
      skip(this, "needs paths as Unix has them");
    expect(callOf("route", { ...HERE, cwd: "/home/me" })).to.equal(
      "./vnet/route",
    );
  });

  it("knows a folder of PATH by another name", function () {
    if (process.platform === "win32")
      skip(this, "needs paths as Unix has them");
    const folder = makeFolder();
    try {
      mkdirSync(join(folder, "real"));
      writeFileSync(join(folder, "real", "vnet"), "");
      symlinkSync(join(folder, "real"), join(folder, "bin"));
      const script = join(folder, "real", "vnet");
      const path = join(folder, "bin");
      expect(callOf("vnet", { ...HERE, script, path })).to.equal("vnet");
    } finally {
      removeFolder(folder);
    }
  });
});
