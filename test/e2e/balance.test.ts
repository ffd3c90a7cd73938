// share=balance with real programs: three providers of one topic, connections all the time, and one provider that is
// killed and comes back.

import { expect } from "chai";
import { eventually } from "../support/deadline.js";
import type { TestServer } from "../support/echo.js";
import {
  nodeConfig,
  startMember,
  untilRow,
  type UseRow,
} from "../support/lan.js";
import {
  closeLaunched,
  startHub,
  startNode,
  type Hub,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { Random } from "../support/random.js";
import { askWho, startSpeaker } from "../support/speaker.js";

const NAMES = ["a", "b", "c"] as const;
const EVERY_MS = 20;
const MAX_HOLD_MS = 300;

interface Attempt {
  at: number;
  /** null: it failed; undefined: not known yet */
  name: string | null | undefined;
  /** it was answered, and broken while it was held */
  wasCut: boolean;
}

/** About 50 new connections a second, each held for a random short while. */
class Users {
  readonly attempts: Attempt[] = [];
  readonly #random = new Random(50);
  readonly #timer;
  readonly #running = new Set<Promise<void>>();

  constructor(port: number) {
    this.#timer = setInterval(() => {
      const one: Promise<void> = this.#connect(port).finally(() =>
        this.#running.delete(one),
      );
      this.#running.add(one);
    }, EVERY_MS);
  }

  /** How many of the connections since `from` each one answered. */
  counts(from = 0, to = Infinity): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { at, name } of this.attempts)
      if (typeof name === "string" && at >= from && at < to)
        counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  /** That many more, from now on, have been answered or failed. */
  async more(count: number): Promise<void> {
    const begin = this.attempts.length;
    await eventually(
      `${count} more connections`,
      () => {
        const known = this.attempts.slice(begin, begin + count);
        return (
          known.length === count &&
          known.every(({ name }) => name !== undefined)
        );
      },
      60_000,
    );
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#running);
  }

  async #connect(port: number): Promise<void> {
    const attempt: Attempt = {
      at: performance.now(),
      name: undefined,
      wasCut: false,
    };
    this.attempts.push(attempt);
    const answer = await askWho(port);
    attempt.name = answer?.name ?? null;
    if (answer === null) return;
    const { socket, closed } = answer.connection;
    const hold = setTimeout(
      () => socket.end(),
      this.#random.between(0, MAX_HOLD_MS),
    );
    await closed;
    clearTimeout(hold);
    attempt.wasCut = answer.connection.state === "reset";
    socket.destroy();
  }
}

/** The busiest one's share against the mean. */
function spread(counts: Record<string, number>): number {
  const all = Object.values(counts);
  return Math.max(...all) / (all.reduce((a, b) => a + b, 0) / all.length);
}

describe("a topic that several nodes balance", function () {
  this.timeout(180_000);
  const services = new Map<string, TestServer>();
  let users: Users | undefined;

  afterEach(async () => {
    await users?.stop();
    await closeLaunched();
    for (const service of services.values()) await service.close();
  });

  const configOf = (hub: Hub, name: string) =>
    nodeConfig(hub.port, {
      name,
      sections: `[serve.topic]\nport = ${services.get(name)?.port ?? 0}\nshare = balance`,
    });

  it("survives the death of one without a failure, spreads evenly, and has it back", async () => {
    const hub = await startHub();
    for (const name of NAMES) services.set(name, await startSpeaker(name));
    const nodes = NAMES.map((name) => startNode(configOf(hub, name)));
    for (const node of nodes) await node.waitForOutput("connected to the hub");
    const [victim] = nodes as [(typeof nodes)[number]];
    const port = await reservePort();
    const user = await startMember(hub, {
      name: "user",
      sections: `[use.topic]\nserve = topic\nport = ${port}`,
    });
    const untilProviders = (count: number) =>
      untilRow<UseRow & { providers: number }>(
        user,
        "show use",
        ({ providers, state }) => providers === count && state === "listening",
        `${count} providers`,
      );
    await untilProviders(3);

    const running = (users = new Users(port));
    await running.more(120);
    const before = running.counts();
    expect(Object.keys(before)).to.have.members([...NAMES]);
    expect(spread(before)).to.be.below(1.2);

    const inFlight = services
      .get("a")!
      .connections.filter(({ socket }) => !socket.destroyed).length;
    const said = hub.output.length;
    const killedAt = performance.now();
    victim.kill("SIGKILL");
    await hub.waitForOutput(/\(a\) .*left/, 30_000, said);
    // The user's node has to have heard it from the hub, too.
    await untilProviders(2);
    const noticedAt = performance.now();
    await running.more(150);

    const { attempts } = running;
    const failed = attempts.filter(({ name }) => name === null);
    expect(
      attempts.filter(({ at, name }) => at < killedAt - 1_000 && name === null),
    ).to.be.empty;
    expect(
      failed.filter(({ at }) => at > noticedAt),
      "failed after the node knew",
    ).to.be.empty;
    expect(failed.length, "failed before").to.be.at.most(inFlight + 1);
    const healthy = running.counts(noticedAt);
    expect(Object.keys(healthy)).to.have.members(["b", "c"]);
    expect(spread(healthy)).to.be.below(1.2);

    const again = startNode(configOf(hub, "a"), { folder: victim.folder });
    await again.waitForOutput("connected to the hub");
    await untilProviders(3);
    const backAt = performance.now();
    // Who comes back has none, and gets some more at first: so many that this does not count.
    await running.more(200);
    const after = running.counts(backAt);
    expect(after.a).to.be.above(10);
    expect(spread(after)).to.be.below(1.25);
    await running.stop();
    expect(
      attempts.filter(
        ({ name, wasCut, at }) => at > noticedAt && (name === null || wasCut),
      ),
    ).to.be.empty;
  });
});
