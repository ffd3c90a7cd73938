// scripts/hyperv.py, with sockets of Unix in the place of AF_HYPERV, which only Windows has: what is tested is all but
// the sockets themselves. Real ./route and ./vnet.

import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { connectTo, startEcho, type TestServer } from "../support/echo.js";
import { findProgram, needs, skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import {
  closeLaunched,
  startBare,
  startHub,
  type Hub,
} from "../support/launch.js";
import { reservePort } from "../support/ports.js";
import { Program } from "../support/program.js";
import { projectRoot } from "../support/project.js";
import { untilEchoed } from "../support/reach.js";

const SCRIPT = join(projectRoot, "scripts", "hyperv.py");
/** As Linux has it for port 7749 of vsock. */
const GUID = "00001e45-facb-11e6-bd58-64006a7986d3";
const PARENT = "a42e7cda-d03f-480c-9cc2-a4de20abb878";

/** Python's names of Windows, for a service in a folder: a socket file named by its GUID. */
const STUB = `
import os, runpy, socket, sys
FOLDER = os.path.dirname(os.path.abspath(__file__))
Real = socket.socket
socket.AF_HYPERV, socket.HV_PROTOCOL_RAW, socket.HVSOCKET_CONNECT_TIMEOUT = 34, 1, 1
socket.HV_GUID_WILDCARD = "00000000-0000-0000-0000-000000000000"
socket.HV_GUID_PARENT = "${PARENT}"
class Stub(Real):
    def __init__(self, family=-1, type=-1, proto=-1, fileno=None):
        if family == 34:
            family, proto = socket.AF_UNIX, 0
        super().__init__(family, type, proto, fileno)
    def bind(self, address):
        assert address[0] == socket.HV_GUID_WILDCARD, address
        super().bind(os.path.join(FOLDER, address[1]))
    def connect(self, address):
        if self.family == socket.AF_UNIX:
            assert address[0] == socket.HV_GUID_PARENT, address
            address = os.path.join(FOLDER, address[1])
        super().connect(address)
    def setsockopt(self, *words):
        if self.family != socket.AF_UNIX:
            super().setsockopt(*words)
socket.socket = Stub
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
`;

describe("the helper for Hyper-V's sockets", function () {
  this.timeout(180_000);
  let folder: string;
  let hub: Hub;
  let echo: TestServer;
  let helper: Program | undefined;

  before(function () {
    if (process.platform === "win32") skip(this, "needs Unix sockets");
    needs(this, "python3");
  });
  beforeEach(async () => {
    folder = makeFolder();
    writeFileSync(join(folder, "stub.py"), STUB);
    hub = await startHub();
    echo = await startEcho();
  });
  afterEach(async () => {
    await closeLaunched();
    await helper?.close();
    helper = undefined;
    await echo.close();
    removeFolder(folder);
  });

  const python = findProgram("python3") ?? "python3";
  const words = (...rest: string[]) => [
    join(folder, "stub.py"),
    SCRIPT,
    ...rest,
  ];

  async function listenAtHost(service: string): Promise<void> {
    helper = new Program(
      python,
      words("listen", service, `127.0.0.1:${hub.port}`),
    );
    await helper.waitForOutput(`leads to 127.0.0.1:${hub.port}`);
  }

  it("lets machines without a network come to the hub at the host, under the GUID of a vsock port", async () => {
    await listenAtHost("7749");
    expect(existsSync(join(folder, GUID))).to.equal(true);
    const route = `exec:${[python, ...words("dial", "parent", GUID)].join(" ")}`;
    startBare("vnet", [
      ...["--route", route, "--serve", `127.0.0.1:${echo.port},name=echo`],
    ]);
    const port = await reservePort();
    startBare("vnet", ["--route", route, "--use", `echo:${port}`]);
    await untilEchoed(port);
    const user = await connectTo(port);
    const bulk = Buffer.alloc(3_000_000, "all of it, in order; ");
    user.socket.end(bulk);
    expect(await user.ended).to.equal("fin");
    expect(user.received.equals(bulk)).to.equal(true);
  });

  it("says what is wrong: nobody listens, the hub is away, no Windows, wrong words", async () => {
    const route = `exec:${[python, ...words("dial", "parent", "7749")].join(" ")}`;
    const node = startBare("vnet", ["--route", route]);
    await node.waitForOutput(/the way to the hub says: hyperv: .*No such file/);
    await node.close();

    await listenAtHost("{74720853-1be5-40c7-93d2-b9118f0f9006}");
    expect(
      existsSync(join(folder, "74720853-1be5-40c7-93d2-b9118f0f9006")),
    ).to.equal(true);
    await hub.close();
    const dialled = new Program(
      python,
      words("dial", "parent", "74720853-1be5-40c7-93d2-b9118f0f9006"),
    );
    await helper?.waitForOutput(/hyperv: 127\.0\.0\.1:\d+: .*refused/);
    dialled.endInput();
    expect(await dialled.exited).to.include({ status: 0 });

    for (const [args, says] of [
      [[SCRIPT, "dial", "parent", "7749"], "needs Windows and Python 3.12"],
      [words("dial", "mother", "7749"), "badly formed hexadecimal UUID"],
      [words("listen"), "hyperv.py listen SERVICE HOST:PORT"],
      [words("listen", "7749", "localhost"), "localhost is not HOST:PORT"],
    ] as const) {
      const wrong = new Program(python, [...args]);
      expect((await wrong.exited).status).to.equal(1);
      expect(wrong.stderr).to.include(says);
    }
  });
});
