// Unix sockets and hybrid vsock sockets: dialled and listened on, and TLS over what is dialled.

import { expect } from "chai";
import { once } from "node:events";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, Socket, type Server } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { Worker } from "node:worker_threads";
import { dial } from "../../src/net/dial.js";
import { Listener } from "../../src/net/listener.js";
import { secureAsClient, secureAsServer } from "../../src/net/secure.js";
import { within } from "../support/deadline.js";
import { Observed } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { needs, needsUnix } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";

const MB = 1024 * 1024;
const PSK = Buffer.alloc(32, 7);

let folder: string;
let path: string;
const duplexes: Duplex[] = [];
const listeners: Listener[] = [];
const servers: Server[] = [];

function setUp(this: Mocha.Context): void {
  folder = makeFolder();
  path = join(folder, "s");
  needsUnix(this, "Unix sockets");
}

async function tearDown(): Promise<void> {
  for (const duplex of duplexes.splice(0))
    duplex.on("error", () => undefined).destroy();
  for (const listener of listeners.splice(0)) await listener.close();
  for (const server of servers.splice(0)) server.close();
  removeFolder(folder);
}

async function listen(
  host: string,
  onConnection: (socket: Socket) => void = () => undefined,
): Promise<Listener> {
  const listener = await Listener.start({
    host,
    port: 0,
    onConnection: (connection) => {
      const socket = connection;
      if (!(socket instanceof Socket)) throw new Error("is no socket");
      duplexes.push(socket);
      onConnection(socket);
    },
    onError: (error) => expect.fail(error.message),
  });
  listeners.push(listener);
  return listener;
}

async function open(host: string, timeoutMs = 5_000): Promise<Duplex> {
  const duplex = await dial({ host, port: 0, timeoutMs });
  duplexes.push(duplex);
  return duplex;
}

/** A plain server on a Unix socket. */
async function serve(
  at: string,
  onConnection: (socket: Socket) => void,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    duplexes.push(socket);
    onConnection(socket);
  });
  servers.push(server);
  server.listen(at);
  await once(server, "listening");
}

/** The file of a socket whose owner is gone. */
async function leaveStale(at: string): Promise<void> {
  const server = createServer().listen(`${at}.old`);
  await once(server, "listening");
  // Its file moved away from under it stays when it closes.
  renameSync(`${at}.old`, at);
  server.close();
}

const echo = (socket: Socket) => void socket.pipe(socket);

