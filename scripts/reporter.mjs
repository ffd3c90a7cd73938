// The spec reporter plus what this project wants of a run: the reason of every
// skipped test, one closing line of counts, and a watchdog for a process that
// does not end after its last test. Loaded by mocha in scripts/test.mjs, which
// says in which file it wants to find what failed.

import { writeFileSync } from "node:fs";
import Mocha from "mocha";

const WATCHDOG_MS = Number(process.env.VNET_TEST_WATCHDOG_MS ?? 60_000);

export default class Reporter extends Mocha.reporters.Spec {
  #skipped = 0;
  #failed = [];

  constructor(runner, options) {
    super(runner, options);
    const { failures } = options.reporterOptions ?? {};
    runner.on("fail", (test) => {
      this.#failed.push({ title: test.fullTitle(), file: test.file });
    });
    runner.once("end", () => {
      if (failures) writeFileSync(failures, JSON.stringify(this.#failed));
    });
    runner.on("pending", (test) => {
      this.#skipped += 1;
      const indent = "  ".repeat(test.titlePath().length);
      console.log(`${indent}  skipped: ${reasonOf(test)}`);
    });
  }

  epilogue() {
    super.epilogue();
    const { passes, failures } = this.stats;
    console.log(
      `${passes} passed, ${failures} failed, ${this.#skipped} skipped`,
    );
    // Unreferenced: it only fires when something else keeps the process alive.
    setTimeout(() => {
      const active = process.getActiveResourcesInfo().join(", ");
      console.error(
        `The tests are over but something was left open: ${active}. FAILED`,
      );
      // mocha sets the status in an exit handler of its own, before this one.
      process.once("exit", () => (process.exitCode = 1));
      process.exit(1);
    }, WATCHDOG_MS).unref();
  }
}

/** needs() in test/support/program.ts leaves the reason on a test or suite. */
function reasonOf(test) {
  for (let at = test; at; at = at.parent)
    if (at.skipReason !== undefined) return at.skipReason;
  return test.fn ? "no reason was given" : "not written yet, or marked so";
}
