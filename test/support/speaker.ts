// Services that say who they are, for tests of which of several a connection reaches.

import { connectTo, TestServer, type Observed } from "./echo.js";

/** Says its name on a line, echoes what comes, and ends when the other side does. */
export function startSpeaker(name: string): Promise<TestServer> {
  return TestServer.start(({ socket }) => {
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
}

/** Connects and resolves with who answered; null: nobody, it was refused or broken before. */
export async function askWho(
  port: number,
): Promise<{ name: string; connection: Observed } | null> {
  let connection: Observed;
  try {
    connection = await connectTo(port);
  } catch {
    return null;
  }
  const { socket } = connection;
  const name = await new Promise<string | null>((resolve) => {
    const look = () => {
      const line = /^(.*)\n/.exec(connection.text)?.[1];
      if (line !== undefined) resolve(line);
    };
    socket.on("data", look);
    socket.once("close", () => resolve(null));
    look();
  });
  if (name !== null) return { name, connection };
  socket.destroy();
  return null;
}
