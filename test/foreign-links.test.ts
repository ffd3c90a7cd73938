import { expect } from "chai";
import { parseHubConfig } from "../src/config/hub-config.js";
import { parseNodeConfig } from "../src/config/node-config.js";
import { refuseForeignLinks } from "../src/foreign-links.js";
import { run } from "./support/launch.js";

const PIPE = "unix:\\\\.\\pipe\\NAME";
const UNIX = "a Unix socket, which Windows has not; write a named pipe, ";

describe("A link that this system has not", () => {
  const node = (text: string) => parseNodeConfig(text, "x.ini");
  const rows: [what: string, text: string, isWindows: boolean, why: string][] =
    [
      [
        "a serve's",
        "[route]\nip=hub\n[serve.a]\nip=unix:/tmp/x",
        true,
        `x.ini: [serve.a] ip: found unix:/tmp/x, ${UNIX}${PIPE}`,
      ],
      [
        "a use's",
        "[route]\nip=hub\n[use.a]\nserve=a\nip=unix:/tmp/x",
        true,
        `x.ini: [use.a] ip: found unix:/tmp/x, ${UNIX}${PIPE}`,
      ],
      [
        "a node's way to its hub",
        "[route]\nip=hvsock:/run/v:4000",
        true,
        "x.ini: [route] ip: found hvsock:/run/v:4000, the socket of a virtual machine monitor, which runs on Linux only",
      ],
      [
        "a pipe",
        `[route]\nip=${PIPE}`,
        false,
        `x.ini: [route] ip: found ${PIPE}, a named pipe of Windows, which this is not; write unix:/PATH`,
      ],
    ];
  for (const [what, text, isWindows, why] of rows)
    it(`is refused with what to write instead: ${what}`, () => {
      const config = node(text);
      expect(() => {
        refuseForeignLinks("x.ini", config, isWindows);
      }).to.throw(why);
      if (!text.includes("hvsock"))
        expect(() => {
          refuseForeignLinks("x.ini", config, !isWindows);
        }).not.to.throw();
    });

  it("is refused of a hub and its public ports, too", () => {
    for (const text of [
      "[route]\nip=unix:/run/hub",
      "[route]\nip=127.0.0.1\n[public.a]\nserve=a\nip=unix:/run/hub",
    ])
      expect(() => {
        refuseForeignLinks("x.ini", parseHubConfig(text, "x.ini"), true);
      }).to.throw("found unix:/run/hub, a Unix socket");
  });

  for (const launcher of ["vnet", "route"] as const)
    it(`is refused by ./${launcher} --check`, async () => {
      const foreign = process.platform === "win32" ? "unix:/tmp/x" : PIPE;
      const { status, stderr, stdout } = await run(
        launcher,
        ["config.ini", "--check"],
        { config: `[route]\nip=${foreign}\n` },
      );
      expect([status, stdout]).to.deep.equal([2, ""]);
      expect(stderr).to.include(`config.ini: [route] ip: found ${foreign}, `);
    });
});
