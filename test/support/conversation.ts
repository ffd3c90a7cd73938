// A TCP conversation as data: what each of the two sides does, and what it must see of the other one.
// conversations.ts is the table of them; conversation-side.ts carries a side out; lane.ts brings two sides together.

export type Step =
  /** that many bytes more, in pieces of `piece` (else as chance cuts them), with `pauseMs` between; done when the kernel has them all */
  | { do: "send"; bytes: number; piece?: number; pauseMs?: number }
  /** until that many bytes more have come */
  | { do: "receive"; bytes: number }
  /** no more bytes from here; the other direction goes on */
  | { do: "fin" }
  | { do: "untilFin" }
  /** away with it, the hard way */
  | { do: "reset" }
  | { do: "untilReset" }
  /** without end, against whatever slows it, until the other side resets */
  | { do: "sendUntilReset" }
  /** close(2), as a process does that exits: FIN, or a reset where there is something that it has not read */
  | { do: "close" }
  /** as the first step: not a byte is read; later: at most what Node has fetched already */
  | { do: "stopReading" }
  | { do: "goOnReading" }
  /** from here on it reads a piece, pauses, and so on */
  | { do: "readSlowly"; pauseMs: number }
  /** until the kernel has so many bytes for this side that it has not read */
  | { do: "untilUnread"; bytes: number }
  | { do: "idle"; ms: number };

/** How the other side's half was seen to end. open: not at all, until this side itself went away. */
export type End = "open" | "fin" | "reset" | "fin, then reset" | "refused";

/** What a side must see. */
export interface Sight {
  /** exactly so many bytes; a pair: any prefix of what was sent with a length from the first to the second number */
  bytes: number | readonly [number, number];
  ends: readonly End[];
}

export type Role = "client" | "service";

export interface Conversation {
  /** a sentence */
  name: string;
  client: readonly Step[];
  /** null: nobody listens */
  service: readonly Step[] | null;
  sees: Record<Role, Sight>;
  /** What is different through the LAN, by design. */
  inLan?: { client: Sight; why: string };
  /** Where not everything is exact: why TCP itself does not say more. */
  why?: string;
  /** everything must be over by then */
  withinMs: number;
}

/** As the table writes it; what is not said of a sight is: all the bytes that the other one sends, and its FIN. */
export interface Sketch {
  name: string;
  client: readonly Step[];
  service: readonly Step[] | null;
  clientSees?: Partial<Sight>;
  serviceSees?: Partial<Sight>;
  inLan?: Conversation["inLan"];
  why?: string;
  withinMs?: number;
}

/** Long enough for a busy machine; what is longer in itself says so. */
const WITHIN_MS = 20_000;

export function conversationOf(sketch: Sketch): Conversation {
  const { name, client, service, inLan, why } = sketch;
  const conversation: Conversation = {
    name,
    client,
    service,
    sees: {
      client: { ...sightOf(service ?? []), ...sketch.clientSees },
      service: { ...sightOf(client), ...sketch.serviceSees },
    },
    withinMs: sketch.withinMs ?? WITHIN_MS,
    ...(inLan === undefined ? {} : { inLan }),
    ...(why === undefined ? {} : { why }),
  };
  if (isLoose(conversation) !== (why !== undefined))
    throw new Error(`${name}: it has to say why if, and only if, it is loose`);
  return conversation;
}

/** Whether two runs of it may differ. */
export function isLoose({ sees }: Conversation): boolean {
  return [sees.client, sees.service].some(
    ({ bytes, ends }) => typeof bytes !== "number" || ends.length > 1,
  );
}

function sightOf(others: readonly Step[]): Sight {
  return { bytes: bytesOf(others), ends: ["fin"] };
}

function bytesOf(steps: readonly Step[]): number {
  return steps.reduce(
    (sum, step) => sum + (step.do === "send" ? step.bytes : 0),
    0,
  );
}

// The words of the table: ---------------------------------------------------------------------------------------------

export const send = (
  bytes: number,
  cut: { piece?: number; pauseMs?: number } = {},
): Step => ({ do: "send", bytes, ...cut });
export const receive = (bytes: number): Step => ({ do: "receive", bytes });
export const fin: Step = { do: "fin" };
export const untilFin: Step = { do: "untilFin" };
export const reset: Step = { do: "reset" };
export const untilReset: Step = { do: "untilReset" };
export const sendUntilReset: Step = { do: "sendUntilReset" };
export const close: Step = { do: "close" };
export const stopReading: Step = { do: "stopReading" };
export const goOnReading: Step = { do: "goOnReading" };
export const readSlowly = (pauseMs: number): Step => ({
  do: "readSlowly",
  pauseMs,
});
export const untilUnread = (bytes: number): Step => ({
  do: "untilUnread",
  bytes,
});
export const idle = (ms: number): Step => ({ do: "idle", ms });

/** A conversation of which it does not matter who connects; `$one` and `$other` in its name become the roles. */
export interface TwoWaySketch extends Pick<
  Sketch,
  "name" | "why" | "withinMs"
> {
  one: readonly Step[];
  other: readonly Step[];
  oneSees?: Partial<Sight>;
  otherSees?: Partial<Sight>;
}

/** Once with `one` as the client, once as the service. */
export function eachWay(sketch: TwoWaySketch): Sketch[] {
  const { one, other, oneSees = {}, otherSees = {}, ...rest } = sketch;
  const name = (one: Role, other: Role) =>
    sketch.name.replaceAll("$one", one).replaceAll("$other", other);
  return [
    {
      ...rest,
      name: name("client", "service"),
      ...{ client: one, clientSees: oneSees },
      ...{ service: other, serviceSees: otherSees },
    },
    {
      ...rest,
      name: name("service", "client"),
      ...{ client: other, clientSees: otherSees },
      ...{ service: one, serviceSees: oneSees },
    },
  ];
}