describe("a Unix socket", () => {
  beforeEach(setUp);
  afterEach(tearDown);

  it("is listened on and dialled, half-open", async () => {
    const listener = await listen(`unix:${path}`, (socket) => {
      socket.once("end", () => socket.end("afterwards")).resume();
    });
    expect(listener.port).to.equal(0);
    expect(listener.host).to.equal(`unix:${path}`);
    const seen = new Observed(await open(`unix:${path}`));
    seen.socket.end("x");
    expect(await within("the end", seen.ended)).to.equal("fin");
    expect(seen.text).to.equal("afterwards");
  });

  it("says why it cannot be dialled", async () => {
    writeFileSync(path, "");
    mkdirSync(`${path}d`);
    symlinkSync("nowhere", `${path}l`);
    writeFileSync(path, "");
    await leaveStale(`${path}o`);
    const rows: [string, RegExp][] = [
      [`unix:${path}o`, /so: connection refused, nothing listens there$/],
      [`unix:${path}`, /s: it is a file and no socket$/],
      [`unix:${path}d`, /sd: it is a folder and no socket$/],
      [`unix:${path}l`, /sl: it is a link to something that is not there$/],
      [`unix:${path}x`, /sx: there is no such file; the service that makes it/],
      [`unix:${path}/x`, /\/s is a file and no folder$/],
      [`unix:${path}l/x`, /sl is a link to something that is not there$/],
      [`unix:${folder}/no/s`, /there is no folder .*\/no$/],
      [`hvsock:${folder}/no/s:7`, /there is no folder .*\/no$/],
      ["unix:relative", /must be absolute/],
    ];
    for (const [host, words] of rows) {
      const error = await failureOf(open(host));
      expect(error.code).to.equal("network");
      expect(error.message).to.match(words);
    }
  });

  it("waits while the queue of a busy service is full, up to the deadline", async () => {
    // A listener with a queue of one, whose owner sleeps until it is woken.
    const wake = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(
      `const { parentPort, workerData } = require("node:worker_threads");
       const server = require("node:net").createServer((socket) => socket.pipe(socket));
       server.listen({ path: workerData.path, backlog: 1 }, () => {
         parentPort.postMessage("listening");
         Atomics.wait(workerData.wake, 0, 0);
       });`,
      { eval: true, workerData: { path, wake } },
    );
    try {
      await within("listening", once(worker, "message"));
      for (let n = 0; n < 2; n++) duplexes.push(await open(`unix:${path}`));
      const error = await failureOf(open(`unix:${path}`, 100));
      expect(error.message).to.match(/too many connections wait there/);
      const patient = open(`unix:${path}`);
      Atomics.store(wake, 0, 1);
      Atomics.notify(wake, 0);
      const seen = new Observed(await within("connected", patient));
      seen.socket.end("hello");
      await within("the echo", seen.ended);
      expect(seen.text).to.equal("hello");
    } finally {
      await worker.terminate();
    }
  });

  it("takes the place of a stale one, and removes its file at the end", async () => {
    await leaveStale(path);
    expect(lstatSync(path).isSocket()).to.equal(true);
    const listener = await listen(`unix:${path}`, echo);
    const seen = new Observed(await open(`unix:${path}`));
    seen.socket.end("new");
    await within("the end", seen.ended);
    expect(seen.text).to.equal("new");
    await listener.close();
    await listener.close();
    expect(existsSync(path)).to.equal(false);
  });

  it("leaves a live one alone", async () => {
    await listen(`unix:${path}`, echo);
    const error = await failureOf(listen(`unix:${path}`));
    expect(error.code).to.equal("network");
    expect(error.message).to.equal(
      `cannot listen on unix:${path}: another program listens there already; end it, or take another path`,
    );
    const seen = new Observed(await open(`unix:${path}`));
    seen.socket.end("still");
    await within("the end", seen.ended);
    expect(seen.text).to.equal("still");
  });

  it("leaves alone what is no socket", async () => {
    writeFileSync(path, "precious");
    mkdirSync(`${path}d`);
    symlinkSync(path, `${path}l`);
    const folderWords = "that is a folder; name a file in it";
    const rows = [
      [path, "is no socket; remove it"],
      [`${path}l`, "is no socket; remove it"],
      [`${path}d`, folderWords],
    ] as const;
    for (const [at, words] of rows) {
      const error = await failureOf(listen(`unix:${at}`));
      expect(error.message).to.include(words);
      expect(existsSync(at)).to.equal(true);
    }
  });

  it("leaves another one's file alone when it closes", async () => {
    const first = await listen(`unix:${path}`);
    renameSync(path, `${path}.aside`);
    await listen(`unix:${path}`, echo);
    await first.close();
    const seen = new Observed(await open(`unix:${path}`));
    seen.socket.end("mine");
    await within("the end", seen.ended);
    expect(seen.text).to.equal("mine");
  });

  it("says why nothing can listen there", async () => {
    writeFileSync(path, "");
    const rows: [string, RegExp][] = [
      [
        `unix:${folder}/no/folder/s`,
        /cannot listen on .*: there is no folder .*\/no; make .*\/no\/folder first$/,
      ],
      [`hvsock:${folder}/no/s:7`, /there is no folder .*\/no; make .*first$/],
      [`unix:${path}/x`, /\/s is a file and no folder$/],
      [
        "exec:cat secret",
        /cannot listen on exec:cat: that can be dialled only/,
      ],
      ["vsock:3:22", /can be dialled only/],
      ["unix:x", /must be absolute/],
      [`hvsock:/${"a".repeat(104)}:4000`, /longer than the 107 bytes/],
    ];
    for (const [host, words] of rows) {
      const error = await failureOf(listen(host));
      expect(error.code).to.equal("network");
      expect(error.message).to.match(words);
      expect(error.message).not.to.include("secret");
    }
  });
});

