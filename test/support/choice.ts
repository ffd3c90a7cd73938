// A use's choice of its provider without network, for tests of what chooses and of what asks it.

import { KnownNodes } from "../../src/keys/known-nodes.js";
import { Choice, type ChoiceOptions } from "../../src/node/choice.js";
import type { Directory } from "../../src/node/directory.js";
import type { Inquiries } from "../../src/node/inquiries.js";
import { Standings } from "../../src/node/standings.js";
import { keyOfNode } from "./remote-serve.js";

export class ChoiceStage {
  readonly standings = new Standings();
  knownNodes = new KnownNodes(null);
  readonly settings = {
    group: "default",
    secret: "",
    encrypt: true,
    terminal: true,
  };
  /** the numbers of the nodes that were asked for a channel */
  readonly asked: number[] = [];
  readonly told: string[] = [];
  changes = 0;

  constructor(readonly directory: Directory) {}

  choice(options: Partial<ChoiceOptions> = {}): Choice {
    const inquiries = {
      ask: ({ vnetid }: { vnetid: number }) => this.asked.push(vnetid),
      errorOf: () => null,
    } as unknown as Inquiries;
    return new Choice({
      directory: this.directory,
      standings: this.standings,
      inquiries,
      knownNodes: this.knownNodes,
      settings: () => this.settings,
      trustCall: (wanted) => `./vnet trust ${wanted}`,
      label: "web",
      wanted: "700",
      fingerprint: "",
      remembers: true,
      onChange: () => {
        this.changes++;
      },
      tell: ({ what }) => {
        this.told.push(what);
      },
      ...options,
    });
  }
}

/** One that knows all of these nodes, and nothing against any. */
export function openChoice(directory: Directory): Choice {
  const stage = new ChoiceStage(directory);
  for (let vnetid = 1; vnetid < 10; vnetid++)
    stage.standings.worked(keyOfNode(vnetid), false);
  return stage.choice();
}
