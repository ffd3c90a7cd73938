import { expect } from "chai";
import { ALL_ADDRESSES } from "../../src/config/config.js";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { DEFAULT_HUB_LIMITS, limitsFrom } from "../../src/hub/limits.js";
import { errorOf } from "./error-of.js";

function refusal(text: string): string {
  return errorOf(() => parseHubConfig(text, "hub.ini")).message;
}

describe("parseHubConfig", () => {
  it("fills in every default", () => {
    expect(parseHubConfig("[route]\nip=127.0.0.1", "hub.ini")).to.deep.equal({
      route: {
        ip: "127.0.0.1",
        port: 7749,
        authkey: "",
        fingerprint: "",
        heartbeatIntervalMs: 4_000,
        heartbeatTimeoutMs: 12_000,
        retryIntervalMs: 0,
        proxyProtocol: false,
        proxyFrom:
          "127.0.0.0/8 ::1 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7",
        connectLine: false,
        state: "",
      },
      log: { level: "info", format: "text", file: "" },
      groups: [],
      publics: [],
      drainSeconds: 5,
      limits: {
        handshakeTimeoutSeconds: 10,
        maxUnauthenticated: 16384,
        maxUnauthenticatedPerAddress: 1024,
        maxNodes: 10_000,
        reservePercent: 10,
        maxServesPerNode: 999,
        maxLegsPerNode: 20_000,
        maxFramesPerSecond: 2000,
      },
      warnings: [],
    });
  });

  it("listens on all addresses where none is given", () => {
    for (const text of ["[route]", "[route]\nport=7749", "[route]\nip="]) {
      const { route, warnings } = parseHubConfig(text, "hub.ini");
      expect(route).to.include({ ip: ALL_ADDRESSES, port: 7749 });
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include("has no authkey");
    }
  });

  it("has limits that are those of a hub of which nothing is said", () => {
    const config = parseHubConfig("[route]\nip=::1", "hub.ini");
    const { heartbeat, ...limits } = limitsFrom(config);
    expect(DEFAULT_HUB_LIMITS).to.include(limits);
    expect(DEFAULT_HUB_LIMITS.heartbeat).to.deep.equal(heartbeat);
  });

  it("warns of a hub without authkey where others can reach it, and says what to write", () => {
    const warnings = (text: string) =>
      parseHubConfig(`[route]\n${text}`, "hub.ini").warnings;
    for (const ip of ["0.0.0.0", "::", "192.168.1.1", "hub.example"])
      expect(warnings(`ip=${ip}`)).to.deep.equal([
        "hub.ini: [route] has no authkey: whoever reaches this port can join any group; write authkey=auto to have one made",
      ]);
    for (const ip of ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
      expect(warnings(`ip=${ip}`)).to.deep.equal([]);
    for (const authkey of ["auto", "long enough for good"])
      expect(warnings(`ip=::\nauthkey=${authkey}`)).to.deep.equal([]);
  });

  it("warns of keys that can be guessed, and shows none of them", () => {
    const { warnings } = parseHubConfig(
      "[route]\nip=::\nauthkey=nineteen-characters\n[group.lab]\nauthkey=twenty-characters-yes\nsecret=eightxxx",
      "hub.ini",
    );
    expect(warnings).to.deep.equal([
      "hub.ini:3: [route] authkey: a key of 19 characters can be guessed offline by whoever recorded or relayed a connection once; `keygen` prints a good one",
      "hub.ini:6: [group.lab] secret: a key of 8 characters can be guessed offline by whoever recorded or relayed a connection once; `keygen` prints a good one",
    ]);
  });

  it("warns of PROXY headers that are believed from everywhere private, where others can reach it", () => {
    const warnings = (text: string) =>
      parseHubConfig(
        `[route]\nauthkey=auto\nproxy_protocol=true\n${text}`,
        "hub.ini",
      ).warnings;
    for (const ip of ["0.0.0.0", "::", "192.168.1.1"]) {
      expect(warnings(`ip=${ip}`)).to.have.length(1);
      expect(warnings(`ip=${ip}`)[0]).to.include("write proxy_from= with");
    }
    for (const text of [
      "ip=127.0.0.1",
      "ip=unix:/run/hub.sock",
      "ip=::\nproxy_from=192.0.2.7",
    ])
      expect(warnings(text)).to.deep.equal([]);
  });

  it("takes its own key, keys of groups, and limits", () => {
    const config = parseHubConfig(
      "[route]\nip=::\nauthkey=auto\n[group.lab]\nauthkey=long enough\n[group.my group]\nauthkey=also long\n[limits]\nmax_nodes=7\nhandshake_timeout=1",
      "hub.ini",
    );
    expect(config.route.authkey).to.equal("auto");
    expect(config.groups).to.deep.equal([
      { name: "lab", authkey: "long enough", secret: "" },
      { name: "my group", authkey: "also long", secret: "" },
    ]);
    expect(config.limits).to.include({
      maxNodes: 7,
      reservePercent: 10,
      handshakeTimeoutSeconds: 1,
      maxServesPerNode: 999,
    });
  });

  it("shows no key in what it refuses", () => {
    for (const text of [
      "[route]\nip=::\nauthkey=MARKER",
      "[route]\nip=::\n[group.a]\nauthkey=MARKER",
      `[route]\nip=::\n[group.a]\nauthkey=${"MARKER".repeat(50)}`,
      "[route]\nip=::\n[group.a]\nauthkey=MARKER-MARKER\nauthkey=MARKER-MARKER",
    ])
      expect(refusal(text))
        .to.match(/authkey: /)
        .and.not.include("MARKER");
  });

  it("takes IPv6 with and without brackets", () => {
    for (const ip of ["::1", "[::1]"])
      expect(
        parseHubConfig(`[route]\nip=${ip} ; c\nport=1`, "hub.ini").route,
      ).to.include({ ip: "::1", port: 1 });
  });

  it("skips what only a node reads, whatever its values", () => {
    const text =
      "[route]\nip=::\n[vnet]\nterminal=perhaps\nnme=1\n[serve.a]\n[use.b]\nserveid=x";
    expect(parseHubConfig(text, "hub.ini").route.ip).to.equal("::");
  });

  it("says what to write when [route] is missing", () => {
    expect(refusal("")).to.equal(
      "hub.ini: [route]: found no such section; write [route] and on the next line port=7749",
    );
  });

  const MISTAKES: readonly (readonly [text: string, message: RegExp])[] = [
    [
      "[route]\nip=0.0.0.0:7749",
      /^hub\.ini:2: \[route\] ip: found "0\.0\.0\.0:7749", allowed .*\(the port has a key of its own\)/,
    ],
    [
      "[route]\nip=::\nport=70000",
      /^hub\.ini:3: \[route\] port: found "70000", allowed 1–65535$/,
    ],
    [
      "[route]\nip=::\nprot=1",
      /^hub\.ini:3: \[route\] prot: found an unknown key, allowed ip, port, authkey, authkey_file, fingerprint, heartbeat_interval, [a-z_, ]+; did you mean port\?$/,
    ],
    ["[route]\nip=::\nPORT=1", /did you mean port\?$/],
    [
      "[route]\nip=::\n__proto__=1",
      /\[route\] __proto__: found an unknown key/,
    ],
    ["[route]\nip=::\nconstructor=1", /constructor: found an unknown key/],
    [
      "[route]\nip=::\n[server.x]",
      /^hub\.ini:3: \[server\.x\]: found an unknown section, allowed \[route\], \[log\], \[group\.NAME\], \[public\.NAME\], \[limits\], \[vnet\], \[serve\.NAME\], \[use\.NAME\]; did you mean \[serve\.x\]\?$/,
    ],
    ["[route]\nip=::\n[serve]", /did you mean \[serve\.NAME\]\?$/],
    ["[route]\nip=::\n[serve:web]", /did you mean \[serve\.web\]\?$/],
    ["[route]\nip=::\n[Vnet]", /did you mean \[vnet\]\?$/],
    ["[route]\nip=::\n[vnet.a]", /did you mean \[vnet\]\?$/],
    ["[route]\nip=::\n[group]", /did you mean \[group\.NAME\]\?$/],
    ["[route]\nip=::\n[limit]", /did you mean \[limits\]\?$/],
    [
      "[route]\nip=::\n[group.a]",
      /^hub\.ini:3: \[group\.a\]: found no key in it, allowed: authkey .*, secret .*, or both$/,
    ],
    [
      "[route]\nip=::\n[limits]\nmax_nodes=0",
      /^hub\.ini:4: \[limits\] max_nodes: found "0", allowed 1–100000$/,
    ],
    ["[route]\nip=::\n[limits]\nmax_node=1", /did you mean max_nodes\?$/],
    [
      "[route]\nip=::\nfingerprint=SHA256:abc",
      /fingerprint: found "SHA256:abc", allowed a key's fingerprint: SHA256:/,
    ],
    ["[route]\nip=::\n[something]", /allowed [^;]*$/],
    [
      "[route]\nip=::\nk0=1",
      /allowed ip, port, authkey, authkey_file, fingerprint, [a-z_, ]+$/,
    ],
    ["[route]\nip=::\n[]", /\[\]: found an unknown section/],
    ["[route]\nip=::\n[__proto__]", /\[__proto__\]: found an unknown section/],
    ["[route]\nip=::\n[serve.]", /\[serve\.\]: found nothing behind the dot/],
    ["[route]\nip=::\n[use. a]", /found " a" behind the dot, allowed 1–64/],
  ];
  for (const [text, message] of MISTAKES)
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(refusal(text)).to.match(message).and.not.include("\n");
    });

  it("reports a mistyped [route] and the missing one", () => {
    expect(refusal("[rout]\nip=::").split("\n")).to.have.lengthOf(2);
    expect(refusal("[rout]\nip=::")).to.match(/did you mean \[route\]\?$/);
  });
});
