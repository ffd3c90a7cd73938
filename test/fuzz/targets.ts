// Every target, in the order in which they are attacked.

import type { Target } from "./target.js";
import { channelTargets } from "./targets/channel.js";
import { frontTargets } from "./targets/front.js";
import { httpTargets } from "./targets/http.js";
import { hubTargets } from "./targets/hub.js";
import { nodeHubTarget } from "./targets/node-hub.js";
import { terminalTargets } from "./targets/terminal.js";

export const TARGETS: readonly Target[] = [
  ...hubTargets,
  ...channelTargets,
  ...httpTargets,
  ...frontTargets,
  nodeHubTarget,
  ...terminalTargets,
];
