import { expect } from "chai";
import { sectionsFromFlags } from "../../src/config/flags.js";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { errorOf } from "./error-of.js";

const node = (text: string) =>
  parseNodeConfig(`[route]\nip=hub\n${text}`, "n.ini", "laptop");
const hub = (text: string) =>
  parseHubConfig(`[route]\nip=127.0.0.1\n${text}`, "h.ini");

const mistakes: [text: string, message: RegExp][] = [
  [
    "serveid=7\nserve=a",
    /n\.ini:5: \[use\.a\] serve: found beside serveid, allowed: one of serveid, serve, to$/,
  ],
  ["serve=a\nto=b:1", /to: found beside serve, allowed/],
  ["to=b:1\nserveid=7", /to: found beside serveid, allowed/],
  ["serve=@home", /serve: found "@home", allowed a serve's name, or NAME@NODE/],
  ["to=home", /to: found "home", allowed NODE:PORT or NODE:IP:PORT/],
  ["to=home:0", /to: found "home:0", allowed/],
  [
    "serve=a\nport=1\n[use.b]\nserve=a\nport=1",
    /\[use\.b\] port: found 127\.0\.0\.1 port 1, which \[use\.a\] has on line 5/,
  ],
  [
    "to=home:22\n[use.b]\nserve=b\nport=22",
    /found 127\.0\.0\.1 port 22, which \[use\.a\] has on line 4/,
  ],
];

describe("a [use.X] section", () => {
  it("bounds who may connect, as [public.X] does, and nobody where it says nothing", () => {
    const text =
      "serveid=7\nfrom=10.0.0.0/8, ::1\nmax_connections=9\nmax_per_address=3\nidle_timeout=60";
    const bounds = {
      from: "10.0.0.0/8 ::1",
      maxConnections: 9,
      maxPerAddress: 3,
      idleTimeoutSeconds: 60,
    };
    expect(node(`[use.a]\n${text}`).uses[0]).to.include(bounds);
    expect(hub(`[public.a]\n${text}`).publics[0]).to.include(bounds);
    expect(node("[use.a]\nserveid=7").uses[0]).to.not.have.any.keys(
      ...Object.keys(bounds),
    );
    for (const wrong of ["from=home", "max_connections=0", "idle_timeout=1s"])
      expect(
        errorOf(() => node(`[use.a]\nserveid=7\n${wrong}`)).message,
      ).to.match(/^n\.ini:5: \[use\.a\] \w+: found .* allowed/);
  });

  it("says by id, by name or by address what it wants", () => {
    const { uses, warnings } = node(
      "[use.a]\nserveid=7\n[use.b]\nserve=mysql@home\nport=1\n[use.c]\nto=home:22",
    );
    expect(
      uses.map(({ serveid, serve, to }) => [serveid, serve, to]),
    ).to.deep.equal([
      [7, "", ""],
      [0, "mysql@home", ""],
      [0, "", "home:22"],
    ]);
    expect(warnings).to.deep.equal([]);
  });

  for (const wanted of ["serve=a", "serveid=700", "serveid=7", "to=a:22"])
    it(`may want what another one wants, too, by ${wanted}`, () => {
      const text = `[use.a]\n${wanted}\nport=1\n[use.b]\n${wanted}\nport=2`;
      expect(node(text).uses).to.have.length(2);
    });

  it("may do so on the command line, too", () => {
    const flags = sectionsFromFlags(
      ["700:1122", "700:1123"].map((value) => ({
        name: "--use",
        target: { section: "use", key: null },
        value,
      })),
    );
    const text = "[route]\nip=127.0.0.1\n";
    const { uses } = parseNodeConfig(text, "n.ini", "host", flags);
    expect(uses.map(({ label, port }) => [label, port])).to.deep.equal([
      ["use-700", 1122],
      ["use-700-2", 1123],
    ]);
  });

  for (const [text, message] of mistakes)
    it(`is refused with ${JSON.stringify(text)}`, () => {
      const error = errorOf(() => node(`[use.a]\n${text}`));
      expect(error.message).to.match(message).and.not.include("\n");
    });
});

describe("a [public.X] section", () => {
  it("is a use of the hub, of one group", () => {
    const { publics } = hub(
      "[public.web]\nserve=web@home\nip=0.0.0.0\nport=80\ngroup=lab\n[public.db]\nserveid=700",
    );
    const web = {
      label: "web",
      serveid: 0,
      serve: "web@home",
      to: "",
      ip: "0.0.0.0",
      port: 80,
      active: true,
      fingerprint: "",
      group: "lab",
    };
    expect(publics).to.deep.equal([
      web,
      {
        ...web,
        label: "db",
        serveid: 700,
        serve: "",
        ip: "127.0.0.1",
        port: 0,
        group: "default",
      },
    ]);
  });

  it("may have the id of another one: groups have ids of their own", () => {
    const text =
      "[public.a]\nserveid=7\nport=1\n[public.b]\nserveid=7\nport=2\ngroup=lab";
    expect(hub(text).publics).to.have.length(2);
  });

  it("is skipped by a node, whatever it says", () => {
    expect(node("[public.web]\nserve=@@\nnonsense=1\n").uses).to.deep.equal([]);
  });

  for (const [text, message] of mistakes.filter(
    ([text]) => !text.includes("007"),
  ))
    it(`is refused with ${JSON.stringify(text)}`, () => {
      const there = text.replaceAll("[use.", "[public.");
      const error = errorOf(() => hub(`[public.a]\n${there}`));
      const expected = message.source
        .replace("n\\.ini", "h\\.ini")
        .replaceAll("[use", "[public");
      expect(error.message)
        .to.match(new RegExp(expected))
        .and.not.include("\n");
    });
});
