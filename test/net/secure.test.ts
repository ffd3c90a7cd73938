import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import tls from "node:tls";
import { expect } from "chai";
import {
  secureAsClient,
  secureAsServer,
  type SecureDuplex,
} from "../../src/net/secure.js";
import { TLS_FIRST_BYTE } from "../../src/wire/client-hello.js";
import { within } from "../support/deadline.js";
import { needs } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { failureOf } from "../support/failure.js";
import {
  createSocketPair,
  destroySocketPairs,
  type SocketPair,
} from "../support/socket-pair.js";

const PSK = Buffer.alloc(32, 1);
const OTHER = Buffer.alloc(32, 2);
const TIMEOUT_MS = 8_000;

describe("a connection secured by a key that both sides have", () => {
  let pair: SocketPair;

  beforeEach(async () => {
    pair = await createSocketPair();
  });

  afterEach(destroySocketPairs);

  const client = (psk = PSK, identity = "a hint", timeoutMs = TIMEOUT_MS) =>
    secureAsClient(pair.a, { identity, psk }, timeoutMs);
  const server = (
    findKey: (identity: string) => Buffer | null = () => PSK,
    timeoutMs = TIMEOUT_MS,
  ) => secureAsServer(pair.b, findKey, timeoutMs);
  const both = (): Promise<[SecureDuplex, SecureDuplex]> =>
    within("the handshake", Promise.all([client(), server()]));

  it("carries bytes both ways", async () => {
    const [a, b] = await both();
    a.duplex.write("a marker there");
    const [there] = (await once(b.duplex, "data")) as [Buffer];
    b.duplex.write("a marker back");
    const [back] = (await once(a.duplex, "data")) as [Buffer];
    expect(`${String(there)} ${String(back)}`).to.equal(
      "a marker there a marker back",
    );
  });

  it("has one binding at both ends, and another one for each connection", async () => {
    const [a, b] = await both();
    expect(a.binding).to.have.length(32);
    expect(a.binding).to.deep.equal(b.binding);
    pair = await createSocketPair();
    const [c] = await both();
    expect(c.binding).not.to.deep.equal(a.binding);
  });

  it("is TLS 1.3 by this very key, and shows no certificate", async () => {
    const [a] = await both();
    const socket = a.duplex;
    if (!(socket instanceof tls.TLSSocket)) throw new Error("is no TLS");
    expect(socket.getProtocol()).to.equal("TLSv1.3");
    expect(socket.isSessionReused()).to.equal(true);
    expect(socket.getPeerCertificate()).to.deep.equal({});
    expect(socket.getEphemeralKeyInfo()).not.to.deep.equal({});
  });

  it("lets the side that was dialled find the key by what the client says", async () => {
    const asked: string[] = [];
    const answer = server((identity) => {
      asked.push(identity);
      return PSK;
    });
    await within("the handshake", Promise.all([client(), answer]));
    expect(asked).to.deep.equal(["a hint"]);
  });

  it("does not let a session be taken up again in place of the key", async () => {
    // OpenSSL names a session to the client all the same; what must not be is that the name opens anything.
    const accept = server();
    const first = tls.connect({
      ...{ socket: pair.a, minVersion: "TLSv1.3" },
      ciphers: "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256",
      pskCallback: () => ({ identity: "a hint", psk: PSK }),
      checkServerIdentity: () => undefined,
    });
    const sessions: Buffer[] = [];
    first.on("session", (session) => sessions.push(session));
    const { duplex } = await within("the handshake", accept);
    duplex.write("x");
    await within("the first byte", once(first, "data"));
    const last = first.getSession();
    if (last) sessions.push(last);
    expect(sessions).not.to.deep.equal([]);

    for (const session of sessions) {
      pair = await createSocketPair();
      const answer = failureOf(server());
      const again = tls.connect({
        ...{ socket: pair.a, minVersion: "TLSv1.3", session },
        ciphers: "TLS_AES_128_GCM_SHA256:PSK-AES128-GCM-SHA256",
      });
      again.on("error", () => undefined);
      const { code } = await within("the refusal", answer);
      expect(code).to.be.oneOf(["refused", "protocol"]);
    }
  });

  it("carries an end of one half while the other goes on", async () => {
    const [a, b] = await both();
    a.duplex.end("last");
    b.duplex.resume();
    await within("the end", once(b.duplex, "end"));
    b.duplex.write("still");
    const [still] = (await once(a.duplex, "data")) as [Buffer];
    expect(String(still)).to.equal("still");
  });

  for (const [what, findKey] of [
    ["another key", () => OTHER],
    ["no key for what the client says", () => null],
  ] as const)
    it(`is refused on both sides with ${what}, and closed`, async () => {
      const [a, b] = await Promise.all([
        failureOf(client()),
        failureOf(server(findKey)),
      ]);
      for (const error of [a, b]) {
        expect(error.code).to.equal("refused");
        expect(error.message).to.equal("the keys do not match");
      }
      expect([pair.a.destroyed, pair.b.destroyed]).to.deep.equal([true, true]);
    });

  it("is refused from a server with a certificate and without the key", async () => {
    // Without a key there is nothing that this server could choose.
    const secured = new tls.TLSSocket(pair.b, { isServer: true });
    secured.on("error", () => undefined);
    expect((await failureOf(client())).code).to.equal("refused");
  });

  it("is refused from a server that shows a certificate, and says so", async function () {
    needs(this, "openssl");
    const folder = makeFolder();
    const [key, cert] = ["key", "cert"].map((name) => join(folder, name));
    execFileSync(
      "openssl",
      [
        ...["req", "-x509", "-newkey", "ec", "-nodes", "-subj", "/CN=x"],
        ...[
          "-pkeyopt",
          "ec_paramgen_curve:P-256",
          "-keyout",
          key!,
          "-out",
          cert!,
        ],
      ],
      { stdio: "ignore" },
    );
    const secured = new tls.TLSSocket(pair.b, {
      isServer: true,
      ...{ key: readFileSync(key!), cert: readFileSync(cert!) },
    });
    secured.on("error", () => undefined);
    removeFolder(folder);
    const error = await failureOf(client());
    expect(error.code).to.equal("protocol");
    expect(error.message).to.match(
      /is no vnet; it speaks TLS with a certificate/,
    );
  });

  it("is refused from a client that offers no key", async () => {
    const answer = failureOf(server());
    const secured = tls.connect({ socket: pair.a, minVersion: "TLSv1.3" });
    secured.on("error", () => undefined);
    expect((await answer).code).to.equal("protocol");
  });

  it("is refused from a client of TLS 1.2 that has the key", async () => {
    const answer = failureOf(server());
    const secured = tls.connect({
      socket: pair.a,
      maxVersion: "TLSv1.2",
      ciphers: "PSK-AES128-GCM-SHA256",
      pskCallback: () => ({ identity: "a hint", psk: PSK }),
    });
    secured.on("error", () => undefined);
    expect((await answer).code).to.equal("protocol");
  });

  it("is refused where something else than TLS is said", async () => {
    const answer = failureOf(server());
    pair.a.on("error", () => undefined);
    pair.a.write("GET / HTTP/1.1\r\n\r\n");
    expect((await answer).code).to.equal("protocol");
  });

  it("is given up when the other side says nothing, or leaves", async () => {
    expect((await failureOf(client(PSK, "a hint", 50))).code).to.equal(
      "timeout",
    );
    expect(pair.a.destroyed).to.equal(true);
    pair = await createSocketPair();
    const answer = failureOf(server());
    pair.a.destroy();
    expect((await answer).code).to.equal("closed");
  });

  it("is given up when half a handshake stays half", async () => {
    const answer = failureOf(server(() => PSK, 50));
    pair.a.on("error", () => undefined);
    pair.a.write(Buffer.from([TLS_FIRST_BYTE, 3, 1, 2, 0, 1]));
    expect((await answer).code).to.equal("timeout");
    expect(pair.b.destroyed).to.equal(true);
  });
});
