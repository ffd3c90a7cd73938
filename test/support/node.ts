// A node in the test's own process, with short limits, that remembers its
// notices. Closed by the TestHub that started it, or by withNode.

import { textOf } from "../../src/log.js";
import type { NodeConfig } from "../../src/config/config.js";
import { Identity } from "../../src/keys/identity.js";
import { KnownHubs } from "../../src/keys/known-hubs.js";
import type {
  Notice,
  RemoteServe,
  ServeView,
  UseView,
} from "../../src/node/control.js";
import { Node } from "../../src/node/node.js";
import type { NodeOptions } from "../../src/node/parts.js";
import { DEADLINE_MS, eventually } from "./deadline.js";

export type NodeLimits = Partial<Omit<NodeOptions, "config" | "software">>;

const LIMITS: NodeLimits = {
  backoff: { firstMs: 20, maxMs: 100, growth: 2, healthyMs: 10_000 },
};

/** As a person reads it. */
export interface ToldNotice {
  level: Notice["level"];
  text: string;
}

export class TestNode {
  readonly notices: ToldNotice[] = [];

  private constructor(readonly control: Node) {
    control.onNotice((notice) => {
      this.notices.push({ level: notice.level, text: textOf(notice) });
    });
  }

  /** Does not wait for the hub. */
  static start(config: NodeConfig, limits: NodeLimits = {}): TestNode {
    return new TestNode(
      Node.start({
        config,
        software: "vnet test",
        identity: Identity.generate(),
        knownHubs: new KnownHubs(null),
        ...LIMITS,
        ...limits,
      }),
    );
  }

  get vnetid(): number {
    return this.control.view().vnetid;
  }

  online(): Promise<void> {
    return this.control.online(DEADLINE_MS);
  }

  serve(label: string): ServeView {
    return named(label, this.control.serves());
  }

  use(label: string): UseView {
    return named(label, this.control.uses());
  }

  untilServe(label: string, state: ServeView["state"]): Promise<ServeView> {
    return eventually(`serve ${label} is ${state}`, () => {
      const serve = this.serve(label);
      return serve.state === state && serve;
    });
  }

  untilUse(label: string, state: UseView["state"]): Promise<UseView> {
    return eventually(`use ${label} is ${state}`, () => {
      const use = this.use(label);
      return use.state === state && use;
    });
  }

  /** The serve of the group, once this node knows of it. */
  untilSeen(serveid: number): Promise<RemoteServe> {
    return eventually(`serve ${serveid} is seen`, () => this.seen(serveid));
  }

  untilUnseen(serveid: number): Promise<true> {
    return eventually(`serve ${serveid} is gone`, () => !this.seen(serveid));
  }

  seen(serveid: number): RemoteServe | undefined {
    return [...this.control.knownServes()].find(
      (serve) => serve.serveid === serveid,
    );
  }

  untilNotice(pattern: RegExp): Promise<ToldNotice> {
    return eventually(`a notice like ${pattern.source}`, () =>
      this.notices.find(({ text }) => pattern.test(text)),
    );
  }

  close(): Promise<void> {
    return this.control.close();
  }
}

/** Starts a node, passes it on and closes it whatever happens. */
export async function withNode<T>(
  config: NodeConfig,
  body: (node: TestNode) => Promise<T>,
  limits: NodeLimits = {},
): Promise<T> {
  const node = TestNode.start(config, limits);
  try {
    return await body(node);
  } finally {
    await node.close();
  }
}

function named<T extends { label: string }>(label: string, views: T[]): T {
  const found = views.find((view) => view.label === label);
  if (found === undefined) throw new Error(`nothing is called ${label}`);
  return found;
}
