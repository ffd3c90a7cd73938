// Named pipes of Windows: nothing that comes late is cut off, and what is cut off looks broken.

import { expect } from "chai";
import { writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, connect, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { dial } from "../../src/net/dial.js";
import { Listener } from "../../src/net/listener.js";
import { NamedPipe } from "../../src/net/named-pipe.js";
import { pump } from "../../src/net/pump.js";
import { CheckedBytes } from "../support/checked-bytes.js";
import { within } from "../support/deadline.js";
import { Observed, connectTo, startEcho, TestServer } from "../support/echo.js";
import { failureOf } from "../support/failure.js";
import { skip } from "../support/find-program.js";
import { makeFolder, removeFolder } from "../support/folder.js";
import { withHub } from "../support/hub.js";
import { reservePort } from "../support/ports.js";
import { serveSettings, useSettings } from "../support/settings.js";
import { isWine } from "../support/wine.js";
import { pipeName, withPipes } from "../support/windows-pipes.js";

const MB = 1024 * 1024;
const PARTS = ["one ", "two ", "three ", "four ", "five ", "six"];
/** longer than the system's own patience with a pipe that was shut down */
const PAUSE_MS = 120;

describe("A named pipe", () => {
  const open: { destroy(): unknown; on: Duplex["on"] }[] = [];
  const servers: Server[] = [];
  const listeners: Listener[] = [];

  afterEach(async () => {
    for (const one of open.splice(0))
      one.on("error", () => undefined).destroy();
    for (const server of servers.splice(0)) server.close();
    for (const listener of listeners.splice(0)) await listener.close();
  });

  /** A program that has a pipe, and does that with each of its users. */
  async function service(
    onUser: (socket: Socket) => void,
  ): Promise<{ path: string; users: Observed[] }> {
    const path = pipeName();
    const users: Observed[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      open.push(socket);
      users.push(new Observed(socket));
      onUser(socket);
    });
    servers.push(server);
    server.listen(path);
    await once(server, "listening");
    return { path, users };
  }

  /** Says its parts with pauses, once it was asked; a pipe's user is heard by it as long as it does. */
  function slowly(socket: Socket): void {
    socket.once("data", () => {
      void (async () => {
        for (const part of PARTS) {
          socket.write(part);
          await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
        }
        socket.destroy();
      })();
    });
  }

  async function dialled(path: string): Promise<Observed<Duplex>> {
    const host = `unix:${path}`;
    const duplex = await dial({ host, port: 0, timeoutMs: 5_000 });
    open.push(duplex);
    return new Observed(duplex);
  }

  /** Our end of a pipe that we have, and its user's. */
  async function accepted(): Promise<{ ours: Duplex; user: Observed }> {
    const host = `unix:${pipeName()}`;
    let admit: (duplex: Duplex) => void;
    const admitted = new Promise<Duplex>((resolve) => (admit = resolve));
    const listener = await Listener.start({
      host,
      port: 0,
      onConnection: (duplex) => {
        admit(duplex);
      },
      onError: (error) => expect.fail(error.message),
    });
    listeners.push(listener);
    const socket = connect({ path: host.slice(5), allowHalfOpen: true });
    open.push(socket);
    const user = new Observed(socket);
    const ours = await within("a connection", admitted);
    open.push(ours);
    return { ours, user };
  }

  it("is heard to the end after it was told to end: a service may think", () =>
    withPipes(async () => {
      const { path } = await service(slowly);
      const seen = await dialled(path);
      seen.socket.end("tell me");
      expect(await within("the end", seen.ended)).to.equal("fin");
      expect(seen.text).to.equal(PARTS.join(""));
    }));

  it("breaks, and does not end, when its service says nothing any more; and the service learns that its user is gone", () =>
    withPipes(async () => {
      const { path, users } = await service((socket) => {
        socket.write("one");
      });
      const socket = connect({ path, allowHalfOpen: true });
      await within("connected", once(socket, "connect"));
      const pipe = new NamedPipe(socket, PAUSE_MS);
      open.push(pipe);
      let why = "";
      pipe.on("error", ({ message }) => (why = message));
      const seen = new Observed<Duplex>(pipe);
      pipe.end("tell me");
      expect(await within("the end", seen.ended)).to.equal("reset");
      expect(seen.text).to.equal("one");
      expect(why).to.equal(
        "a named pipe cannot be closed in one direction alone, and nothing came on it for 0.12 s after the other one had ended",
      );
      await within("the service's end", users[0]!.ended);
      expect(users[0]?.text).to.equal("tell me");
    }));

  it("is not silent while nobody reads what came", () =>
    withPipes(async () => {
      const { path } = await service((socket) => {
        socket.end(Buffer.alloc(MB, "x"));
      });
      const socket = connect({ path, allowHalfOpen: true });
      await within("connected", once(socket, "connect"));
      const pipe = new NamedPipe(socket, 1_000);
      open.push(pipe);
      pipe.end("tell me");
      pipe.read(0);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      const seen = new Observed<Duplex>(pipe);
      expect(await within("the end", seen.ended)).to.equal("fin");
      expect(seen.bytes).to.equal(MB);
    }));

  it("carries bulk both ways at once", () =>
    withPipes(async () => {
      const { path } = await service((socket) => socket.pipe(socket));
      const host = `unix:${path}`;
      const pipe = await dial({ host, port: 0, timeoutMs: 5_000 });
      open.push(pipe);
      const [up, down] = [8 * MB, 8 * MB].map(
        (total) => new CheckedBytes(7, "up", total),
      ) as [CheckedBytes, CheckedBytes];
      const all = new Promise<void>((resolve) => {
        pipe.on("data", (chunk: Buffer) => {
          if (!down.check(chunk) || down.left === 0) resolve();
        });
      });
      while (up.left > 0)
        if (!pipe.write(up.take(100_000)))
          await within("drain", once(pipe, "drain"));
      await within("all of it back", all);
      expect([down.wrongAt, down.left]).to.deep.equal([null, 0]);
    }));

  it("is heard out when it was closed while we still wrote", () =>
    withPipes(async () => {
      const { path } = await service((socket) => {
        socket.once("data", () => {
          socket.write("413 that is too much", () => socket.destroy());
        });
      });
      const seen = await dialled(path);
      const piece = Buffer.alloc(64 * 1024);
      const write = () => {
        if (!seen.socket.destroyed)
          seen.socket.write(piece, () => setImmediate(write));
      };
      write();
      expect(
        await within(
          "the end",
          seen.closed.then(() => seen.state),
        ),
      )
        // What ended in good order before the write failed has been told so.
        .to.be.oneOf(["fin", "reset"]);
      expect(seen.text).to.equal("413 that is too much");
    }));

  it("shows its user the end of what we say, whole and soon", () =>
    withPipes(async () => {
      const { ours, user } = await accepted();
      user.socket.write("hello");
      ours.on("error", () => undefined).resume();
      ours.end(Buffer.alloc(MB, "x"));
      expect(await within("the end", user.ended)).to.equal("fin");
      expect(user.bytes).to.equal(MB);
    }));

  it("of a user that still sends is read on after our end", () =>
    withPipes(async () => {
      const { path } = await service((user) => {
        void (async () => {
          for (const part of PARTS) {
            user.write(part);
            await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
          }
          user.destroy();
        })();
      });
      const socket = connect({ path, allowHalfOpen: true });
      await within("connected", once(socket, "connect"));
      const ours = new NamedPipe(socket, 5_000);
      open.push(ours);
      const seen = new Observed<Duplex>(ours);
      ours.end("enough");
      expect(await within("the end", seen.ended)).to.equal("fin");
      expect(seen.text).to.equal(PARTS.join(""));
    }));

  it("passes a user's close on as an end, and breaks where more is written to it", () =>
    withPipes(async () => {
      const { ours, user } = await accepted();
      const seen = new Observed(ours);
      user.socket.write("bye", () => user.socket.destroy());
      expect(await within("the end", seen.ended)).to.equal("fin");
      expect(seen.text).to.equal("bye");
      const error = once(ours, "error");
      const write = () => {
        if (!ours.destroyed) ours.write("too late", () => setImmediate(write));
      };
      write();
      await within("the error", error);
      await within("closed", seen.closed);
    }));

  it("in a pump ends the other side, and its late answer arrives", () =>
    withPipes(async () => {
      const { path } = await service(slowly);
      const relay = await TestServer.start(({ socket }) => {
        socket.pause();
        void dial({ host: `unix:${path}`, port: 0, timeoutMs: 5_000 }).then(
          (duplex) => {
            open.push(duplex);
            pump(socket, duplex, () => undefined);
          },
        );
      });
      try {
        const user = await connectTo(relay.port);
        open.push(user.socket);
        user.socket.end("tell me");
        expect(await within("the end", user.ended)).to.equal("fin");
        expect(user.text).to.equal(PARTS.join(""));
      } finally {
        await relay.close();
      }
    }));

  it("to a program, as its input and output are, may be closed in one direction, and the answer comes whole", async () => {
    const folder = makeFolder();
    try {
      const script = join(folder, "slow.cjs");
      writeFileSync(
        script,
        `const parts = ${JSON.stringify(PARTS)};
         const say = () => {
           if (parts.length === 0) return;
           process.stdout.write(parts.shift());
           setTimeout(say, ${PAUSE_MS});
         };
         process.stdin.resume().on("end", () => setTimeout(say, ${PAUSE_MS}));`,
      );
      const host = `exec:"${process.execPath}" "${script}"`;
      const program = await dial({ host, port: 0, timeoutMs: 8_000 });
      open.push(program);
      const seen = new Observed(program);
      program.end("tell me");
      expect(await within("the end", seen.ended)).to.equal("fin");
      expect(seen.text).to.equal(PARTS.join(""));
      await within("closed", seen.closed);
    } finally {
      removeFolder(folder);
    }
  });

  it("that nobody has says so when it is dialled", () =>
    withPipes(async () => {
      const host = `unix:${pipeName()}`;
      const missing = await failureOf(
        dial({ host, port: 0, timeoutMs: 5_000 }),
      );
      expect(missing.message).to.equal(
        `cannot connect to ${host}: there is no such pipe; what makes it does not run, or calls it otherwise`,
      );
    }));

  it("that another program has says so when it is listened on", function () {
    if (isWine) skip(this, "needs a system that gives a pipe to one program");
    return withPipes(async () => {
      const { path } = await service(() => undefined);
      const taken = await failureOf(
        Listener.start({
          host: `unix:${path}`,
          port: 0,
          onConnection: (duplex) => duplex.destroy(),
          onError: () => undefined,
        }),
      );
      expect(taken.message).to.equal(
        `cannot listen on unix:${path}: another program has that pipe already; end it, or take another name`,
      );
    });
  });

  describe("in a LAN", () => {
    it("behind a serve answers late a user who has closed his half", () =>
      withPipes(async () => {
        const { path } = await service(slowly);
        await withHub(async (hub) => {
          const port = await reservePort();
          const ip = `unix:${path}`;
          await hub.node({
            name: "home",
            serves: [serveSettings("s", { serveid: 700, ip, port: 0 })],
          });
          const office = await hub.node({
            name: "office",
            uses: [useSettings("u", { serveid: 700, port })],
          });
          await office.untilUse("u", "listening");
          const user = await hub.user(port);
          user.socket.end("tell me");
          expect(await within("the end", user.ended)).to.equal("fin");
          expect(user.text).to.equal(PARTS.join(""));
        });
      }));

    it("before a use gets all that a service says in parts before it ends, and the service all of the user's", () =>
      withPipes(() =>
        withHub(async (hub) => {
          const server = await hub.service(() =>
            TestServer.start(({ socket }) => {
              socket.once("data", () => {
                void (async () => {
                  for (const part of PARTS) {
                    socket.write(part);
                    await new Promise((resolve) =>
                      setTimeout(resolve, PAUSE_MS),
                    );
                  }
                  socket.end();
                })();
              });
            }),
          );
          const { port } = server;
          await hub.node({
            name: "home",
            serves: [serveSettings("s", { serveid: 700, port })],
          });
          const path = pipeName();
          const use = { serveid: 700, ip: `unix:${path}`, port: 0 };
          const office = await hub.node({
            name: "office",
            uses: [useSettings("u", use)],
          });
          await office.untilUse("u", "listening");
          const socket = connect({ path, allowHalfOpen: true });
          open.push(socket);
          const user = new Observed(socket);
          socket.write("tell me");
          expect(await within("the end", user.ended)).to.equal("fin");
          expect(user.text).to.equal(PARTS.join(""));
          const [seen] = server.connections;
          await within("the service's end", seen!.ended);
          expect(seen?.text).to.equal("tell me");
        }),
      ));

    it("leads to the hub, for the control link and for channels", () =>
      withPipes(() =>
        withHub(async (hub) => {
          const service = await hub.service(startEcho);
          const path = pipeName();
          // The hub's own port is TCP in these tests; a pipe of a program that only copies stands before it.
          const listener = await Listener.start({
            host: `unix:${path}`,
            port: 0,
            onConnection: (duplex) => {
              void connectTo(hub.port).then(({ socket }) => {
                socket.removeAllListeners("data").pause();
                pump(duplex, socket, () => undefined);
              });
            },
            onError: () => undefined,
          });
          listeners.push(listener);
          const port = await reservePort();
          const route = { ip: `unix:${path}`, port: 0 };
          const { port: there } = service;
          await hub.node({
            name: "home",
            route,
            serves: [serveSettings("s", { serveid: 700, port: there })],
          });
          const office = await hub.node({
            name: "office",
            route,
            uses: [useSettings("u", { serveid: 700, port })],
          });
          await office.untilUse("u", "listening");
          for (let n = 0; n < 3; n++) {
            const seen = await hub.user(port);
            seen.socket.end("hello");
            expect(await within("the echo", seen.ended)).to.equal("fin");
            expect(seen.text).to.equal("hello");
          }
        }),
      ));
  });
});
