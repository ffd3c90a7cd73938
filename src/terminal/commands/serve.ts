// The commands that define this node's serves and change them.

import type { Share } from "../../config/config.js";
import { VnetError } from "../../errors.js";
import type { NodeControl, ServeView } from "../../node/control.js";
import { host, info, label, port, share, wantedServeid } from "../arguments.js";
import { defineCommand, type Argument, type Command } from "../command.js";
import { ownServe } from "../entry-argument.js";
import { quoteWord } from "../words.js";
import { freeLabel } from "./label.js";
import { confirmLoss, nameServe, serveOutcome } from "./outcome.js";

const ip: Argument<string> = {
  ...host(),
  doc: "address or host name of the service, as this node reaches it",
  // A word without a dot is far more often the serve's name than a host.
  fits: (word) => /[.:]/.test(word) || word === "localhost",
};

const name: Argument<string> = {
  ...label("name", "shown in lists"),
  fallback({ control, earlier }) {
    const text = freeLabel(`serve-${String(earlier.port)}`, control.serves());
    return { text, value: text };
  },
};

const type: Argument<string> = {
  ...label("type", "tcp, http, ssh, rdp or what it is"),
  fallback: () => ({ text: "tcp", value: "tcp" }),
  suggest: () => ["tcp", "http", "ssh", "rdp"],
};

const settings = {
  port: { ...port(), doc: "port of the service, 1–65535" },
  ip,
  serveid: wantedServeid(),
  name,
  type,
  share: share(),
  info: info(),
};

const details = [
  "A word is taken for IP when it has a dot or colon, for SERVEID when it is a number; the rest go in order.",
];

interface Wanted {
  port: number;
  ip: string;
  serveid: number;
  name: string;
  type: string;
  share: Share;
  info: string;
}

function define(control: NodeControl, wanted: Wanted, active: boolean) {
  const label = freeLabel(wanted.name, control.serves());
  return control.addServe({
    ...{ ...wanted, label, active, allow: "", peers: "" },
    ...{ host: "", hosts: "", trustForwarded: false, check: true },
  });
}

/** The argument has found it; nothing happened since. */
function viewOf(control: NodeControl, label: string): ServeView {
  const found = control.serves().find((serve) => serve.label === label);
  if (found === undefined)
    throw new VnetError("usage", `serve ${label} is gone`);
  return found;
}

const serveNew = defineCommand({
  name: "serve new",
  lasting: true,
  doc: "define a serve, inactive until `serve open`",
  details,
  args: settings,
  async run(context, values) {
    context.say(serveOutcome(await define(context.control, values, false)));
  },
});

const serveRun = defineCommand({
  name: "serve run",
  lasting: true,
  doc: "define a serve and register it",
  details,
  examples: [
    "serve run 8080",
    "serve run 22 127.0.0.1 700 ssh ssh home machine",
    "serve run 80 ip=nas name=files type=http",
  ],
  args: settings,
  async run(context, values) {
    const view = await define(context.control, values, true);
    context.say(serveOutcome(view, values.serveid));
  },
});

const serveOpen = defineCommand({
  name: "serve open",
  lasting: true,
  doc: "register a serve of this node",
  args: { serve: ownServe((entry) => !entry.active) },
  async run(context, { serve }) {
    try {
      context.say(serveOutcome(await context.control.openServe(serve)));
    } catch (error) {
      if (!(error instanceof VnetError) || error.code === "usage") throw error;
      throw new VnetError(
        error.code,
        `${nameServe(viewOf(context.control, serve))} is not registered: ${error.message}; it is asked for again, \`serve close ${quoteWord(serve)}\` gives it up`,
        { cause: error },
      );
    }
  },
});

const serveClose = defineCommand({
  name: "serve close",
  lasting: true,
  doc: "unregister a serve and keep it; its streams end",
  args: { serve: ownServe((entry) => entry.active) },
  async run(context, values) {
    const { control } = context;
    await confirmLoss(context, viewOf(control, values.serve));
    context.say(serveOutcome(await control.closeServe(values.serve)));
  },
});

const serveDelete = defineCommand({
  name: "serve delete",
  lasting: true,
  doc: "remove a serve; its streams end",
  args: { serve: ownServe(() => true) },
  async run(context, values) {
    const { control } = context;
    const before = viewOf(control, values.serve);
    await confirmLoss(context, before);
    await control.deleteServe(values.serve);
    context.say(`${nameServe(before)} is removed`);
  },
});

export const serveCommands: readonly Command[] = [
  serveNew,
  serveRun,
  serveOpen,
  serveClose,
  serveDelete,
];
