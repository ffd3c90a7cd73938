import { expect } from "chai";
import {
  mergeSections,
  sectionsFromFlags,
  type Flag,
  type FlagTarget,
} from "../../src/config/flags.js";
import { parseHubConfig } from "../../src/config/hub-config.js";
import { parseNodeConfig } from "../../src/config/node-config.js";
import { errorOf } from "./error-of.js";

const TARGETS: Record<string, FlagTarget> = {
  route: { section: "route", key: null },
  port: { section: "route", key: "port" },
  name: { section: "vnet", key: "name" },
  serve: { section: "serve", key: null },
  use: { section: "use", key: null },
  public: { section: "public", key: null },
};

/** `serve 22`, as the command line would say it with dashes. */
function flagsOf(...said: string[]): Flag[] {
  return said.map((text) => {
    const [word = "", ...rest] = text.split(" ");
    const target = TARGETS[word];
    if (target === undefined) throw new Error(`no flag ${word}`);
    return { name: `--${word}`, target, value: rest.join(" ") };
  });
}

/** `[serve.ssh] port=22 name=ssh` for each section. */
function shown(...said: string[]): string[] {
  return sectionsFromFlags(flagsOf(...said)).map(({ name, entries }) =>
    [
      `[${name}]`,
      ...[...entries.values()].map(({ key, value }) => `${key}=${value}`),
    ].join(" "),
  );
}

function node(text: string, ...said: string[]) {
  return parseNodeConfig(
    text,
    "n.ini",
    "laptop",
    sectionsFromFlags(flagsOf(...said)),
  );
}

