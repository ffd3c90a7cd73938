// How messages of one direction are told apart, checked and typed, from one table of their fields.
// The tables are to-hub.ts and to-node.ts.

import * as v from "valibot";
import { VnetError } from "../errors.js";
import { printable } from "../printable.js";

export type MessageTable = Record<string, v.GenericSchema<object, object>>;

/** The union of a table's messages: each one's fields and its `type`. */
export type MessageOf<Table extends MessageTable> = {
  [Type in keyof Table & string]: { type: Type } & v.InferOutput<Table[Type]>;
}[keyof Table & string];

/** One handler for each message type; leaving one out does not compile. */
export type MessageHandlers<Message extends { type: string }> = {
  [Type in Message["type"]]: (
    message: Extract<Message, { type: Type }>,
  ) => void;
};

/**
 * Checks what a frame held. Undefined: a message that this build does not know and may ignore, as its sender marked it
 * with `optional: true`. Fields that this build does not know are left out: a newer build may say more.
 * Throws VnetError `protocol` that says what is wrong, never quoting long contents.
 */
export function createMessageDecoder<Table extends MessageTable>(
  table: Table,
): (value: unknown) => MessageOf<Table> | undefined {
  return (value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value))
      throw new VnetError("protocol", "a message is not a JSON object");
    const { type, ...fields } = value as Record<string, unknown>;
    if (typeof type !== "string")
      throw new VnetError("protocol", "a message without a type");
    if (!Object.hasOwn(table, type)) {
      if (fields.optional === true) return undefined;
      throw new VnetError(
        "protocol",
        `unknown message type "${excerpt(type, 40)}"`,
      );
    }
    const schema = table[type];
    if (schema === undefined) throw new Error("unreachable");
    const result = v.safeParse(schema, fields);
    if (!result.success) {
      const issue = result.issues[0];
      throw new VnetError(
        "protocol",
        `message ${type}: ${excerpt(v.getDotPath(issue) ?? "fields", 60)}: ${excerpt(issue.message, 120)}`,
      );
    }
    return { type, ...result.output };
  };
}

/** Calls the handler of the message's own type. */
export function dispatch<Message extends { type: string }>(
  handlers: MessageHandlers<Message>,
  message: Message,
): void {
  const handle = handlers[message.type as Message["type"]] as (
    message: Message,
  ) => void;
  handle(message);
}

/** What a peer sent, cut short and fit for one line of a log or a `goodbye`. */
function excerpt(text: string, max: number): string {
  return printable(text.slice(0, max));
}
