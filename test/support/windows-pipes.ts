// Named pipes for tests: real ones on Windows; elsewhere Unix sockets of the same name in a folder of their own, that
// end as libuv ends a pipe there: both directions at once, and its own user is told of an end in good order.

import { Socket } from "node:net";
import { makeFolder, removeFolder } from "./folder.js";

/** libuv's eof_timeout: so long a pipe may be silent after it was shut down. */
const EOF_TIMEOUT_MS = 50;

const HAS_PIPES = process.platform === "win32";

type Final = (this: Socket, done: () => void) => void;

let made = 0;

/** The name of a pipe that nobody has. Elsewhere than on Windows only within withPipes. */
export function pipeName(): string {
  return `\\\\.\\pipe\\vnet-test-${process.pid}-${++made}`;
}

/** Socket files, all of them in this process, are named pipes while `body` runs. */
export async function withPipes(body: () => Promise<void>): Promise<void> {
  if (HAS_PIPES) return body();
  const real = Object.getOwnPropertyDescriptor(Socket.prototype, "_final")!;
  const home = process.cwd();
  const folder = makeFolder();
  const final: Final = function (done) {
    if (isFile(this) && !this.readableEnded) endBoth(this, done);
    else (real.value as Final).call(this, done);
  };
  process.chdir(folder);
  Object.defineProperty(Socket.prototype, "_final", { ...real, value: final });
  try {
    await body();
  } finally {
    Object.defineProperty(Socket.prototype, "_final", real);
    process.chdir(home);
    removeFolder(folder);
  }
}

function isFile(socket: Socket): boolean {
  const { _handle: handle } = socket as Socket & { _handle?: object | null };
  return handle?.constructor.name === "Pipe";
}

function endBoth(socket: Socket, done: () => void): void {
  let timer: NodeJS.Timeout;
  const cut = () => {
    socket.push(null);
    // Where nobody reads, nobody is told, and it is closed all the same.
    if (socket.readableLength === 0) socket.resume();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(cut, EOF_TIMEOUT_MS);
  };
  wait();
  socket.on("data", wait);
  socket.once("end", () => {
    clearTimeout(timer);
  });
  socket.once("close", () => {
    clearTimeout(timer);
  });
  done();
}
