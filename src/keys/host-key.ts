// The hub's Ed25519 key: signs what is unique to one connection, so that nobody else can show that signature again.

import {
  createPrivateKey,
  createPublicKey,
  sign,
  verify,
  type KeyObject,
} from "node:crypto";
import { fingerprintOf } from "./fingerprint.js";
import { fromPem, generatePem, rawPublicKey, toPublicKey } from "./identity.js";
import { readOrMakeKeyFile } from "./key-file.js";

/** Keeps a signature made here from being of use anywhere else. */
const CONTEXT = Buffer.from("vnet hub proof 1\0");

export class HostKey {
  /** raw public key, 32 bytes */
  readonly publicKey: Buffer;
  readonly fingerprint: string;

  private constructor(private readonly privateKey: KeyObject) {
    this.publicKey = rawPublicKey(createPublicKey(privateKey));
    this.fingerprint = fingerprintOf(this.publicKey);
  }

  static generate(): HostKey {
    return new HostKey(createPrivateKey(generatePem("ed25519")));
  }

  /** Throws VnetError `config` when the file is damaged, or others can read it. */
  static async load(path: string): Promise<HostKey> {
    const { bytes } = await readOrMakeKeyFile(path, () =>
      generatePem("ed25519"),
    );
    return new HostKey(fromPem(bytes, "ed25519", path));
  }

  /** @param binding what is unique to the connection (RFC 9266) */
  prove(binding: Buffer): Buffer {
    return sign(null, Buffer.concat([CONTEXT, binding]), this.privateKey);
  }
}

export function verifyHostProof(
  publicKey: Buffer,
  binding: Buffer,
  proof: Buffer,
): boolean {
  try {
    return verify(
      null,
      Buffer.concat([CONTEXT, binding]),
      toPublicKey(publicKey, "Ed25519"),
      proof,
    );
  } catch {
    // not a key at all
    return false;
  }
}
