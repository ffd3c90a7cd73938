// One connection that stays, to a service that echoes: each exchange shows that it is the same one and lives.

import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { within } from "./deadline.js";

export class Steady {
  #said = 0;
  #ended: string | null = null;

  private constructor(private readonly socket: Socket) {
    socket.on("error", (error) => (this.#ended = error.message));
    socket.on("close", () => (this.#ended ??= "closed"));
  }

  static async open(port: number): Promise<Steady> {
    const socket = connect(port, "127.0.0.1");
    const steady = new Steady(socket);
    await within("the connection", once(socket, "connect"));
    return steady;
  }

  /** A word there and back. */
  async exchange(): Promise<void> {
    if (this.#ended !== null) throw new Error(`it ended: ${this.#ended}`);
    const word = `word ${++this.#said}`;
    const answer = once(this.socket, "data");
    this.socket.write(word);
    const [heard] = (await within("the echo", answer)) as [Buffer];
    if (heard.toString() !== word)
      throw new Error(`${word}: came back as ${heard.toString()}`);
  }

  close(): void {
    this.socket.destroy();
  }
}