describe("flags of the command line", () => {
  const good: [said: string, section: string][] = [
    ["route hub.example", "[route] ip=hub.example"],
    ["route hub.example:4000", "[route] ip=hub.example port=4000"],
    ["route 10.0.0.1:4000", "[route] ip=10.0.0.1 port=4000"],
    ["route [::1]:4000", "[route] ip=[::1] port=4000"],
    ["route ::1", "[route] ip=::1"],
    ["route unix:/run/hub.sock", "[route] ip=unix:/run/hub.sock"],
    ["route vsock:2:4000", "[route] ip=vsock:2:4000"],
    ["route hvsock:/run/v.sock:52", "[route] ip=hvsock:/run/v.sock:52"],
    ["route exec:ssh -W h:4000 me@h", "[route] ip=exec:ssh -W h:4000 me@h"],
    ["route hub:", "[route] ip=hub port="],
    ["serve 22", "[serve.ssh] port=22"],
    ["serve 2222", "[serve.port-2222] port=2222"],
    ["serve 22,name=ssh", "[serve.ssh] port=22 name=ssh"],
    ["serve 192.168.1.9:80", "[serve.http] ip=192.168.1.9 port=80"],
    ["serve port=22,serveid=700", "[serve.ssh] port=22 serveid=700"],
    ["serve 80,info=a, b and c", "[serve.http] port=80 info=a, b and c"],
    [
      "serve unix:/run/d.sock,name=docker",
      "[serve.docker] ip=unix:/run/d.sock name=docker",
    ],
    ["serve exec:cat -u,name=echo", "[serve.echo] ip=exec:cat -u name=echo"],
    ["serve ", "[serve.port-] port="],
    ["use 700", "[use.use-700] serveid=700"],
    ["use 700:1122", "[use.use-700] serveid=700 port=1122"],
    ["use mysql", "[use.mysql] serve=mysql"],
    ["use mysql@home:3306", "[use.mysql@home] serve=mysql@home port=3306"],
    ["use mysql:0.0.0.0:3306", "[use.mysql] serve=mysql ip=0.0.0.0 port=3306"],
    [
      "use mysql:unix:/run/m.sock",
      "[use.mysql] serve=mysql ip=unix:/run/m.sock",
    ],
    ["use to=home:22,port=1122", "[use.home:22] to=home:22 port=1122"],
    [
      "public 700:80,ip=0.0.0.0",
      "[public.use-700] serveid=700 port=80 ip=0.0.0.0",
    ],
    [
      "public web@home:80,group=lab",
      "[public.web@home] serve=web@home port=80 group=lab",
    ],
  ];
  for (const [said, section] of good)
    it(`read --${said} as ${section}`, () => {
      expect(shown(said)).to.deep.equal([section]);
    });

  it("gather what belongs to one section, the last one winning", () => {
    expect(shown("route a:1", "name x", "port 2", "name y")).to.deep.equal([
      "[route] ip=a port=2",
      "[vnet] name=y",
    ]);
  });

  it("make a section of each serve, also of two that have one name", () => {
    expect(shown("serve 22", "serve 22", "serve 80,name=ssh")).to.deep.equal([
      "[serve.ssh] port=22",
      "[serve.ssh-2] port=22",
      "[serve.ssh-3] port=80 name=ssh",
    ]);
  });

  const twice = [
    "serve 22,port=23",
    "use 700,serveid=7",
    "serve 1.2.3.4:5,ip=a",
  ];
  for (const said of twice)
    it(`refuse --${said}, which says one thing twice`, () => {
      const error = errorOf(() => sectionsFromFlags(flagsOf(said)), "usage");
      expect(error.message)
        .to.match(
          /^--(serve|use) .*: (port|serveid|ip) is given twice; give it once$/,
        )
        .and.not.include("\n");
    });

  const hostile: [said: string, message: RegExp][] = [
    ["serve ssh", /\[serve\.port-ssh\] port: found "ssh", allowed 1–65535/],
    ["serve 70000", /port: found "70000", allowed 1–65535/],
    ["serve 22,nmae=x", /nmae: found an unknown key.*did you mean name\?/],
    ["serve 22,name=", /found nothing behind the dot|name: found nothing/],
    [
      "serve 22,share=all",
      /share: found "all", allowed exclusive, takeover, balance/,
    ],
    ["serve 22,__proto__=x", /__proto__: found an unknown key/],
    ["serve 22,constructor=x", /constructor: found an unknown key/],
    ["use mysql@:3306", /serve: found "mysql@", allowed a serve's name/],
    ["use :3306", /serve: found nothing, allowed a serve's name/],
    ["use 1000:80", /serveid: found "1000", allowed 1–999/],
    [
      "use 700,serve=a",
      /serve: found beside serveid, allowed: one of serveid, serve, to/,
    ],
    ["use \u0007:80", /found "\\u0007"|allowed/],
    ["route hub:99999", /\[route\] port: found "99999"/],
    ["name \n", /\[vnet\] name: found/],
  ];
  for (const [said, message] of hostile)
    it(`are checked in the words of a file: --${JSON.stringify(said)}`, () => {
      const base = "[route]\nip=hub.example\n";
      const error = errorOf(() => node(base, said));
      expect(error.message).to.match(message);
      expect(error.message, "no line of a file is named").not.to.match(
        /n\.ini:\d/,
      );
    });

  it("win over a file, key by key, and leave the rest of it", () => {
    const text =
      "[route]\nip=old\nport=1\nauthkey=long enough\n[serve.web]\nport=80\n";
    const config = node(text, "route new:2", "serve 8080,name=web", "use 700");
    expect(config.route).to.include({
      ip: "new",
      port: 2,
      authkey: "long enough",
    });
    expect(config.serves.map(({ label, port }) => [label, port])).to.deep.equal(
      [["web", 8080]],
    );
    expect(config.uses.map(({ label }) => label)).to.deep.equal(["use-700"]);
  });

  it("are enough without any file, for both programs", () => {
    expect(node("", "route hub:4000", "serve 22").serves).to.have.length(1);
    const flags = sectionsFromFlags(
      flagsOf("route 127.0.0.1:4000", "public 700:80"),
    );
    const hub = parseHubConfig("", "none", flags);
    expect(hub.route).to.include({ ip: "127.0.0.1", port: 4000 });
    expect(hub.publics).to.have.length(1);
    expect(hub.publics[0]).to.include({
      serveid: 700,
      port: 80,
      group: "default",
    });
  });

  it("change nothing of what they are merged with", () => {
    const [section] = sectionsFromFlags(flagsOf("route a:1"));
    const over = sectionsFromFlags(flagsOf("route b"));
    const [merged] = mergeSections([section!], over);
    expect(
      [...merged!.entries.values()].map(({ value }) => value),
    ).to.deep.equal(["b", "1"]);
    expect(section!.entries.get("ip")?.value).to.equal("a");
  });
});
