import { expect } from "chai";
import {
  createLog,
  textOf,
  type LogFormat,
  type LogLevel,
} from "../src/log.js";

async function logTo(lines: string[], format: LogFormat, level: LogLevel) {
  const write = (line: string) => void lines.push(line);
  return createLog({ format, level }, { write });
}

describe("the log", () => {
  let lines: string[];

  beforeEach(() => {
    lines = [];
  });

  it("writes one line an event: time, level, who, what and why", async () => {
    const log = await logTo(lines, "text", "info");
    log.warn({ who: "vnet 01 (home)", what: "left", why: "the link broke" });
    log.info("the hub listens");
    expect(lines).to.have.length(2);
    const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /;
    for (const line of lines) expect(line).to.match(time);
    expect(lines.map((line) => line.replace(time, ""))).to.deep.equal([
      "warn  vnet 01 (home) left: the link broke\n",
      "info  the hub listens\n",
    ]);
  });

  it("writes them as JSON for programs, with the same parts", async () => {
    const log = await logTo(lines, "json", "debug");
    log.error({ who: "use web", what: "is tried again", why: "taken" });
    log.debug("x");
    const [event, plain] = lines.map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    expect(event).to.include({
      level: "error",
      who: "use web",
      what: "is tried again",
      why: "taken",
    });
    expect(Date.parse(String(event?.time))).to.be.closeTo(Date.now(), 60_000);
    expect(plain).to.have.all.keys("level", "time", "what");
    for (const line of lines) expect(line).to.match(/^[^\n]+\n$/);
  });

  it("leaves out what is less than its level", async () => {
    const log = await logTo(lines, "text", "warn");
    log.debug("a");
    log.info("b");
    log.warn("c");
    log.error("d");
    expect(lines.map((line) => line.trim().split(" ").at(-1))).to.deep.equal([
      "c",
      "d",
    ]);
  });

  it("lets no text from elsewhere begin a line of its own or steer a screen", async () => {
    const log = await logTo(lines, "text", "info");
    log.info({ who: "vnet a\nb", what: "\u001b[2Jx", why: "\u202ey\r\n" });
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include("vnet a\\x0ab \\x1b[2Jx: \\u202ey\\x0d\\x0a\n");
  });

  it("reads as a sentence with whatever parts there are", () => {
    expect(textOf({ what: "all is well" })).to.equal("all is well");
    expect(textOf({ who: "use a", what: "waits" })).to.equal("use a waits");
    expect(textOf({ what: "broke", why: "age" })).to.equal("broke: age");
  });
});
