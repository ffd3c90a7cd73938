// A process: the service that connections of our own openers reach. One port
// does what the first byte asks for, the other one speaks first.
//   node service.mjs ANSWER-PORT GREET-PORT

import { createServer } from "node:net";

const [answerPort, greetPort] = process.argv.slice(2).map(Number);
const MEGABYTE = Buffer.alloc(1_000_000, 0x78);
const PIECE = Buffer.alloc(64 * 1024, 0x78);

const open = new Set();
const listen = (port, accept) =>
  createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => undefined);
    accept(socket);
  }).listen({ port, host: "127.0.0.1", backlog: 4096 });

listen(answerPort, (socket) => {
  open.add(socket);
  socket.on("close", () => open.delete(socket));
  socket.on("data", (bytes) => {
    const command = String.fromCharCode(bytes[0]);
    if (command === "m") socket.write(MEGABYTE);
    else if (command === "f")
      for (let n = 0; n < 4; n++) socket.write(MEGABYTE);
    else if (command === "p") pour(socket);
    else if (command === "n") socket.write(`${open.size - 1}\n`);
    else socket.write(bytes);
  });
});

listen(greetPort, (socket) => {
  socket.write("h");
  socket.resume();
});

/** Sends until the other side goes, never faster than it takes. */
function pour(socket) {
  const more = () => {
    while (!socket.destroyed && socket.write(PIECE));
  };
  socket.on("drain", more);
  more();
}
