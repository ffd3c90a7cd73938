// The keys of a node: `[vnet]`.

import { optional } from "./key-spec.js";
import { BOOLEAN, FOLDER, LABEL, PATH, SECRET, wholeNumber } from "./value.js";

export const VNET_KEYS = {
  name: optional(LABEL, "", "tells nodes apart", "the host name"),
  group: optional(LABEL, "default", "nodes see and reach their own group only"),
  terminal: optional(BOOLEAN, false, "true: interactive terminal"),
  startserve: optional(
    BOOLEAN,
    true,
    "with terminal=true: false leaves every serve inactive at start",
  ),
  startuse: optional(
    BOOLEAN,
    true,
    "with terminal=true: false leaves every use inactive at start",
  ),
  allow_unserve: optional(
    BOOLEAN,
    false,
    "answer requests for services that are not registered",
  ),
  unserve_remote: optional(
    BOOLEAN,
    false,
    "answer them for addresses that are not loopback too",
  ),
  allow_remote: {
    ...optional(BOOLEAN, false, "the old name of unserve_remote"),
    deprecatedFor: "unserve_remote",
  },
  secret: optional(
    SECRET,
    "",
    "who may talk inside the group; the hub never learns it",
    "none",
  ),
  secret_file: optional(
    PATH,
    "",
    "instead of secret: the file that holds it, from this file's folder on",
    "none",
  ),
  encrypt: optional(
    BOOLEAN,
    true,
    "false on both nodes: their channels are not encrypted",
  ),
  state: optional(
    FOLDER,
    "",
    "the folder of its keys, beside this file where it does not begin with /",
    "one for each file",
  ),
  drain: optional(
    wholeNumber(0, 3_600),
    5,
    "seconds that running streams have when the node is asked to end",
  ),
  unserve_num: optional(
    wholeNumber(0, 100),
    1,
    "how many unserves at the same time",
  ),
  unserve_ttl: optional(
    wholeNumber(1, 86_400),
    180,
    "seconds that an unserve stays without being used",
  ),
  unserve_linger: optional(
    wholeNumber(0, 86_400),
    60,
    "seconds that an unserve stays after its last stream closed",
  ),
};
