import { expect } from "chai";
import { describeStranger } from "../../src/wire/stranger.js";
import { recordClientHello, recordTlsHello } from "../support/client-hello.js";

const bytes = (hex: string) => Buffer.from(hex, "hex");
const REMEDY =
  /; nodes join here; users come in by a public port \(\[public\.X\]\)/;

describe("What a stranger speaks is said, with what can be done", () => {
  const rows: [what: string, head: Buffer | string, words: string][] = [
    ["HTTP", "GET /?token=secret HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP (GET)"],
    ["a WebDAV client", "PROPFIND / HTTP/1.1\r\n", "HTTP (PROPFIND)"],
    ["a long URL that is not whole", `GET /${"a".repeat(2_000)}`, "HTTP (GET)"],
    ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP (PRI)"],
    ["a user of a proxy", "CONNECT a:443 HTTP/1.1\r\n", "HTTP (CONNECT)"],
    ["SSH", "SSH-2.0-OpenSSH_9.2p1\r\n", "SSH"],
    [
      "RDP",
      bytes("030000130ee000000000000100080003000000"),
      "RDP (remote desktop)",
    ],
    ["psql that asks for TLS", bytes("0000000804d2162f"), "PostgreSQL"],
    ["psql that does not", bytes("0000000c000300007573"), "PostgreSQL"],
    ["Redis", "*1\r\n$4\r\nPING\r\n", "Redis"],
    ["MQTT", bytes("101000044d5154540402003c0004"), "MQTT"],
    ["SOCKS 5", bytes("050100"), "SOCKS (a proxy is wanted)"],
    ["SOCKS 4", bytes("040101bb01020304"), "SOCKS (a proxy is wanted)"],
    ["SMTP", "EHLO me\r\n", "SMTP"],
    ["SSL 2", bytes("802e0100020015"), "TLS of an old version (SSL 2's form)"],
    ["a part of TLS", bytes("1603010200"), "TLS, but not as a node does"],
    ["a line", "hello, world\r\n", 'something that begins with "hello, w"'],
    ["bytes", bytes("ff00ff"), "something that begins with the bytes ff00ff"],
    [
      "a terminal's codes",
      "\x1b[2J\x07",
      "something that begins with the bytes 1b5b324a07",
    ],
  ];
  for (const [what, head, words] of rows)
    it(`of ${what}`, () => {
      const said = describeStranger(Buffer.from(head));
      expect(said).to.match(REMEDY).and.not.to.include("secret");
      expect(said.replace(REMEDY, "; ")).to.match(/^it speaks [^;]*; /);
      expect(said.slice("it speaks ".length).split(";")[0]).to.equal(words);
    });

  const hellos: [what: string, hello: () => Promise<Buffer>, words: string][] =
    [
      [
        "a browser",
        () => recordTlsHello({ servername: "hub.example" }),
        "TLS with a certificate (https, for example), to hub.example;",
      ],
      [
        "a browser that calls an address",
        () => recordTlsHello({}),
        "TLS with a certificate (https, for example);",
      ],
      [
        "one of TLS 1.2",
        () => recordTlsHello({ maxVersion: "TLSv1.2", servername: "a.b" }),
        "TLS of an older version (1.2 at most), to a.b;",
      ],
      [
        "one that goes on with a session",
        () =>
          recordClientHello({ identity: "t".repeat(200), psk: bytes("00") }),
        "TLS with a certificate (https, for example);",
      ],
    ];
  for (const [what, hello, words] of hellos)
    it(`of ${what}`, async () => {
      const head = await hello();
      expect(describeStranger(head)).to.match(REMEDY).and.include(words);
      // A part of it, or a damaged one, is told without it.
      for (let end = 0; end < head.length; end++)
        expect(describeStranger(head.subarray(0, end))).to.match(REMEDY);
      for (let at = 1; at < head.length; at++) {
        const damaged = Buffer.from(head);
        damaged[at] = 0xff;
        expect(describeStranger(damaged)).to.match(REMEDY);
      }
    });

  const others: [what: string, head: string, words: RegExp][] = [
    ["a vnet of the first version", "vnet-ctl\0\0", /bring it to the version/],
    ["a proxy", "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n", /proxy_protocol=true/],
    ["a virtual machine", "CONNECT 7749\n", /connect_line=true/],
  ];
  for (const [what, head, words] of others)
    it(`of ${what}, for whom there is a setting`, () => {
      expect(describeStranger(Buffer.from(head))).to.match(words);
    });

  it("of a server name that would change a screen only as what it is", async () => {
    const hello = await recordTlsHello({ servername: "aaaaaaaa" });
    const at = hello.indexOf("aaaaaaaa");
    hello.write("\x1b[2J) x\n", at, "latin1");
    expect(describeStranger(hello)).to.include(', to "\\\\x1b[2J) x\\\\x0a";');
  });
});
