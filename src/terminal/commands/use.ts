// The commands that define this node's uses and change them.

import { formatServeid } from "../../config/config.js";
import { VnetError } from "../../errors.js";
import type { NodeControl, UseView } from "../../node/control.js";
import { label, listenIp, wrong } from "../arguments.js";
import { defineCommand, type Argument, type Command } from "../command.js";
import { ownUse } from "../entry-argument.js";
import { listenPort, wantedServe, type Wanted } from "../wanted-argument.js";
import { quoteWord } from "../words.js";
import { freeLabel } from "./label.js";
import { confirmLoss, nameUse, useOutcome } from "./outcome.js";

const name: Argument<string> = {
  ...label("name", "handle of the use in this terminal"),
  fallback({ control, earlier }) {
    const wanted = earlier.wanted as Wanted | undefined;
    const { serveid = 0, serve = "", to = "" } = wanted ?? {};
    const base = serve || to || `use-${formatServeid(serveid)}`;
    const text = freeLabel(base, control.uses());
    return { text, value: text };
  },
  parse(text, scope) {
    const wanted = label("name", "").parse(text, scope);
    // It names a section of the file when it is saved.
    if (wanted.includes("]")) throw wrong("name", wanted, "one without ]");
    if (scope.control.uses().some((use) => use.label === wanted))
      throw new VnetError(
        "usage",
        `this node has a use named "${wanted}": give another name, or \`use delete ${quoteWord(wanted)}\``,
      );
    return wanted;
  },
};

const settings = {
  wanted: wantedServe(),
  ip: listenIp(),
  port: listenPort(),
  name,
};

/** The argument has found it; nothing happened since. */
function viewOf(control: NodeControl, label: string): UseView {
  const found = control.uses().find((use) => use.label === label);
  if (found === undefined) throw new VnetError("usage", `use ${label} is gone`);
  return found;
}

const useNew = defineCommand({
  name: "use new",
  lasting: true,
  doc: "define a use, inactive until `use open`",
  args: settings,
  async run(context, { wanted, name: label, ip, port }) {
    const use = { ...wanted, label, ip, port, fingerprint: "", active: false };
    context.say(useOutcome(await context.control.addUse(use)));
  },
});

const useRun = defineCommand({
  name: "use run",
  lasting: true,
  doc: "map a serve of the group to a local port",
  examples: [
    "use run 700",
    "use run 700 127.0.0.1 1122",
    "use run mysql@home 3306",
    "use run home:127.0.0.1:22 1122",
  ],
  args: settings,
  async run(context, { wanted, name: label, ip, port }) {
    const use = { ...wanted, label, ip, port, fingerprint: "", active: true };
    context.say(useOutcome(await context.control.addUse(use)));
  },
});

const useOpen = defineCommand({
  name: "use open",
  lasting: true,
  doc: "listen for a use of this node",
  args: { use: ownUse((entry) => !entry.active) },
  async run(context, values) {
    context.say(useOutcome(await context.control.openUse(values.use)));
  },
});

const useClose = defineCommand({
  name: "use close",
  lasting: true,
  doc: "stop listening for a use and keep it; its streams end",
  args: { use: ownUse((entry) => entry.active) },
  async run(context, values) {
    const { control } = context;
    await confirmLoss(context, viewOf(control, values.use));
    context.say(useOutcome(await control.closeUse(values.use)));
  },
});

const useTrust = defineCommand({
  name: "use trust",
  doc: "accept the new key of what a use reaches",
  details: [
    "A use remembers the key of the node that it reached first, and refuses another one: `show use` says so.",
    "Ask the owner of that node for its fingerprint before you accept it; `show vnet` shows it there.",
  ],
  args: {
    use: ownUse((entry) => "refusedKey" in entry && entry.refusedKey !== null),
  },
  async run(context, values) {
    context.say(useOutcome(await context.control.trustUse(values.use)));
  },
});

const useDelete = defineCommand({
  name: "use delete",
  lasting: true,
  doc: "remove a use; its streams end",
  args: { use: ownUse(() => true) },
  async run(context, values) {
    const { control } = context;
    const before = viewOf(control, values.use);
    await confirmLoss(context, before);
    await control.deleteUse(values.use);
    context.say(`${nameUse(before)} is removed`);
  },
});

export const useCommands: readonly Command[] = [
  useNew,
  useRun,
  useOpen,
  useClose,
  useTrust,
  useDelete,
];
