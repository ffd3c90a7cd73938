// Attacks on the hub's door by somebody who has no key, against the real hub: what they cost those who have one, and
// what they cost the hub.

import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { expect } from "chai";
import { createKeyHint, createLinkKey } from "../../src/keys/psk.js";
import { encodeFrame } from "../../src/wire/frame.js";
import { recordClientHello } from "../support/client-hello.js";
import { eventually } from "../support/deadline.js";
import { skip } from "../support/find-program.js";
import { HubClient } from "../support/hub-client.js";
import { nodeConfig } from "../support/lan.js";
import { closeLaunched, startHub, startNode } from "../support/launch.js";
import { canMeasure, openSockets, residentBytes } from "../support/memory.js";
import { reservePort } from "../support/ports.js";

const AUTHKEY = "the-key-of-the-hub";

describe("at the hub's door", function () {
  this.timeout(180_000);
  const sockets = new Set<Socket>();
  let flooding: NodeJS.Timeout | undefined;

  afterEach(async () => {
    clearInterval(flooding);
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await closeLaunched();
  });

  async function startKeyedHub(more = "") {
    const port = await reservePort();
    return startHub(
      `[route]\nip = 127.0.0.1\nport = ${port}\nauthkey = ${AUTHKEY}\n${more}`,
    );
  }

  /** A connection that says these bytes and stays for as long as the hub lets it. */
  function say(port: number, words: Buffer): Socket {
    const socket = connect({ host: "127.0.0.1", port });
    sockets.add(socket);
    socket
      .on("error", () => undefined)
      .on("close", () => {
        sockets.delete(socket);
      });
    socket.resume().write(words);
    return socket;
  }

  const KEYS = [
    [
      "a wrong key",
      async () => {
        const key = await createLinkKey("another-key");
        return { identity: createKeyHint(key), psk: key.psk };
      },
    ],
    [
      "a hint of the hub's and not its key",
      async () => {
        const key = await createLinkKey(AUTHKEY);
        return { identity: createKeyHint(key), psk: randomBytes(32) };
      },
    ],
    [
      "the right key, which somebody recorded",
      async () => {
        const key = await createLinkKey(AUTHKEY);
        return { identity: createKeyHint(key), psk: key.psk };
      },
    ],
  ] as const;
  for (const [what, keyOf] of KEYS)
    it(`800 recorded ClientHellos a second with ${what} keep out nobody behind the same address`, async () => {
      const hub = await startKeyedHub();
      const hello = await recordClientHello(await keyOf());
      let sent = 0;
      flooding = setInterval(() => {
        for (let count = 0; count < 20; count++, sent++) say(hub.port, hello);
      }, 25);
      // From here on each has its answer as late as it can be.
      await eventually("the flood is at its height", () => sent >= 2_000);
      const names = ["first", "second", "third"];
      for (const name of names) {
        const before = sent;
        const node = startNode(
          nodeConfig(hub.port, { name }).replace(
            "[route]",
            `[route]\nauthkey = ${AUTHKEY}`,
          ),
        );
        await node.waitForOutput("connected to the hub");
        // Not by a pause of the flood, and at its first attempt.
        expect(sent).to.be.above(before);
        expect(node.output).to.not.match(/not reached|tried again/);
      }
      await hub.waitForOutput(/\(third\) joined/);
      expect(hub.output.match(/joined/g)).to.have.length(names.length);
    });

  it("guests that ping and never read cost little, and are gone when they took nothing for heartbeat_timeout", async function () {
    // Their system takes answers for them until its buffers are full.
    this.timeout(300_000);
    if (!canMeasure) skip(this, "needs /proc");
    const port = await reservePort();
    const hub = await startHub(
      `[route]\nip = 127.0.0.1\nport = ${port}\nheartbeat_interval = 1500\nheartbeat_timeout = 6000\n[limits]\nmax_frames_per_second = 100000\n`,
    );
    const pings = Buffer.concat(
      Array.from({ length: 200 }, (_, request) =>
        encodeFrame({ type: "ping", request }),
      ),
    );
    const guests: HubClient[] = [];
    for (let count = 0; count < 20; count++) {
      const guest = await HubClient.connect(port);
      guests.push(await guest.join({ name: `guest ${count}`, guest: true }));
    }
    const before = residentBytes(hub.pid);
    let most = before;
    for (const guest of guests) {
      guest.stopReading();
      guest.repeat(pings);
    }
    // They never stop to speak: only that they do not read ends them.
    await eventually(
      "all are gone",
      () => {
        most = Math.max(most, residentBytes(hub.pid));
        return openSockets(hub.pid) < 10;
      },
      90_000,
    );
    for (const guest of guests) guest.close();
    // Most of it is garbage of the flood. Without the bound each may have 16 MiB waiting for it.
    expect((most - before) / 1024 / 1024).to.be.below(160);
    const late = startNode(nodeConfig(port, { name: "late" }));
    await late.waitForOutput("connected to the hub");
  });

  const ANNOUNCEMENTS = [
    ["a ClientHello of 131,000 bytes", "160301400001" + "01ffb8"],
    ["the largest ClientHello that is looked at", "1603010ffb01" + "000ff7"],
  ] as const;
  for (const [what, hex] of ANNOUNCEMENTS)
    it(`nine bytes that announce ${what} cost the hub a socket at the most`, async function () {
      if (!canMeasure) skip(this, "needs /proc");
      const number = 4_000;
      // Nobody is to be turned away for another one of them.
      const limits =
        "[limits]\nmax_unauthenticated = 100000\nmax_unauthenticated_per_address = 100000\n";
      const hub = await startKeyedHub(limits);
      const before = residentBytes(hub.pid);
      let most = before;
      const words = Buffer.from(hex, "hex");
      for (let count = 0; count < number; count += 100) {
        for (let n = 0; n < 100; n++) say(hub.port, words);
        await new Promise(setImmediate);
        most = Math.max(most, residentBytes(hub.pid));
      }
      await eventually("all have come", () => {
        most = Math.max(most, residentBytes(hub.pid));
        return openSockets(hub.pid) >= sockets.size;
      });
      // OpenSSL alone would take 168 kB of each.
      expect((most - before) / number / 1024).to.be.below(40);
    });
});
