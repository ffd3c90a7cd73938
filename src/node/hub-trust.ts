// Whether the hub at the other end is the one that is meant: by the fingerprint in the configuration, or by the key seen
// at first contact, as ssh does it. Decides; connects nothing.

import { VnetError } from "../errors.js";
import { fingerprintOf } from "../keys/fingerprint.js";
import { verifyHostProof } from "../keys/host-key.js";
import type { KnownHubs } from "../keys/known-hubs.js";
import { quoted } from "../printable.js";
import type { ToNode } from "../wire/to-node.js";
import { abilitiesOf, OWN_ABILITIES, settle } from "../wire/version.js";

export type HubProof = Extract<ToNode, { type: "proof" }>;

export interface TrustedHub {
  fingerprint: string;
  /** its key was not known before, and is remembered from now on */
  isFirstContact: boolean;
}

export class HubTrust {
  constructor(private readonly knownHubs: KnownHubs) {}

  /** Rejects with VnetError `refused` that says what to do. */
  async verify(hub: {
    address: string;
    /** `[route] fingerprint`, or empty */
    pinned: string;
    proof: HubProof;
    binding: Buffer;
  }): Promise<TrustedHub> {
    const { address, pinned, proof, binding } = hub;
    settle(OWN_ABILITIES, abilitiesOf(proof), {
      own: "this node",
      other: `the hub (${quoted(proof.software)})`,
    });
    const key = Buffer.from(proof.key, "base64");
    const signature = Buffer.from(proof.signature, "base64");
    if (!verifyHostProof(key, binding, signature))
      throw refused("the hub did not prove that its key is its own");
    const fingerprint = fingerprintOf(key);
    if (pinned !== "") {
      if (pinned === fingerprint) return { fingerprint, isFirstContact: false };
      throw refused(
        `the hub's key is ${fingerprint}, [route] fingerprint says ${pinned}: somebody may be between you and the hub, or the hub has a new key; ask its operator, then correct the line`,
      );
    }
    const known = await this.knownHubs.check(address, key);
    if (known.verdict === "changed")
      throw refused(
        `the hub's key has CHANGED: it is ${fingerprint}, it was ${known.remembered}: somebody may be between you and the hub, or the hub has a new key; ask its operator, then write [route] fingerprint=${fingerprint}`,
      );
    return { fingerprint, isFirstContact: known.verdict === "new" };
  }
}

function refused(text: string): VnetError {
  return new VnetError("refused", text);
}
