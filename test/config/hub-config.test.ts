import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { errorOf } from "./error-of.js";

function refusal(text: string): string {
  return errorOf(() => parseHubConfig(text, "hub.ini")).message;
}

describe("parseHubConfig", () => {
  it("needs an ip and nothing else", () => {
    expect(parseHubConfig("[route]\nip=0.0.0.0", "hub.ini")).to.deep.equal({
      route: { ip: "0.0.0.0", port: 7749 },
      warnings: [],
    });
  });

  it("takes IPv6 with and without brackets", () => {
    for (const ip of ["::1", "[::1]"])
      expect(
        parseHubConfig(`[route]\nip=${ip} ; c\nport=1`, "hub.ini").route,
      ).to.deep.equal({ ip: "::1", port: 1 });
  });

  it("skips what only a node reads, whatever its values", () => {
    const text =
      "[route]\nip=::\n[vnet]\nterminal=perhaps\nnme=1\n[serve.a]\n[use.b]\nserveid=x";
    expect(parseHubConfig(text, "hub.ini").route.ip).to.equal("::");
  });

  it("says what to write when [route] is missing", () => {
    expect(refusal("")).to.equal(
      "hub.ini: [route]: found no such section; write [route] and on the next line ip=0.0.0.0 (or the one address to listen on)",
    );
  });

  const MISTAKES: readonly (readonly [text: string, message: RegExp])[] = [
    ["[route]", /^hub\.ini:1: \[route\] ip: found nothing, allowed an IPv4/],
    ["[route]\nip=", /^hub\.ini:2: \[route\] ip: found nothing, allowed an/],
    [
      "[route]\nip=0.0.0.0:7749",
      /^hub\.ini:2: \[route\] ip: found "0\.0\.0\.0:7749", allowed .*without a port/,
    ],
    [
      "[route]\nip=::\nport=70000",
      /^hub\.ini:3: \[route\] port: found "70000", allowed 1–65535$/,
    ],
    [
      "[route]\nip=::\nprot=1",
      /^hub\.ini:3: \[route\] prot: found an unknown key, allowed ip, port; did you mean port\?$/,
    ],
    ["[route]\nip=::\nPORT=1", /did you mean port\?$/],
    [
      "[route]\nip=::\n__proto__=1",
      /\[route\] __proto__: found an unknown key/,
    ],
    ["[route]\nip=::\nconstructor=1", /constructor: found an unknown key/],
    [
      "[route]\nip=::\n[server.x]",
      /^hub\.ini:3: \[server\.x\]: found an unknown section, allowed \[route\], \[vnet\], \[serve\.NAME\], \[use\.NAME\]; did you mean \[serve\.x\]\?$/,
    ],
    ["[route]\nip=::\n[serve]", /did you mean \[serve\.NAME\]\?$/],
    ["[route]\nip=::\n[serve:web]", /did you mean \[serve\.web\]\?$/],
    ["[route]\nip=::\n[Vnet]", /did you mean \[vnet\]\?$/],
    ["[route]\nip=::\n[vnet.a]", /did you mean \[vnet\]\?$/],
    ["[route]\nip=::\n[something]", /allowed [^;]*$/],
    ["[route]\nip=::\nk0=1", /allowed ip, port$/],
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
