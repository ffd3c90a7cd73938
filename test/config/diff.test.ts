import { expect } from "chai";
import type { NodeConfig } from "../../src/config/config.js";
import { diffNodeConfig, formatChange } from "../../src/config/diff.js";
import { parseNodeConfig } from "../../src/config/node-config.js";

const FINGERPRINT = `SHA256:${"A".repeat(43)}`;

function config(text: string, route = "ip=hub.example"): NodeConfig {
  return parseNodeConfig(`[route]\n${route}\n${text}`, "n.ini", "laptop");
}

function lines(before: NodeConfig, after: NodeConfig): string[] {
  return diffNodeConfig(before, after).map(formatChange);
}

describe("diffNodeConfig", () => {
  const text =
    "[serve.a]\nport=1\nserveid=700\n[serve.b]\nport=2\n[use.c]\nserveid=1\n";

  it("finds nothing between equal configurations, in whatever order", () => {
    const turned =
      "[use.c]\nserveid=1\n[serve.b]\nport=2\n[serve.a]\nport=1\nserveid=700\n";
    expect(diffNodeConfig(config(text), config(text))).to.deep.equal([]);
    expect(diffNodeConfig(config(text), config(turned))).to.deep.equal([]);
  });

  it("does not compare warnings", () => {
    const before = config(text);
    const after = { ...config(text), warnings: ["something"] };
    expect(diffNodeConfig(before, after)).to.deep.equal([]);
  });

  it("matches entries by label and names the keys that differ", () => {
    const before = config(text);
    const after = config(
      "[serve.a]\nport=9\nserveid=700\ninfo=x\n[serve.d]\nport=2\n[use.c]\nserveid=1\n",
    );
    expect(diffNodeConfig(before, after)).to.deep.equal([
      { kind: "serve-removed", serve: before.serves[1] },
      {
        kind: "serve-changed",
        before: before.serves[0],
        after: after.serves[0],
        changed: ["port", "info"],
      },
      { kind: "serve-added", serve: after.serves[1] },
    ]);
  });

  it("orders route, vnet, serves, uses; in each removed, changed, added", () => {
    const before = config(
      "[serve.a]\nport=1\n[serve.b]\nport=1\n[use.a]\nserveid=1\n[use.b]\nserveid=2",
    );
    const after = config(
      "[vnet]\ngroup=g\n[use.c]\nserveid=1\n[use.b]\nserveid=3\n[serve.c]\nport=1\n[serve.b]\nport=2",
      "ip=hub.example\nport=1",
    );
    expect(
      diffNodeConfig(before, after).map((change) => change.kind),
    ).to.deep.equal([
      "route",
      "vnet",
      "serve-removed",
      "serve-changed",
      "serve-added",
      "use-removed",
      "use-changed",
      "use-added",
    ]);
  });

  it("names keys of [vnet] as they are written in the file", () => {
    const after = config(
      "[vnet]\nname=x\nallow_unserve=1\nunserve_remote=1\nunserve_num=2\nunserve_ttl=1\nunserve_linger=1",
    );
    const [change] = diffNodeConfig(config(""), after);
    expect(change)
      .to.have.property("changed")
      .that.deep.equals([
        "name",
        "allow_unserve",
        "unserve_remote",
        "unserve_num",
        "unserve_ttl",
        "unserve_linger",
      ]);
  });

  it("finds changed keys, and whom a serve is for", () => {
    const before = config("[vnet]\nencrypt=1\n[serve.a]\nport=1");
    const after = config(
      `[vnet]\nsecret=long enough\nencrypt=0\n[serve.a]\nport=1\nallow=${FINGERPRINT}`,
      `ip=hub.example\nauthkey=long enough\nfingerprint=${FINGERPRINT}`,
    );
    expect(
      diffNodeConfig(before, after).map((change) =>
        "changed" in change ? change.changed : [],
      ),
    ).to.deep.equal([
      ["authkey", "fingerprint"],
      ["secret", "encrypt"],
      ["allow"],
    ]);
  });

  it("takes labels that are names of object properties", () => {
    const odd = config(
      "[serve.__proto__]\nport=1\n[serve.constructor]\nport=1",
    );
    expect(diffNodeConfig(config(""), odd)).to.have.lengthOf(2);
    expect(diffNodeConfig(odd, odd)).to.deep.equal([]);
  });
});

describe("formatChange", () => {
  it("shows no key and no secret, neither the old nor the new one", () => {
    const of = (n: number) =>
      config(`[vnet]\nsecret=MARKER-${n}`, `ip=a\nauthkey=MARKER-${n}`);
    expect(lines(of(1), of(2))).to.deep.equal([
      "~ route: authkey changed",
      "~ vnet: secret changed",
    ]);
    const none = config("", "ip=a");
    for (const line of [...lines(of(1), none), ...lines(none, of(1))])
      expect(line).not.to.include("MARKER");
  });

  it("writes one line for each kind of change", () => {
    const before = config(
      "[serve.web]\nport=80\n[serve.db]\nport=3306\n[use.db]\nserveid=7\nport=3306\n[use.x]\nserveid=9",
    );
    const after = config(
      `[vnet]
group=my group
[serve.ssh]
serveid=700
port=22
[serve.six]
ip=::1
port=80
active=false
[serve.db]
port=3307
info=fast
[use.db]
serveid=8
[use.y]
serveid=9
port=1122`,
      "ip=hub.example\nport=7750",
    );
    expect(lines(before, after)).to.deep.equal([
      "~ route: port 7749 → 7750",
      '~ vnet: group default → "my group"',
      "- serve web",
      '~ serve db: port 3306 → 3307, info "" → fast (active)',
      "+ serve ssh 700 → 127.0.0.1:22 (active)",
      "+ serve six 000 → [::1]:80 (inactive)",
      "- use x",
      "~ use db: serveid 007 → 008, port 3306 → (the serve's own port) (active)",
      "+ use y 127.0.0.1:1122 → 009 (active)",
    ]);
  });
});
