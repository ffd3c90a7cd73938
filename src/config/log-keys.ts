// The keys of the log: `[log]`, which both programs read.

import { LOG_FORMATS, LOG_LEVELS } from "../log.js";
import { optional } from "./key-spec.js";
import { oneOf, PATH } from "./value.js";

export const LOG_KEYS = {
  level: optional(oneOf(LOG_LEVELS), "info", "the least that is written"),
  format: optional(oneOf(LOG_FORMATS), "text", "how a line looks"),
  file: optional(PATH, "", "where to write, at its end", "standard error"),
};
