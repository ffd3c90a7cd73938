// What a connection may begin with: preamble, PROXY header, CONNECT line, OPEN. One property for all: a beginning is
// never judged otherwise than the whole.

import { expect } from "chai";
import fc from "fast-check";
import {
  encodeConnectAnswer,
  encodeConnectLine,
  parseConnectAnswer,
  parseConnectLine,
} from "../../src/wire/connect-line.js";
import { isName } from "../../src/printable.js";
import { decodeOpen, encodeOpen } from "../../src/wire/open.js";
import {
  encodeLegPreamble,
  isLegPreamble,
  LEG_PREAMBLE_BYTES,
  mayBecomeLeg,
} from "../../src/wire/preamble.js";
import { parseProxyHeader } from "../../src/wire/proxy-header.js";
import {
  always,
  anyBytes,
  anyText,
  outcomeOf,
  printableText,
} from "../support/property.js";

type Parse = (head: Buffer) => { value: unknown; bytes: number } | null;

/** Growing byte by byte it says nothing, until it says once and for all what it says of the whole. */
function expectConsistent(parse: Parse, bytes: Buffer): void {
  const of = (end: number) => {
    const outcome = outcomeOf(() => parse(bytes.subarray(0, end)), "protocol");
    return "error" in outcome ? "wrong" : JSON.stringify(outcome.value);
  };
  let said = "null";
  for (let end = 1; end <= bytes.length; end++) {
    const now = of(end);
    if (said !== "null") expect(now, `${end} bytes`).to.equal(said);
    said = now;
  }
}

const noise = anyBytes(40);
const beginnings = (...texts: string[]) =>
  fc.oneof(
    noise,
    fc
      .tuple(fc.constantFrom(...texts), noise)
      .map(([text, rest]) =>
        Buffer.concat([Buffer.from(text, "latin1"), rest]),
      ),
    fc
      .tuple(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 255 }), noise)
      .map(([text, at, byte, rest]) => {
        const bytes = Buffer.concat([Buffer.from(text, "latin1"), rest]);
        bytes[at % bytes.length] = byte;
        return bytes;
      }),
  );

const ipv4 = fc.ipV4();
const ipv6 = fc.ipV6().filter((address) => !/\d+\.\d+/.test(address));
const port = fc.nat({ max: 65_535 });
const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

describe("the first bytes of a connection, whatever they are,", () => {
  always(
    "are a leg's as soon as they can be, and as long as they may become it",
    fc.uint8Array({ minLength: 16, maxLength: 16 }),
    noise,
    (ticket, bytes) => {
      const leg = encodeLegPreamble(Buffer.from(ticket).toString("hex"));
      for (let end = 1; end <= leg.length; end++)
        expect(mayBecomeLeg(leg.subarray(0, end))).to.equal(true);
      expect(isLegPreamble(leg.subarray(0, LEG_PREAMBLE_BYTES))).to.equal(true);
      const head = bytes.subarray(0, LEG_PREAMBLE_BYTES);
      if (head.length === LEG_PREAMBLE_BYTES)
        expect(mayBecomeLeg(bytes)).to.equal(isLegPreamble(head));
    },
  );

  always(
    "are a PROXY header, its beginning, or a protocol error",
    beginnings(
      ...["PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UNKNOWN\r\n"],
      ...["PROXY TCP6 ::1 ::2 1 2\r\n", `${SIGNATURE}\x21\x11\0\x0c`, "PROXY "],
      ...[`${SIGNATURE}\x20\0\0\0`, `${SIGNATURE}\x21\x21\0\x24`],
    ),
    (bytes) => {
      expectConsistent(parseProxyHeader, bytes);
    },
  );

  always(
    "give the address of a PROXY line of version 1, and take no byte too many",
    fc.oneof(
      ipv4.map((ip) => ({ family: 4, ip })),
      ipv6.map((ip) => ({ family: 6, ip })),
    ),
    port,
    noise,
    ({ family, ip }, from, rest) => {
      const line = `PROXY TCP${family} ${ip} ${ip} ${from} 1\r\n`;
      const found = parseProxyHeader(Buffer.concat([Buffer.from(line), rest]));
      expect(found?.bytes).to.equal(line.length);
      expect(found?.value?.port).to.equal(from);
      if (family === 4) expect(found?.value?.address).to.equal(ip);
    },
  );

  always(
    "give the address of a PROXY header of version 2, with or without extensions",
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    port,
    anyBytes(100),
    (address, from, extensions) => {
      const header = Buffer.alloc(28);
      header.write(SIGNATURE, "latin1");
      header.set([0x21, 0x11], 12);
      header.writeUInt16BE(12 + extensions.length, 14);
      header.set(address, 16);
      header.writeUInt16BE(from, 24);
      const whole = Buffer.concat([header, extensions, Buffer.from("rest")]);
      expect(parseProxyHeader(whole)).to.deep.equal({
        value: { address: address.join("."), port: from },
        bytes: header.length + extensions.length,
      });
    },
  );

  always(
    "are a CONNECT line, its beginning, or a protocol error",
    beginnings("CONNECT 1\n", "CONNECT 4294967295\n", "CONNECT ", "OK 1\n"),
    (bytes) => {
      expectConsistent(parseConnectLine, bytes);
      expectConsistent(parseConnectAnswer, bytes);
    },
  );

  always(
    "give the port of a CONNECT line, and its answer is understood",
    fc.nat({ max: 0xffff_ffff }),
    noise,
    (value, rest) => {
      const line = Buffer.from(encodeConnectLine(value));
      expect(parseConnectLine(Buffer.concat([line, rest]))).to.deep.equal({
        value,
        bytes: line.length,
      });
      const answer = Buffer.from(encodeConnectAnswer(value));
      expect(parseConnectAnswer(answer)?.bytes).to.equal(answer.length);
    },
  );
});

describe("an OPEN, whatever it says,", () => {
  always(
    "is read as it was written",
    fc.maxSafeInteger(),
    printableText(0, 64).filter((text) => /^[!-~]*$/.test(text)),
    printableText(0, 64).filter((text) => text === "" || isName(text, 64)),
    (serveid, from, name) => {
      const wanted = name === "" ? { serveid } : { serveid, name };
      const open = { wanted, from };
      const payload = Buffer.from(encodeOpen(open));
      expect(decodeOpen(payload)).to.deep.equal(open);
    },
  );

  always(
    "is an OPEN or a protocol error, and its address is fit to be shown",
    fc.oneof(
      anyBytes(),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .record(
          {
            serveid: fc.jsonValue(),
            unserve: fc.jsonValue(),
            lend: fc.oneof(
              fc.jsonValue(),
              fc.record({
                ip: anyText(),
                port: fc.integer(),
                keep: fc.boolean(),
              }),
            ),
            from: anyText(),
          },
          { requiredKeys: [] },
        )
        .map((open) => Buffer.from(JSON.stringify(open))),
    ),
    (payload) => {
      const outcome = outcomeOf(() => decodeOpen(payload), "protocol");
      if ("error" in outcome) return;
      const { wanted } = outcome.value;
      const [kind, ...others] = Object.keys(wanted);
      expect(others).to.deep.equal([]);
      expect(["serveid", "unserve", "lend"]).to.include(kind);
      if ("serveid" in wanted)
        expect(Number.isInteger(wanted.serveid)).to.equal(true);
      if ("lend" in wanted) expect(wanted.lend.port).to.be.within(1, 65_535);
      expect(outcome.value.from).to.match(/^[!-~]{0,64}$/);
    },
  );
});
