import { expect } from "chai";
import { once } from "node:events";
import { createServer } from "node:net";
import { reservePort } from "./ports.js";
import { Program } from "./program.js";

const PORTS_MODULE = new URL("./ports.js", import.meta.url).href;

describe("reservePort", () => {
  it("gives ports on which one can listen", async () => {
    const port = await reservePort();
    const server = createServer().listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
  });

  it("gives no port twice, to other processes neither", async () => {
    const script = `
      const { reservePort } = await import(${JSON.stringify(PORTS_MODULE)});
      for (let i = 0; i < 200; i++) console.log(await reservePort());
      console.log("done");
      process.stdin.resume();`;
    const suites = [1, 2].map(
      () =>
        new Program(process.execPath, ["--input-type=module", "-e", script]),
    );
    // Both hold theirs until both are done.
    for (const suite of suites) await suite.waitForOutput("done");
    for (const suite of suites) suite.endInput();
    for (const suite of suites) await suite.exited;
    const ports = suites.flatMap((suite) => suite.lines.slice(0, 200));
    expect(new Set(ports)).to.have.property("size", 400);
  });
});
