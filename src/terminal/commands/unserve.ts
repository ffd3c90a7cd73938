// Borrows a service that its node has not registered: asks that node, then maps what it granted.
// What was granted and will not be mapped is given back.

import { formatVnetid } from "../../config/config.js";
import type { RemoteServe } from "../../node/control.js";
import { formatAddress } from "../address.js";
import { host, listenIp, port } from "../arguments.js";
import { listenPort } from "../wanted-argument.js";
import {
  Cancelled,
  defineCommand,
  type Argument,
  type CommandContext,
} from "../command.js";
import { vnetid } from "../node-argument.js";
import { formatId } from "./rows.js";
import { useOutcome } from "./outcome.js";

/** Asked for only after the grant, so that what is not given stays undefined until then. */
function later<T>(argument: Argument<T>, text: string) {
  return {
    ...argument,
    name: `local-${argument.name}`,
    later: true,
    fallback: () => ({ text, value: undefined }),
  } satisfies Argument<T | undefined>;
}

export const unserve = defineCommand({
  name: "unserve",
  lasting: true,
  doc: "ask a node for a service it has not registered, then map it",
  details: [
    "The node must allow it (allow_unserve). Unused, the grant ends after a while, and the use with it.",
    "A number is a port, anything else an address; LOCAL-PORT is the serve's own unless given.",
  ],
  examples: [
    "unserve 01 8888",
    "unserve 01 8888 18888",
    "unserve 01 127.0.0.1 8888 127.0.0.1 18888",
  ],
  args: {
    vnetid: vnetid(),
    ip: { ...host(), doc: "address of the service, as that node reaches it" },
    port: { ...port(), doc: "port of the service" },
    localIp: later(listenIp(), ""),
    localPort: later(listenPort(), "same"),
  },
  async run(context, values) {
    const { control, signal } = context;
    const target = formatAddress(values.ip, values.port);
    const node = formatVnetid(values.vnetid);
    if (context.guided) context.say(`asking node ${node} for ${target} ...`);
    const { vnetid, ip, port } = values;
    const granted = await control.requestUnserve({ vnetid, ip, port });
    try {
      if (signal.aborted) throw new Cancelled("cancelled");
      if (context.guided)
        context.say(`node ${node} grants ${target} as ${formatId(granted)}`);
      const local = {
        ip: values.localIp ?? (await askIp(context)),
        port: values.localPort ?? (await askPort(context, granted)),
      };
      context.say(useOutcome(await control.mapUnserve(granted, local)));
    } catch (error) {
      control.withdrawUnserve(granted);
      throw error;
    }
  },
});

async function askIp(context: CommandContext): Promise<string> {
  return context.guided ? context.ask(listenIp()) : "127.0.0.1";
}

async function askPort(
  context: CommandContext,
  granted: RemoteServe,
): Promise<number> {
  if (!context.guided) return 0;
  return context.ask({
    ...listenPort(),
    fallback: () => ({ text: String(granted.port), value: 0 }),
  });
}
