import { expect } from "chai";
import { withHub, type TestHub } from "../support/hub.js";
import { SERVE } from "../support/hub-client.js";

/** A name that reads as the end of one line of the log and the beginning of another. */
const FORGED = "home) left: the link broke; vnet 02 (office";
const QUOTED = /"(?:[^"\\]|\\.)*"/g;

/** What the log says, with the names that it quotes taken out. */
function logOf(hub: TestHub): string[] {
  return hub.log.texts.map((text) => text.replace(QUOTED, "NAME"));
}

/** A member tries to make the hub's log, or others' screens, say what did not happen. */
describe("an attack with names", () => {
  it("does not make the log say that another node left", () =>
    withHub(async (hub) => {
      const attacker = await hub.client({ name: FORGED, group: FORGED });
      const at = attacker.connection.socket.localPort!;
      for (const name of [FORGED, '" left: x', "a\\", '\\" left: x'])
        await attacker.register(0, {
          name,
          type: "tcp) left: timeout (",
          ip: "unix:/run/a) joined group x from 192.0.2.1:1",
          port: 0,
        });
      attacker.send({ type: "unregister", serveid: 1 });
      await attacker.roundTrip();
      attacker.close();
      await attacker.closed;
      await hub.forgotten();
      const who = "vnet 01 (NAME) of group NAME";
      expect(logOf(hub)).to.deep.equal([
        `vnet 01 (NAME) joined group NAME from 127.0.0.1:${at}`,
        ...[1, 2, 3, 4].map((id) => `${who} serves 00${id} NAME (NAME, NAME)`),
        `${who} serves 001 NAME (NAME, NAME) no longer`,
        `${who} left: the other side closed the link`,
      ]);
    }));

  it("does not make a refusal say more than it does", () =>
    withHub(async (hub) => {
      const attacker = await hub.client({ name: FORGED });
      await attacker.register(700, { name: "x; ask vnet 09 (evil) for it" });
      const office = await hub.client({ name: "office" });
      const refused = await office.register(700);
      if (refused.type !== "refused") throw new Error("expected a refusal");
      expect(refused.reason.replace(QUOTED, "NAME")).to.match(
        /^serveid 700 is held by vnet 01 \(NAME\), serve NAME/,
      );
    }));

  const hostile: [what: string, text: string][] = [
    ["a zero-width space", "ho\u200bme"],
    ["a joiner between letters", "ho\u200dme"],
    ["a filler", "home\u3164"],
    ["a blank that is a letter", "home\u2800"],
    ["a tag", "home\u{e0041}"],
    ["a bidi override", "\u202eemoh"],
    ["a variation selector behind a letter", "home\ufe0f"],
    ["a line end", "home\nvnet 02 (office) left"],
    ["another form than NFC", "cafe\u0301"],
    ["a space at its end", "home "],
  ];
  for (const [what, text] of hostile)
    it(`gets nowhere with ${what}, in a hello, a name, a type or an info`, () =>
      withHub(async (hub) => {
        const home = await hub.client({ name: "home" });
        for (const field of ["name", "group", "software"] as const) {
          const attacker = await hub.connect();
          await attacker.greet({ [field]: text });
          const { code, reason } = await attacker.next("goodbye");
          expect(code).to.equal("protocol");
          expect(reason).to.match(new RegExp(`^message hello: ${field}: `));
        }
        for (const field of ["name", "type", "info"] as const) {
          // An info may begin or end with a space.
          if (field === "info" && text.endsWith(" ")) continue;
          const attacker = await hub.client({ name: "attacker" });
          const serve = { ...SERVE, [field]: text };
          attacker.send({
            type: "register",
            request: 1,
            serveid: 700,
            serve,
          });
          const { code } = await attacker.next("goodbye");
          expect(code).to.equal("protocol");
          await attacker.closed;
        }
        const heard = home.received.map((message) => JSON.stringify(message));
        for (const message of heard) expect(message).not.to.contain(text);
      }));
});
