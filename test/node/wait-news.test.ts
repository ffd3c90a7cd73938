import { expect } from "chai";
import { Identity } from "../../src/keys/identity.js";
import { startEcho } from "../support/echo.js";
import { withHub } from "../support/hub.js";
import { reservePort } from "../support/ports.js";
import { serveSettings, useSettings } from "../support/settings.js";

describe("what is told of a use that waits", () => {
  it("is that it listens after all, and where to, once it was told that it does not yet", () =>
    withHub(async (hub) => {
      const port = await reservePort();
      const settings = useSettings("web", { serve: "web", serveid: 0, port });
      const office = await hub.node({ name: "office", uses: [settings] });
      office.control.tellWaiting();
      await office.untilNotice(
        /^use web \(web\) does not listen yet: nobody offers web just now$/,
      );
      const service = await hub.service(startEcho);
      const web = serveSettings("web", { name: "web", port: service.port });
      const home = await hub.node({ name: "home", serves: [web] });
      const { text } = await office.untilNotice(/^use web .* listens: /);
      expect(text).to.equal(
        `use web (web at 127.0.0.1:${port}) listens: it reaches web of home`,
      );
      await home.control.closeServe("web");
      await office.untilNotice(/^use web .* does not listen any more: /);
      await home.control.openServe("web");
      await office.untilNotice(/^use web .* listens again$/);
    }));

  it("is each other reason that lasts: whose name another node has, say", () =>
    withHub(async (hub) => {
      const service = await hub.service(startEcho);
      const web = serveSettings("db", { name: "db", port: service.port });
      const port = await reservePort();
      const settings = useSettings("db", { serve: "db", serveid: 0, port });
      const office = await hub.node({ name: "office", uses: [settings] });
      const first = await hub.node(
        { name: "p1", serves: [web] },
        { identity: Identity.generate() },
      );
      await office.untilUse("db", "listening");
      await first.close();
      await office.untilNotice(
        /^use db .* does not listen any more: nobody offers db/,
      );
      await hub.node({ name: "p2", serves: [web] });
      const { text } = await office.untilNotice(
        /^use db \(db at \S+\) does not listen: /,
      );
      expect(text).to.include("db@p2");
      expect(text).to.include(office.use("db").error);
    }));

  it("is nothing again that a person was answered, but that it listens is", () =>
    withHub(async (hub) => {
      const office = await hub.node({ name: "office" });
      office.control.tellWaiting();
      const port = await reservePort();
      const use = useSettings("web", { serve: "web", serveid: 0, port });
      const { state } = await office.control.addUse(use);
      expect(state).to.equal("waiting");
      const service = await hub.service(startEcho);
      const web = serveSettings("web", { name: "web", port: service.port });
      await hub.node({ name: "home", serves: [web] });
      await office.untilNotice(/^use web .* listens: it reaches web of home$/);
      const told = office.notices.filter(({ text }) => text.startsWith("use"));
      expect(told).to.have.length(1);
    }));
});
