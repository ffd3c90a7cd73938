// share=takeover with real programs: the later one wins, and what runs goes on.

import { expect } from "chai";
import { DEADLINE_MS, eventually } from "../support/deadline.js";
import type { TestServer } from "../support/echo.js";
import { startMember, untilRow, type UseRow } from "../support/lan.js";
import { closeLaunched, startHub } from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { askWho, startSpeaker } from "../support/speaker.js";

interface ServeRow {
  name: string;
  serveid: string;
  state: string;
  error: string | null;
}

describe("a topic that a later node takes over", function () {
  this.timeout(180_000);
  const services: TestServer[] = [];

  afterEach(async () => {
    await closeLaunched();
    for (const service of services.splice(0)) await service.close();
  });

  it("goes to the later one, tells the earlier one, and comes back to it", async () => {
    const hub = await startHub();
    const provider = async (name: string) => {
      const service = await startSpeaker(name);
      services.push(service);
      return startMember(hub, {
        name,
        sections: `[serve.topic]\nport = ${service.port}\nshare = takeover`,
      });
    };
    const first = await provider("first");
    const port = await reservePort();
    const user = await startMember(hub, {
      name: "user",
      sections: `[use.topic]\nserve = topic\nport = ${port}`,
    });
    await untilRow<UseRow>(
      user,
      "show use",
      ({ state }) => state === "listening",
      "the use listens",
    );
    const running = await askWho(port);
    expect(running?.name).to.equal("first");

    const reaches = async (name: string): Promise<void> => {
      const end = performance.now() + DEADLINE_MS;
      while (performance.now() < end) {
        const answer = await askWho(port);
        answer?.connection.socket.destroy();
        if (answer?.name === name) return;
      }
      throw new Error(`the ${name} one was not reached in time`);
    };
    const second = await provider("second");
    await reaches("second");
    await first.waitForOutput(
      /serve topic \(001\) gets new connections only of users that keep the other one out: vnet 03 \(second\) has taken it over/,
    );
    const [row] = [
      await untilRow<ServeRow>(
        first,
        "show serve",
        ({ state, error }) => state === "registered" && error !== null,
        "the earlier one is taken over",
      ),
    ];
    expect(row.error).to.include("vnet 03 (second) has taken it over");

    // New ones reach the later one only; the one that ran before goes on.
    for (let n = 0; n < 5; n++) {
      const answer = await askWho(port);
      expect(answer?.name).to.equal("second");
      answer?.connection.socket.destroy();
    }
    running?.connection.socket.write("still here");
    await eventually(
      "the echo over the earlier one",
      () => running?.connection.text === "first\nstill here",
    );

    await second.close();
    const back = await untilRow<ServeRow>(
      first,
      "show serve",
      ({ error }) => error === null,
      "the earlier one is back",
    );
    expect(back).to.include({ serveid: "001", state: "registered" });
    await reaches("first");
    running?.connection.socket.destroy();
  });
});
