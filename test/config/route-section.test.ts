import { expect } from "chai";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { limitsFrom } from "../../src/hub/limits.js";
import { errorOf } from "./error-of.js";

const texts = (text: string) => `[route]\nip=127.0.0.1\n${text}`;
const both = [
  (text: string) => parseHubConfig(texts(text), "r.ini").route,
  (text: string) => parseNodeConfig(texts(text), "r.ini").route,
];

describe("a [route] section", () => {
  it("says for both programs how often and how long, in milliseconds", () => {
    for (const read of both)
      expect(
        read(
          "heartbeat_interval=100\nheartbeat_timeout=200\nretry_interval=500\nproxy_protocol=true\nproxy_from=192.0.2.7, 2001:db8::/32\nconnect_line=true",
        ),
      ).to.include({
        heartbeatIntervalMs: 100,
        heartbeatTimeoutMs: 200,
        retryIntervalMs: 500,
        proxyProtocol: true,
        proxyFrom: "192.0.2.7 2001:db8::/32",
        connectLine: true,
      });
  });

  it("gives the hub its heartbeat", () => {
    const text = texts("heartbeat_interval=100\nheartbeat_timeout=250");
    expect(limitsFrom(parseHubConfig(text, "r.ini")).heartbeat).to.deep.equal({
      intervalMs: 100,
      timeoutMs: 250,
    });
  });

  const mistakes: [text: string, message: RegExp][] = [
    [
      "heartbeat_interval=99",
      /^r\.ini:3: \[route\] heartbeat_interval: found "99", allowed 100–600000$/,
    ],
    ["heartbeat_interval=4s", /found "4s", allowed 100–600000$/],
    [
      "heartbeat_timeout=7999",
      /^r\.ini:3: \[route\] heartbeat_timeout: found 7999 with heartbeat_interval 4000, allowed at least twice/,
    ],
    [
      "heartbeat_interval=6001",
      /^r\.ini:3: \[route\] heartbeat_timeout: found 12000 with heartbeat_interval 6001, allowed/,
    ],
    ["retry_interval=0", /retry_interval: found "0", allowed 100–600000$/],
    ["proxy_protocol=v2", /proxy_protocol: found "v2", allowed true or false/],
    [
      "proxy_from=10.0.0.0/33",
      /proxy_from: found "10.0.0.0\/33", allowed IP addresses and networks/,
    ],
    ["proxy_from=proxy.example", /allowed IP addresses and networks/],
    [
      "connect_line=maybe",
      /connect_line: found "maybe", allowed true or false/,
    ],
  ];
  for (const [text, message] of mistakes)
    it(`is refused with ${text}`, () => {
      for (const read of both) {
        const error = errorOf(() => read(text));
        expect(error.message).to.match(message).and.not.include("\n");
      }
    });
});

describe("[serve.X] share", () => {
  const serves = (text: string) => parseNodeConfig(texts(text), "r.ini").serves;

  it("is exclusive, takeover or balance", () => {
    for (const share of ["exclusive", "takeover", "balance"])
      expect(serves(`[serve.a]\nport=1\nshare=${share}`)[0]?.share).to.equal(
        share,
      );
    expect(serves("[serve.a]\nport=1")[0]?.share).to.equal("exclusive");
    const error = errorOf(() => serves("[serve.a]\nport=1\nshare=Balance"));
    expect(error.message).to.match(
      /share: found "Balance", allowed exclusive, takeover, balance$/,
    );
  });

  it("is takeover once for a name, whether the name is the section's or its own", () => {
    const second = "[serve.b]\nport=2\nname=a\nshare=takeover";
    const error = errorOf(() =>
      serves(`[serve.a]\nport=1\nshare=takeover\n${second}`),
    );
    expect(error.message).to.match(
      /^r\.ini:9: \[serve\.b\] name: found a, which \[serve\.a\] has on line 5; allowed: each name once among serves with share=takeover/,
    );
    for (const share of ["exclusive", "balance"])
      expect(
        serves(`[serve.a]\nport=1\nshare=${share}\n${second}`),
      ).to.have.length(2);
  });
});

describe("[group.X]", () => {
  const groups = (text: string) => parseHubConfig(texts(text), "r.ini").groups;

  it("has a key, a secret, or both", () => {
    expect(
      groups(
        "[group.a]\nauthkey=long enough\n[group.b]\nsecret=also long\n[group.c]\nauthkey=long enough\nsecret=also long",
      ),
    ).to.deep.equal([
      { name: "a", authkey: "long enough", secret: "" },
      { name: "b", authkey: "", secret: "also long" },
      { name: "c", authkey: "long enough", secret: "also long" },
    ]);
  });

  it("is refused without either, and its values are never shown", () => {
    expect(errorOf(() => groups("[group.a]")).message).to.equal(
      "r.ini:3: [group.a]: found no key in it, allowed: authkey (who may join this group), secret (for this hub's public ports), or both",
    );
    const { message } = errorOf(() => groups("[group.a]\nsecret=shorty"));
    expect(message)
      .to.match(/^r\.ini:4: \[group\.a\] secret: /)
      .and.not.include("shorty");
  });
});
