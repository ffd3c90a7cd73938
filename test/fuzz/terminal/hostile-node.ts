// A fake node whose group means ill: names, infos and reasons that hold controls and escapes, long lists, answers that
// come late, fail, or never come. The same seed gives the same node.

import { setImmediate as turn } from "node:timers/promises";
import { VnetError } from "../../../src/errors.js";
import { FakeNode, REMOTE_NODE, SSH } from "../../support/fake-node.js";
import { Random } from "../../support/random.js";
import { FOREIGN } from "./screen.js";

const WORDS = [
  ...["ssh", "web", "mysql", "a b", "主机", "집", "é", "x".repeat(64), "#1"],
  ...["--json", "it's", '"', "\\", "=", "👍", "a@b", "7", "help", "\u0301"],
];
/** None of these may reach a screen as it is. */
const ILL = [
  ...["\u001b[8;9t", "\u001b]0;x\u0007", "\u009b2J", "\r", "\u0007", "\u0000"],
  ...["\u001bc", "\u008d", "\b\b\b", "\u007f", "\ud800", "\n>: exit"],
  ...FOREIGN,
];

export class HostileNode extends FakeNode {
  /** the end of the newest notice */
  newest = "";
  private happened = 0;
  private readonly random: Random;

  /** `mayHang`: some of what it is asked it never answers. */
  constructor(
    seed: number,
    serves: number,
    private readonly mayHang = true,
  ) {
    super();
    const random = new Random(seed);
    this.random = random;
    this.nodeList = [...this.nodeList];
    const nodes = 1 + Math.ceil(serves / 3);
    for (let vnetid = 3; vnetid < nodes + 3; vnetid++)
      this.nodeList.push({ ...REMOTE_NODE, vnetid, name: this.words() });
    for (let at = 0; at < serves; at++)
      this.remoteList.push({
        ...{ ...SSH, serveid: 1 + at, vnetid: 3 + (at % nodes) },
        ...{ vnet: this.words(), name: this.words(), info: this.words() },
      });
    this.online = random.chance(0.8);
    this.guest = random.chance(0.05);
    this.spoil();
  }

  /** A few words of another node. */
  words(): string {
    const { random } = this;
    const all = Array.from({ length: random.between(1, 3) }, () =>
      this.one(random.chance(0.3) ? ILL : WORDS),
    );
    return all.join(random.chance(0.5) ? " " : "");
  }

  /** Something happened. */
  happen(): void {
    const levels = ["info", "warn", "error"] as const;
    const many = "came ".repeat(this.random.between(0, 30));
    this.newest = `n${++this.happened}.`;
    this.notify(`${this.words()} ${many}${this.newest}`, this.one(levels));
  }

  private one<T>(list: readonly T[]): T {
    return list[this.random.between(0, list.length - 1)]!;
  }

  /** All that the node does takes its time, and may go wrong. */
  private spoil(): void {
    const all = this as unknown as Record<string, Asked>;
    for (const name of ASKED) {
      const real = (all[name] ?? fail(name)).bind(this);
      all[name] = async (...given) => {
        await this.delay();
        return real(...given);
      };
    }
  }

  private async delay(): Promise<void> {
    const { random } = this;
    const choice = random.between(0, 9);
    if (choice === 0)
      throw new VnetError("refused", `${this.words()} ${this.words()}`);
    // Ctrl-C is the way out.
    if (choice === 1 && this.mayHang) await new Promise(() => undefined);
    for (let left = choice > 6 ? choice : 0; left > 0; left--) await turn();
  }
}

type Asked = (...given: unknown[]) => Promise<unknown>;

/** Everything that it does and does not just know. */
const ASKED = [
  ...["addServe", "openServe", "closeServe", "deleteServe"],
  ...["addUse", "openUse", "closeUse", "trustUse", "deleteUse"],
  ...["requestUnserve", "mapUnserve", "ping", "reload"],
];

function fail(name: string): never {
  throw new Error(`the fake node has no ${name}`);
}
