// The stages by name, so that targets on the same one can be attacked one after the other without starting it anew.

import { FrontStage } from "../stages/front.js";
import { HostileHubStage } from "../stages/hostile-hub.js";
import { LanStage } from "../stages/lan.js";
import { TerminalStage } from "../stages/terminal.js";

export const encryptedLan = {
  name: "a LAN",
  start: () => LanStage.start({ encrypt: true }),
};

export const plainLan = {
  name: "a LAN with encrypt=false",
  start: () => LanStage.start({ encrypt: false }),
};

export const front = {
  name: "a hub behind a proxy",
  start: () => FrontStage.start(),
};

export const hostileHub = {
  name: "nodes at a hostile hub",
  start: () => HostileHubStage.start(),
};

export const terminalStage = {
  name: "a terminal",
  start: () => TerminalStage.start(),
};