describe("a hybrid vsock socket", () => {
  beforeEach(setUp);
  afterEach(tearDown);

  /** A virtual machine monitor that answers each CONNECT with these pieces, one write each. */
  async function monitor(...answer: string[]): Promise<string[]> {
    const asked: string[] = [];
    await serve(path, (socket) => {
      socket.once("data", (chunk: Buffer) => {
        asked.push(String(chunk));
        socket.setNoDelay();
        void (async () => {
          for (const piece of answer) {
            socket.write(piece);
            await new Promise(setImmediate);
          }
          if (answer.length === 0) socket.end();
          else socket.pipe(socket);
        })();
      });
    });
    return asked;
  }

  for (const answer of [["OK 1073741824\n"], ["O", "K 1", "\n"]])
    it(`is asked for the guest's port and answers ${JSON.stringify(answer)}`, async () => {
      const asked = await monitor(...answer);
      const seen = new Observed(await open(`hvsock:${path}:52`));
      expect(asked).to.deep.equal(["CONNECT 52\n"]);
      expect(seen.socket.listenerCount("error")).to.equal(1);
      seen.socket.end("hello");
      await within("the end", seen.ended);
      expect(seen.text).to.equal("hello");
    });

  it("loses nothing that comes right behind the answer", async () => {
    await monitor("OK 7\nSSH-2.0-guest\r\n");
    const seen = new Observed(await open(`hvsock:${path}:22`));
    seen.socket.end("!");
    await within("the end", seen.ended);
    expect(seen.text).to.equal("SSH-2.0-guest\r\n!");
  });

  it("says that nothing listens in the guest when the monitor hangs up", async () => {
    await monitor();
    const error = await failureOf(open(`hvsock:${path}:22`));
    expect(error.code).to.equal("network");
    expect(error.message).to.equal(
      `cannot connect to hvsock:${path}:22: nothing listens on port 22 of the guest (the monitor closed the connection)`,
    );
  });

  for (const answer of [
    "NO\n",
    "OK\n",
    "OK x\n",
    "OK 99999999999\n",
    "HTTP/1.1 400 Bad Request\r\n\r\n",
    "x".repeat(1_000),
    "\n",
  ])
    it(`refuses the answer ${JSON.stringify(answer).slice(0, 20)}`, async () => {
      await monitor(answer);
      const error = await failureOf(open(`hvsock:${path}:22`));
      expect(error.code).to.equal("network");
    });

  it("gives up when the monitor does not answer", async () => {
    await monitor("OK");
    const error = await failureOf(open(`hvsock:${path}:22`, 50));
    expect(error.code).to.equal("timeout");
    expect(error.message).to.include("did not answer CONNECT 22 in time");
  });

  it("is listened on where the monitor connects for its guest", async () => {
    const listener = await listen(`hvsock:${path}:7749`, echo);
    expect(listener.port).to.equal(0);
    const seen = new Observed(await open(`unix:${path}_7749`));
    seen.socket.end("guest");
    await within("the end", seen.ended);
    expect(seen.text).to.equal("guest");
    await listener.close();
    expect(existsSync(`${path}_7749`)).to.equal(false);
  });
});

describe("TLS over a link", () => {
  beforeEach(setUp);
  afterEach(tearDown);

  /** A secured echo on a Unix socket. */
  const secureEcho = () =>
    serve(path, (socket) => {
      secureAsServer(socket, () => PSK, 8_000).then(
        ({ duplex }) => {
          duplexes.push(duplex);
          duplex.pipe(duplex);
        },
        () => undefined,
      );
    });

  const client = async (host: string, psk = PSK) =>
    secureAsClient(await open(host), { identity: "a hint", psk }, 8_000);

  const links: [string, () => string, string[]][] = [
    ["a Unix socket", () => `unix:${path}`, []],
    ["a program", () => `exec:socat - UNIX-CONNECT:${path}`, ["socat"]],
  ];
  for (const [name, link, programs] of links) {
    it(`carries bulk both ways over ${name}`, async function () {
      needs(this, ...programs);
      await secureEcho();
      const { duplex, binding } = await within("TLS", client(link()));
      duplexes.push(duplex);
      expect(binding).to.have.length(32);
      const seen = new Observed(duplex, false);
      const piece = Buffer.alloc(MB, "x");
      for (let n = 0; n < 8; n++)
        if (!duplex.write(piece)) await within("drain", once(duplex, "drain"));
      await within("all of it back", seen.untilBytes(8 * MB), 60_000);
    });

    it(`refuses another key over ${name}`, async function () {
      needs(this, ...programs);
      await secureEcho();
      const error = await failureOf(client(link(), Buffer.alloc(32, 8)));
      expect(error.code).to.be.oneOf(["refused", "closed"]);
    });
  }

  it("tells what the program said when it fails within the handshake", async () => {
    const error = await failureOf(client("exec:cat /no/such/file"));
    expect(error.message).to.match(/cat ended with status 1: .*No such file/);
  });
});
