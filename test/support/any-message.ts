// Any message that a table allows, made from the table itself: a field that is new there has to be named here, or its
// property test says so.

import fc from "fast-check";
import { fitLabel } from "../../src/config/value.js";
import { isPlainText, isPrintable } from "../../src/printable.js";
import * as field from "../../src/wire/fields.js";
import { clipReason } from "../../src/wire/fields.js";
import type { MessageTable } from "../../src/wire/message.js";
import { printableText } from "./property.js";

interface Schema {
  type: string;
  entries?: Record<string, Schema>;
  item?: Schema;
  options?: readonly unknown[];
  pipe?: readonly Schema[];
  /** of a field that may be left out */
  wrapped?: Schema;
}

const hex = (length: number) =>
  fc
    .uint8Array({ minLength: length / 2, maxLength: length / 2 })
    .map((bytes) => Buffer.from(bytes).toString("hex"));
const base64 = (length: number) =>
  fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => Buffer.from(bytes).toString("base64"));
const whole = (min: number, max: number) => fc.integer({ min, max });

const FIELDS = new Map<unknown, fc.Arbitrary<unknown>>([
  [field.label, printableText(1, 64).map((text) => fitLabel(text, "x"))],
  [
    field.optionalText,
    printableText(0, 256)
      .map((text) => text.normalize("NFC"))
      .filter((text) => isPlainText(text, 256)),
  ],
  [field.host, printableText(1, 255).filter(isPrintable)],
  [field.reason, printableText(0, 1_000).map(clipReason)],
  [field.port, whole(1, 65_535)],
  [field.serveid, whole(1, 999)],
  [field.wantedServeid, whole(0, 999)],
  [field.vnetid, whole(1, 1_000_000)],
  [field.optionalVnetid, whole(0, 1_000_000)],
  [field.request, fc.maxSafeNat()],
  [field.token, hex(32)],
  [field.mac, hex(64)],
  [field.publicKey, base64(32)],
  [field.signature, base64(64)],
  [field.flag, fc.boolean()],
  [field.since, fc.maxSafeNat()],
  [field.version, whole(0, 1_000_000)],
  [
    field.features,
    fc.array(fc.stringMatching(/^[a-z0-9-]{1,32}$/), { maxLength: 4 }),
  ],
]);

/** `ip` and `port` of a serve: a host with its port, or a link without. */
const places = fc.oneof(
  fc.record({
    ip: fc.constantFrom("127.0.0.1", "::1", "host.example"),
    port: whole(1, 65_535),
  }),
  fc.record({
    ip: fc.constantFrom("unix:/run/a.sock", "exec:program", "vsock:3:22"),
    port: fc.constant(0),
  }),
);

/** Any message of the table, `type` included. */
export function anyMessageOf(table: MessageTable): fc.Arbitrary<object> {
  const each = Object.entries(table).map(([type, schema]) =>
    anyOf(schema as unknown as Schema).map((fields) => ({
      ...(fields as object),
      type,
    })),
  );
  return fc.oneof(...each);
}

function anyOf(schema: Schema): fc.Arbitrary<unknown> {
  const known = FIELDS.get(schema);
  if (known !== undefined) return known;
  const [inner] = schema.pipe ?? [];
  const { entries, item, options } = inner ?? schema;
  if (options !== undefined) return fc.constantFrom(...options);
  if (item !== undefined) return fc.array(anyOf(item), { maxLength: 4 });
  if (entries === undefined)
    throw new Error(`any-message.ts does not know a field (${schema.type})`);
  if (!("share" in entries)) return anyFieldsOf(entries);
  const { ip: _, port: __, ...others } = entries;
  return fc
    .tuple(anyFieldsOf(others), places)
    .map(([fields, place]) => ({ ...fields, ...place }));
}

function anyFieldsOf(
  entries: Record<string, Schema>,
): fc.Arbitrary<Record<string, unknown>> {
  const all = Object.entries(entries);
  const fields = all.map(
    ([name, schema]) => [name, anyOf(schema.wrapped ?? schema)] as const,
  );
  const requiredKeys = all.flatMap(([name, { wrapped }]) =>
    wrapped === undefined ? name : [],
  );
  return fc.record(Object.fromEntries(fields), { requiredKeys });
}
