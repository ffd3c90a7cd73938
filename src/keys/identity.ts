// A node's identity: an X25519 key pair. Its public half is what the group knows it by; the private half never leaves.

import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";
import { VnetError } from "../errors.js";
import { fingerprintOf } from "./fingerprint.js";
import { readOrMakeKeyFile } from "./key-file.js";

export const PUBLIC_KEY_BYTES = 32;

export class Identity {
  /** raw public key, 32 bytes */
  readonly publicKey: Buffer;
  readonly fingerprint: string;

  private constructor(private readonly privateKey: KeyObject) {
    this.publicKey = rawPublicKey(createPublicKey(privateKey));
    this.fingerprint = fingerprintOf(this.publicKey);
  }

  static generate(): Identity {
    return new Identity(createPrivateKey(generatePem("x25519")));
  }

  /** Throws VnetError `config` when the file is damaged, or others can read it. */
  static async load(path: string): Promise<Identity> {
    const { bytes } = await readOrMakeKeyFile(path, () =>
      generatePem("x25519"),
    );
    return new Identity(fromPem(bytes, "x25519", path));
  }

  /** The secret that only the two owners of these keys can compute (RFC 7748), 32 bytes. Throws VnetError `protocol`. */
  agree(otherPublicKey: Buffer): Buffer {
    try {
      return diffieHellman({
        privateKey: this.privateKey,
        publicKey: toPublicKey(otherPublicKey, "X25519"),
      });
    } catch (cause) {
      throw new VnetError("protocol", "not a usable public key", { cause });
    }
  }
}

/**
 * A new private key (PKCS #8). Never a KeyObject of Node's making: to export that very one can stop the process for ever,
 * when the garbage of its making is collected meanwhile, which wants the key's lock, too (Node 20). A hub makes a key for
 * each control link.
 */
export function generatePem(type: "x25519" | "ed25519"): Buffer {
  const { privateKey } = generateKeyPairSync(type as "x25519", {
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  return Buffer.from(privateKey);
}

/** Throws VnetError `config` that names the file. */
export function fromPem(
  bytes: Buffer,
  type: "x25519" | "ed25519",
  path: string,
): KeyObject {
  try {
    const key = createPrivateKey(bytes);
    if (key.asymmetricKeyType === type) return key;
  } catch {
    // falls through to the one error; its cause could quote the key
  }
  throw new VnetError(
    "config",
    `${path}: this key file is damaged; restore it from a copy, or remove it to get a new key (others will see a new fingerprint)`,
  );
}

export function rawPublicKey(key: KeyObject): Buffer {
  const { x } = key.export({ format: "jwk" });
  return Buffer.from(x ?? "", "base64url");
}

export function toPublicKey(
  raw: Buffer,
  curve: "X25519" | "Ed25519",
): KeyObject {
  return createPublicKey({
    key: { kty: "OKP", crv: curve, x: raw.toString("base64url") },
    format: "jwk",
  });
}
