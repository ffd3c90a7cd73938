import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import {
  parseProxyHeader,
  type ProxySource,
} from "../../src/wire/proxy-header.js";

const SIGNATURE = "0d0a0d0a000d0a515549540a";

/** Version 2: `kind` is the bytes of version with command, and of family with transport. */
function binary(kind: string, body: string, bytes = body.length / 2): Buffer {
  const length = bytes.toString(16).padStart(4, "0");
  return Buffer.from(SIGNATURE + kind + length + body, "hex");
}

const IPV4 = "7f000002" + "7f000001" + "c000" + "1e45";
const IPV6 =
  "20010db8000000000000000000000001".concat("0".repeat(31), "1") + "c0001e45";
const MAPPED =
  "00000000000000000000ffff7f000002".concat("0".repeat(32)) + "c0001e45";
/** an extension, as proxies put them behind the addresses */
const EXTENSION = "040003000000";

const headers: [what: string, header: Buffer, source: ProxySource | null][] = [
  [
    "a line of IPv4",
    Buffer.from("PROXY TCP4 127.0.0.2 127.0.0.1 49152 7749\r\n"),
    { address: "127.0.0.2", port: 49_152 },
  ],
  [
    "a line of IPv6",
    Buffer.from("PROXY TCP6 2001:DB8:0:0:0:0:0:1 ::1 0 65535\r\n"),
    { address: "2001:db8::1", port: 0 },
  ],
  [
    "a line of IPv4 in IPv6",
    Buffer.from("PROXY TCP6 ::ffff:10.20.30.40 ::1 1 2\r\n"),
    { address: "10.20.30.40", port: 1 },
  ],
  ["an unknown line", Buffer.from("PROXY UNKNOWN\r\n"), null],
  [
    "an unknown line with the longest addresses",
    Buffer.from(
      `PROXY UNKNOWN ${Array(2)
        .fill("ffff:".repeat(7) + "ffff")
        .join(" ")} 65535 65535\r\n`,
    ),
    null,
  ],
  ["IPv4", binary("2111", IPV4), { address: "127.0.0.2", port: 49_152 }],
  [
    "IPv4 with an extension",
    binary("2111", IPV4 + EXTENSION),
    { address: "127.0.0.2", port: 49_152 },
  ],
  [
    "IPv4 with 4,096 bytes in all",
    binary("2111", IPV4.padEnd(2 * 4_080, "0")),
    { address: "127.0.0.2", port: 49_152 },
  ],
  ["IPv6", binary("2121", IPV6), { address: "2001:db8::1", port: 49_152 }],
  [
    "IPv4 in IPv6",
    binary("2121", MAPPED),
    { address: "127.0.0.2", port: 49_152 },
  ],
  ["a proxy's own check", binary("2000", ""), null],
  ["a proxy's own check that names addresses", binary("2011", IPV4), null],
  ["a proxy's own check of no known family", binary("20f7", "00"), null],
  ["no address", binary("2100", ""), null],
  ["a Unix socket", binary("2131", "0".repeat(2 * 216)), null],
];

const hostile: [what: string, bytes: Buffer, says: RegExp][] = [
  ["HTTP", Buffer.from("GET / HTTP/1.1\r\n\r\n"), /without a PROXY header/],
  ["TLS", Buffer.from("1603010200", "hex"), /without a PROXY header/],
  ["a leg", Buffer.from("vnet-leg"), /without a PROXY header/],
  ["HTTP's PROPFIND", Buffer.from("PROP"), /without a PROXY header/],
  ["small letters", Buffer.from("proxy "), /without a PROXY header/],
  [
    "a line without an end",
    Buffer.from("PROXY TCP4 ".padEnd(107, "1")),
    /no end of its line within 107 bytes/,
  ],
  [
    "a line that ends one byte too late",
    Buffer.from("PROXY UNKNOWN ".padEnd(106, "x") + "\r\n"),
    /no end of its line/,
  ],
  ...[
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\n",
    "PROXY  TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY TCP4  1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY TCP4\t1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2 \r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 -2\r\n",
    "PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\r\n",
    "PROXY TCP5 1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
    "PROXY UNKNOWNS\r\n",
    "PROXY UNKNOWN\n",
    "PROXY UNKNOWN \rx\r\n",
    "PROXY \r\n",
  ].map((line): [string, Buffer, RegExp] => [
    JSON.stringify(line),
    Buffer.from(line),
    /its line is not TCP4, TCP6 or UNKNOWN/,
  ]),
  ...[
    "TCP4 1.2.3.256 1.2.3.4",
    "TCP4 01.2.3.4 1.2.3.4",
    "TCP4 1.2.3 1.2.3.4",
    "TCP4 ::1 ::1",
    "TCP4 1.2.3.4 here",
    "TCP4 \x1b[2J 1.2.3.4",
    "TCP6 1.2.3.4 1.2.3.4",
    "TCP6 fe80::1%eth0 ::1",
    "TCP6 ::1]/@x[:: ::1",
    "TCP6 ::1 1::2::3",
    "TCP6 g::1 ::1",
  ].map((addresses): [string, Buffer, RegExp] => [
    JSON.stringify(addresses),
    Buffer.from(`PROXY ${addresses} 1 2\r\n`),
    /an address that is none of TCP[46]$/,
  ]),
  ...["65536 1", "1 99999", "01 1", "1 00", "1 123456"].map(
    (ports): [string, Buffer, RegExp] => [
      `the ports ${ports}`,
      Buffer.from(`PROXY TCP4 1.2.3.4 1.2.3.4 ${ports}\r\n`),
      /a port that is none/,
    ],
  ),
  ["version 1 in binary", binary("1111", IPV4), /version 1/],
  ["version 3", binary("3111", IPV4), /version 3/],
  ["an unknown command", binary("2211", IPV4), /command 2/],
  ["an unknown family", binary("2141", IPV4), /address family 4, transport 1/],
  ["an unknown transport", binary("2113", IPV4), /transport 3/],
  ["IPv4 in too few bytes", binary("2111", "7f000002"), /too short/],
  ["IPv6 in too few bytes", binary("2121", IPV4), /too short/],
  [
    "4,097 bytes, before they come",
    binary("2111", "", 4_081),
    /4097 bytes, more than 4096/,
  ],
  ["the most that its length can say", binary("2000", "", 65_535), /65551/],
];

describe("a PROXY header", () => {
  for (const [what, header, source] of headers)
    it(`of ${what} is read, however it comes and whatever follows`, () => {
      for (let bytes = 0; bytes < header.length; bytes++)
        expect(parseProxyHeader(header.subarray(0, bytes)), `${bytes}`).to.be
          .null;
      const expected = { value: source, bytes: header.length };
      expect(parseProxyHeader(header)).to.deep.equal(expected);
      const more = Buffer.concat([header, Buffer.from("PROXY \r\n\x16")]);
      expect(parseProxyHeader(more)).to.deep.equal(expected);
    });

  for (const [what, bytes, says] of hostile)
    it(`cannot be ${what}`, () => {
      const parse = () => parseProxyHeader(bytes);
      expect(parse).to.throw(VnetError, says).with.property("code", "protocol");
    });

  it("is refused in words of one line that repeat nothing of what came", () => {
    const bytes = Buffer.from("PROXY TCP4 \x1b[2Jsecret 1.2.3.4 1 2\r\n");
    expect(() => parseProxyHeader(bytes)).to.throw(/^[ -~]*$/);
    expect(() => parseProxyHeader(bytes)).to.not.throw(/secret/);
  });
});
