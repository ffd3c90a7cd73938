// Where the proxies of tests are.

import { Networks } from "../../src/net/networks.js";

export const LOOPBACK = new Networks("127.0.0.0/8 ::1");
