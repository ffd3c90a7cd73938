import { expect } from "chai";
import type { PublicSettings } from "../src/config/config.js";
import { PublicState } from "../src/public-state.js";
import type { UseView } from "../src/node/control.js";
import { eventually } from "./support/deadline.js";
import { KeptLog } from "./support/kept-log.js";
import { remoteServe } from "./support/remote-serve.js";
import { useSettings } from "./support/settings.js";

describe("The state of a public port", () => {
  const states: PublicState[] = [];
  let log: KeptLog;

  afterEach(() => {
    for (const state of states.splice(0)) state.close();
  });

  function watch(
    settings: Partial<PublicSettings> = {},
    isShared = false,
  ): PublicState {
    log = new KeptLog();
    const all = { ...useSettings("web", { port: 80 }), group: "default" };
    const state = new PublicState({ ...all, ...settings }, isShared, log);
    states.push(state);
    return state;
  }

  const view = (fields: Partial<UseView>): UseView => ({
    ...{
      label: "web",
      serveid: 0,
      wanted: "web@home",
      ip: "0.0.0.0",
      port: 80,
    },
    ...{ active: true, state: "waiting", error: null, remote: null },
    ...{ providers: 0, refusedKey: null, origin: "config", streams: 0 },
    ...fields,
  });
  const open = (fields: Partial<UseView> = {}) =>
    view({
      ...{ state: "listening", remote: remoteServe(1), providers: 1 },
      ...fields,
    });
  const closed = (error: string, fields: Partial<UseView> = {}) =>
    view({ error, ...fields });

  const rows: [what: string, Partial<PublicSettings>, UseView, string][] = [
    [
      "open to all",
      { ip: "0.0.0.0" },
      open(),
      "info public web (web@home at 0.0.0.0:80) is open to all who reach this port: it leads to serve 700 (web of home)",
    ],
    [
      "open on loopback",
      { ip: "127.0.0.1" },
      open({ ip: "127.0.0.1" }),
      "info public web (web@home at 127.0.0.1:80) is open to all on this machine: it leads to serve 700 (web of home)",
    ],
    [
      "open to a few, and of a group",
      { ip: "0.0.0.0", from: "10.0.0.0/8 192.0.2.1", group: "my lab" },
      open({ providers: 3 }),
      'info public web of group "my lab" (web@home at 0.0.0.0:80) is open to 10.0.0.0/8, 192.0.2.1: it leads to serve 700 (web of home) and 2 more of its kind',
    ],
    [
      "open on a socket file, to what is lent",
      { ip: "unix:/run/s" },
      open({
        ip: "unix:/run/s",
        port: 0,
        remote: remoteServe(1, { unserve: 3 }),
      }),
      "info public web (web@home at unix:/run/s) is open to all who may use that socket: it leads to 127.0.0.1:80 at home",
    ],
    [
      "closed for now",
      {},
      closed("nobody offers web just now"),
      "warn public web (web@home at 0.0.0.0:80) is closed: nobody offers web just now",
    ],
    [
      "closed, before its port is known",
      {},
      closed("nobody offers web just now", { port: 0 }),
      "warn public web (web@home at 0.0.0.0) is closed: nobody offers web just now",
    ],
    [
      "closed, as its port is another's",
      {},
      closed("cannot listen on it", { state: "error" }),
      "warn public web (web@home at 0.0.0.0:80) is closed: cannot listen on it; it is tried again",
    ],
    [
      "closed, as the key is another one",
      {},
      closed("the key has CHANGED", { state: "error", refusedKey: "x" }),
      "warn public web (web@home at 0.0.0.0:80) is closed: the key has CHANGED",
    ],
    [
      "closed because its section says so",
      { active: false },
      view({ state: "inactive" }),
      "info public web (web@home at 0.0.0.0:80) is closed: active=false",
    ],
    [
      "closed because its section does not say what it leads to",
      {},
      view({ state: "inactive" }),
      "info public web (web@home at 0.0.0.0:80) is closed: it does not say what it leads to (serveid=, serve= or to=)",
    ],
  ];
  for (const [what, settings, seen, line] of rows)
    it(`is told: ${what}`, async () => {
      watch(settings).see(seen);
      await eventually("a line", () => log.lines.length === 1);
      const [{ level, text } = { level: "", text: "" }] = log.lines;
      expect(`${level} ${text}`).to.equal(line);
    });

  it("says where it is the hub's own port", () => {
    watch({}, true).see(open());
    expect(log.texts[0]).to.include("0.0.0.0:80, the hub's own port) is open");
  });

  it("is told at once where it is open, and never twice the same", async () => {
    const state = watch();
    state.see(closed("asking vnet home"));
    state.see(open());
    expect(log.texts).to.have.length(1);
    for (let times = 0; times < 3; times++) {
      state.see(closed("the service is not there"));
      state.see(open({ error: "a connection was refused", streams: times }));
    }
    // Of what follows, this alone lasts.
    state.see(closed("asking vnet home"));
    state.see(closed("nobody offers it"));
    await eventually("the second line", () => log.texts.length === 2);
    expect(log.texts[0]).to.include("is open");
    expect(log.texts[1]).to.include("is closed: nobody offers it");
    state.see(closed("nobody offers it"));
    state.see(open({ remote: remoteServe(2) }));
    await eventually("the third line", () => log.texts.length === 3);
    expect(log.texts[2]).to.include("serve 700 (web of office)");
  });

  it("is told no more when the hub stops", async () => {
    const state = watch();
    const other = watch();
    state.see(closed("nobody offers it"));
    state.close();
    state.see(open());
    other.see(closed("nobody offers it"));
    await eventually("the other's line", () => log.texts.length === 1);
  });
});
