import { expect } from "chai";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { reservePort } from "./ports.js";

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
      for (let i = 0; i < 200; i++) console.log(await reservePort());`;
    const outputs = await Promise.all(
      [1, 2].map(async () => {
        const child = spawn(process.execPath, [
          ...["--input-type=module", "-e", script],
        ]);
        let text = "";
        child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
        await once(child, "close");
        return text.trim().split("\n").map(Number);
      }),
    );
    const [first = [], second = []] = outputs;
    expect(new Set(first)).to.have.property("size", 200);
    expect(new Set(second)).to.have.property("size", 200);
  });
});
