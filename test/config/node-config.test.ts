import { expect } from "chai";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { errorOf } from "./error-of.js";

const FINGERPRINT = `SHA256:${"A".repeat(43)}`;
const ROUTE = "[route]\nip=hub.example\n";

function parse(text: string, hostName = "laptop") {
  return parseNodeConfig(ROUTE + text, "n.ini", hostName);
}

/** Lines are counted from the text given, as if [route] were not above it. */
function refusal(text: string): string[] {
  return errorOf(() => parse(text))
    .message.split("\n")
    .map((line) =>
      line
        .replace(/^n\.ini:(\d+)/, (_, n) => `${Number(n) - 2}`)
        .replace(/on line (\d+)/, (_, n) => `on line ${Number(n) - 2}`),
    );
}

describe("parseNodeConfig", () => {
  it("fills in every default", () => {
    expect(parse("[serve.web]\nport=80\n[use.db]\nserveid=7")).to.deep.equal({
      route: {
        ip: "hub.example",
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
      vnet: {
        name: "laptop",
        group: "default",
        terminal: false,
        startserve: true,
        startuse: true,
        allowUnserve: false,
        unserveRemote: false,
        unserveNum: 1,
        unserveTtlSeconds: 180,
        unserveLingerSeconds: 60,
        drainSeconds: 5,
        secret: "",
        encrypt: true,
        state: "",
      },
      serves: [
        {
          label: "web",
          serveid: 0,
          type: "tcp",
          ip: "127.0.0.1",
          port: 80,
          name: "web",
          info: "",
          active: true,
          allow: "",
          host: "",
          hosts: "",
          trustForwarded: false,
          check: true,
          share: "exclusive",
          peers: "",
        },
      ],
      uses: [
        {
          label: "db",
          serveid: 7,
          serve: "",
          to: "",
          fingerprint: "",
          ip: "127.0.0.1",
          port: 0,
          active: true,
        },
      ],
      warnings: [],
    });
  });

  it("takes the keys of the hub and of the group, and whom a serve is for", () => {
    const [a, b] = [FINGERPRINT, FINGERPRINT.replace("SHA256:A", "SHA256:b")];
    const config = parseNodeConfig(
      `${ROUTE}authkey=long enough for good\nfingerprint=${a}\n[vnet]\nsecret="with ; and # and more"\nencrypt=false\n[serve.web]\nport=80\nallow=${a}, ${b}`,
      "n.ini",
    );
    expect(config.route).to.include({
      authkey: "long enough for good",
      fingerprint: a,
    });
    expect(config.vnet).to.include({
      secret: "with ; and # and more",
      encrypt: false,
    });
    expect(config.serves[0]).to.include({ allow: `${a} ${b}` });
    expect(config.warnings).to.deep.equal([]);
  });

  it("takes the names that users of an HTTP service may ask for", () => {
    const { serves } = parse(
      "[serve.a]\nport=80\ntype=http\nhost=a.example\nhosts=b.example, *.c.example  *\ntrust_forwarded=yes",
    );
    expect(serves[0]).to.include({
      hosts: "b.example *.c.example *",
      trustForwarded: true,
    });
  });

  it("takes the Host header that an HTTP service gets", () => {
    const text = "[serve.a]\nport=80\ntype=HTTP\nhost=internal.example:8080";
    expect(parse(text).serves[0]).to.include({
      type: "HTTP",
      host: "internal.example:8080",
    });
  });

  it("leaves to the hub what only the hub reads", () => {
    const text = "[group.lab]\nauthkey=x\n[limits]\nmax_nodes=0\nmax=1";
    expect(parse(text).warnings).to.deep.equal([]);
  });

  it("refuses to make a key, which only the hub can, and says where there is one", () => {
    const found = errorOf(() =>
      parseNodeConfig(`${ROUTE}authkey=auto`, "n.ini"),
    );
    expect(found.message).to.equal(
      "n.ini:3: [route] authkey: found auto, which is for the hub; write the key that the hub printed at its first start",
    );
  });

  it("shows no key and no secret in what it refuses", () => {
    const long = "MARKER".repeat(50);
    for (const [text, key] of [
      [`${ROUTE}authkey=${long}`, "authkey"],
      [`${ROUTE}authkey=MARKER`, "authkey"],
      [`${ROUTE}[vnet]\nsecret=${long}`, "secret"],
      [`${ROUTE}[vnet]\nsecret=MARKER`, "secret"],
    ] as const) {
      const { message } = errorOf(() => parseNodeConfig(text, "n.ini"));
      expect(message)
        .to.include(` ${key}: found something else, allowed 8–256 printable`)
        .and.not.include("MARKER");
    }
  });

  it("shows no key and no secret in what it says of other mistakes beside them", () => {
    for (const text of [
      `${ROUTE}authkey=MARKER-MARKER\nauthkey=MARKER-MARKER`,
      `${ROUTE}authkey="MARKER-MARKER`,
      `${ROUTE}authkey="MARKER-MARKER" MARKER-MARKER`,
      `${ROUTE}authkye=MARKER-MARKER`,
      `${ROUTE}authkye="MARKER-MARKER`,
      `${ROUTE}authkey MARKER-MARKER`,
      `${ROUTE}authkey： MARKER-MARKER`,
      `${ROUTE}authkey: "MARKER-MARKER`,
      `${ROUTE}authkey="MARKER\u0007 and so on"`,
      `${ROUTE}[vnet]\nsecret='MARKER-MARKER`,
      `${ROUTE}[vnet]\nsecret=MARKER-MARKER\nsecret=MARKER-MARKER`,
    ])
      expect(
        errorOf(() => parseNodeConfig(text, "n.ini")).message,
        text,
      ).not.to.include("MARKER");
  });

  it("makes a host name fit that is no label", () => {
    expect(parse("", "").vnet.name).to.equal("vnet");
    expect(parse("", "a".repeat(300)).vnet.name).to.equal("a".repeat(64));
    expect(parse("[vnet]\nname=x", "").vnet.name).to.equal("x");
  });

  it("says what to write when [route] is missing", () => {
    expect(errorOf(() => parseNodeConfig("[vnet]", "n.ini")).message).to.match(
      /^n\.ini: \[route\]: found no such section; write \[route\]/,
    );
  });

  it("says what to write when it does not know where its hub is", () => {
    for (const [text, line] of [
      ["[route]", 1],
      ["[route]\nport=7749\nip= ; of the hub", 3],
    ])
      expect(
        errorOf(() => parseNodeConfig(`${text}`, "n.ini")).message,
      ).to.match(
        new RegExp(
          `^n\\.ini:${line}: \\[route\\] ip: found nothing, allowed an IPv4 .*; write ip=ADDRESS OF THE HUB$`,
        ),
      );
  });

  it("lets startserve and startuse count only with a terminal", () => {
    const keys = "startserve=false\nstartuse=false";
    expect(parse(`[vnet]\nterminal=false\n${keys}`).vnet).to.include({
      startserve: true,
      startuse: true,
    });
    expect(parse(`[vnet]\nterminal=true\n${keys}`).vnet).to.include({
      startserve: false,
      startuse: false,
    });
  });

  it("takes allow_remote for unserve_remote, with a warning", () => {
    const config = parse("[vnet]\nallow_remote=true");
    expect(config.vnet.unserveRemote).to.equal(true);
    expect(config.warnings).to.deep.equal([
      "n.ini:4: [vnet] allow_remote: this is an old name; write unserve_remote",
    ]);
  });

  it("keeps a use without a serveid, with a warning", () => {
    const { uses, warnings } = parse("[use.a]\nport=1\n[use.b]\nserveid=000");
    expect(uses.map(({ serveid, active }) => [serveid, active])).to.deep.equal([
      [0, true],
      [0, true],
    ]);
    expect(warnings).to.deep.equal([
      "n.ini:3: [use.a] serveid: no serveid, so this stays disabled; write the serve's (1–999), or its name as serve=NAME",
      "n.ini:6: [use.b] serveid: no serveid, so this stays disabled; write the serve's (1–999), or its name as serve=NAME",
    ]);
  });

  it("warns when the hub's address is one to listen on", () => {
    const { warnings } = parseNodeConfig("[route]\nip=0.0.0.0", "n.ini");
    expect(warnings).to.have.lengthOf(1);
    expect(warnings[0]).to.match(
      /^n\.ini:2: \[route\] ip: 0\.0\.0\.0 is where/,
    );
  });

  it("lets a serve and a use have the same serveid, and many have none", () => {
    const text = ["serve.a", "serve.b", "use.a", "use.b"]
      .map((name, at) => `[${name}]\nport=${at + 1}\nserveid=000\n`)
      .join("");
    expect(parse(text).serves).to.have.lengthOf(2);
    expect(
      parse("[serve.a]\nport=1\nserveid=7\n[use.a]\nserveid=007").uses,
    ).to.have.lengthOf(1);
  });

  it("lets uses share a port at different addresses", () => {
    const use = (name: string, id: number, ip: string) =>
      `[use.${name}]\nserveid=${id}\nip=${ip}\nport=80\n`;
    expect(
      parse(use("a", 1, "127.0.0.1") + use("b", 2, "127.0.0.2")).uses,
    ).to.have.lengthOf(2);
  });

  it("accepts the ends of every range", () => {
    expect(
      parse(
        "[vnet]\nunserve_num=0\nunserve_ttl=1\nunserve_linger=0\n[serve.a]\nserveid=1\nport=1",
      ).vnet,
    ).to.include({ unserveNum: 0, unserveTtlSeconds: 1 });
    expect(
      parse(
        "[vnet]\nunserve_num=100\nunserve_ttl=86400\nunserve_linger=86400\n[use.a]\nserveid=999\nport=65535",
      ).vnet,
    ).to.include({ unserveNum: 100, unserveLingerSeconds: 86400 });
  });

  const MISTAKES: readonly (readonly [text: string, message: RegExp])[] = [
    [`[vnet]\nname=${"x".repeat(65)}`, /^2: \[vnet\] name: found "x+…", allow/],
    ["[vnet]\nname=a\u202eb", /name: found "a\\u202eb", allowed 1–64/],
    ["[vnet]\nencrypt=no way", /^2: \[vnet\] encrypt: found "no way", allow/],
    ["[vnet]\nauthkey=long enough", /^2: \[vnet\] authkey: found an unknown/],
    [
      "[serve.a]\nport=1\nallow=home",
      /^3: \[serve\.a\] allow: found "home", allowed one to 100 of: a key's/,
    ],
    [
      `[serve.a]\nport=1\nallow=${FINGERPRINT} home`,
      /^3: \[serve\.a\] allow: found "SHA256:/,
    ],
    [
      "[serve.a]\nport=1\nhost=internal.example",
      /\[serve\.a\] host: found it with type=tcp, allowed with type=http only/,
    ],
    [
      "[serve.a]\nport=1\ntype=http\nhosts=b.example",
      /\[serve\.a\] hosts: found it without host=, allowed with type=http and host= only/,
    ],
    [
      "[serve.a]\nport=1\ntype=http\nhost=a\nhosts=a b/c",
      /\[serve\.a\] hosts: found "a b\/c", allowed host names with commas between/,
    ],
    [
      "[serve.a]\nport=1\ntype=http\nhost=a/b",
      /\[serve\.a\] host: found "a\/b", allowed a host name or an address/,
    ],
    ["[vnet]\nterminal=ja", /^2: \[vnet\] terminal: found "ja", allowed true/],
    ["[vnet]\nunserve_num=101", /found "101", allowed 0–100$/],
    ["[vnet]\nunserve_ttl=0", /found "0", allowed 1–86400$/],
    ["[vnet]\nunserve_linger=-1", /found "-1", allowed 0–86400$/],
    ["[vnet]\ngruop=a", /unknown key, allowed name, group, .*mean group\?$/],
    ["[vnet]\nunserve_remot=1", /did you mean unserve_remote\?$/],
    [
      "[vnet]\nallow_remote=true\nunserve_remote=true",
      /^2: \[vnet\] allow_remote: found beside unserve_remote on line 3, allowed: unserve_remote only/,
    ],
    ["[serve.a]", /^1: \[serve\.a\] port: found nothing, allowed 1–65535$/],
    ["[serve.a]\nip=a\nport=", /^3: \[serve\.a\] port: found nothing, allowed/],
    [
      "[serve.a]\nport=22 ；ssh",
      /^2: \[serve\.a\] port: found "22 ；ssh", allowed 1–65535; ； begins no comment, write ; or #$/,
    ],
    ["[serve.a]\nport=ssh", /^2: \[serve\.a\] port: found "ssh", allowed/],
    ["[serve.a]\nport=0", /^2: \[serve\.a\] port: found "0", allowed 1–65535/],
    [
      "[serve.a]\nport=1\nserveid=1000",
      /^3: \[serve\.a\] serveid: found "1000", allowed 1–499 \(dynamic\), 500/,
    ],
    ["[serve.a]\nport=1\ninfo='a\tb'", /\[serve\.a\] info: found "a\\x09b"/],
    ["[use.a]\nserveid=abc", /^2: \[use\.a\] serveid: found "abc", allowed 1–/],
    ["[use.a]\nserveid=1\nport=0", /port: found "0", allowed 1–65535$/],
    [
      "[use.a]\nserveid=1\nname=x",
      /unknown key, allowed serveid, serve, to, ip, port, /,
    ],
    [
      "[serve.a]\nport=1\nserveid=700\n[serve.b]\nport=1\nserveid=700",
      /^6: \[serve\.b\] serveid: found 700, which \[serve\.a\] has on line 3; /,
    ],
    [
      "[use.a]\nserveid=1\nport=80\n[use.b]\nserveid=2\nip=127.0.0.1\nport=80",
      /^7: \[use\.b\] port: found 127\.0\.0\.1 port 80, which \[use\.a\] has on line 3; /,
    ],
    ["[serve.a]\nport=1\n[serve.a]\nport=2", /^3: \[serve\.a\]: .*on line 1/],
    ["[serve.]\nport=1", /^1: \[serve\.\]: found nothing behind the dot/],
    ["[serve.a\u202eb]\nport=1", /behind the dot, allowed 1–64 printable/],
    ['[use.a]\nserveid="7', /^2: \[use\.a\] serveid: found ""7" without a/],
    ['[serve.a]\nport="80', /^2: \[serve\.a\] port: found ""80" without a/],
    ["[rout]\nip=a", /^1: \[rout\]: .*did you mean \[route\]\?$/],
  ];
  for (const [text, message] of MISTAKES)
    it(`refuses ${JSON.stringify(text).slice(0, 70)}`, () => {
      const found = refusal(text);
      expect(found).to.have.lengthOf(1);
      expect(found[0]).to.match(message);
    });

  it("takes a dynamic serveid twice, as it is a preference only", () => {
    const { serves } = parse(
      "[serve.a]\nport=1\nserveid=7\n[serve.b]\nport=1\nserveid=7",
    );
    expect(serves.map(({ serveid }) => serveid)).to.deep.equal([7, 7]);
  });

  it("reports every mistake of a file at once, in its order", () => {
    const text =
      "[vnet]\nterminal=x\n[serve.a]\nserveid=5000\n[sevre.b]\n[use.c]\nport=x\nport=1";
    expect(refusal(text).map((line) => line.split(":")[0])).to.deep.equal([
      "2",
      "3",
      "4",
      "5",
      "7",
      "8",
    ]);
  });

  it("reads thousands of sections in a moment", () => {
    const text = Array.from(
      { length: 20_000 },
      (_, at) => `[use.${at}]\nport=${at + 1}\n`,
    ).join("");
    expect(parse(text).uses).to.have.lengthOf(20_000);
  });
});
