// A hub and two nodes, `server` and `user`, with an echo and an HTTP service between them; the fuzzer may attack the
// hub's port, both nodes through channels, and the HTTP front from both sides.

import type { Socket } from "node:net";
import { within } from "../../support/deadline.js";
import { reservePort } from "../../support/ports.js";
import { Identity } from "../../../src/keys/identity.js";
import { greeted, Member } from "../member.js";
import {
  checkEcho,
  ECHO_DEADLINE_MS,
  opened,
  Service,
  type Stage,
} from "../stage.js";
import { Suspect } from "../suspect.js";

export const ECHO_ID = 700;
const HTTP_ID = 701;
/** of the fuzzer itself: what it serves to `user` */
const TRAP_ID = 702;

const PLAIN_ANSWER = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
/** A request for it is answered by hand. */
const BY_HAND = /^GET \/by-hand\/(\d+) /;

export class LanStage implements Stage {
  readonly suspects: Suspect[] = [];
  hubPort = 0;
  echoUse = 0;
  httpUse = 0;
  trapUse = 0;
  private echo: Service | undefined;
  private http: Service | undefined;
  private member: Promise<Member> | undefined;
  /** The hub keeps the id for it, each time that it comes anew. */
  private readonly identity = Identity.generate();
  private readonly byHand = new Map<string, (service: Socket) => void>();

  private constructor(readonly encrypt: boolean) {}

  static start({ encrypt }: { encrypt: boolean }): Promise<LanStage> {
    return opened(new LanStage(encrypt));
  }

  async checkHealth(): Promise<void> {
    await within("an echo", checkEcho(this.echoUse), 2 * ECHO_DEADLINE_MS);
  }

  /** A member of the nodes' group, made again when its link is lost. */
  async ownMember(): Promise<Member> {
    if (this.member === undefined || (await this.member).isClosed) {
      const { encrypt } = this;
      const fields = { group: "default", encrypt };
      this.member = Member.join(this.hubPort, fields, this.identity).then(
        async (member) => {
          if (encrypt) return member;
          // The use of it listens as soon as a channel to this member could be made.
          await member.register(TRAP_ID);
          const offer = await member.nextOffer();
          await greeted(await member.openLeg(offer.ticket));
          return member;
        },
      );
      this.member.catch(() => (this.member = undefined));
    }
    return this.member;
  }

  /** The hub cuts the channels of a member that breaks the protocol, and forgets its tickets. */
  async dismiss(): Promise<void> {
    (await this.member)?.breakProtocol();
    this.member = undefined;
  }

  /** The vnetid of `server`, which joined first. */
  readonly serverId = 1;

  /** The service's end of the connection on which that request comes: `GET /by-hand/ID`. */
  takeByHand(id: string): Promise<Socket> {
    const taken = new Promise<Socket>((resolve) =>
      this.byHand.set(id, resolve),
    );
    return within("the request", taken).finally(() => this.byHand.delete(id));
  }

  async close(): Promise<void> {
    (await this.member?.catch(() => undefined))?.close();
    for (const suspect of [...this.suspects].reverse()) await suspect.close();
    await this.echo?.close();
    await this.http?.close();
  }

  async open(): Promise<void> {
    this.echo = await Service.echo();
    this.http = await Service.start((socket) => {
      this.serveHttp(socket);
    });
    this.hubPort = await reservePort();
    this.echoUse = await reservePort();
    this.httpUse = await reservePort();
    this.trapUse = await reservePort();
    const { hubPort, encrypt } = this;
    const hub = this.add(
      "hub",
      "route",
      `[route]\nip = 127.0.0.1\nport = ${hubPort}\n[limits]\nhandshake_timeout = 1\n`,
    );
    await hub.saying(/ listens on /);
    const node = (name: string, sections: string) =>
      this.add(
        name,
        "vnet",
        `[route]\nip = 127.0.0.1\nport = ${hubPort}\n[vnet]\nname = ${name}\nencrypt = ${encrypt}\n${sections}`,
      );
    const serving = `[serve.echo]\nserveid = ${ECHO_ID}\nport = ${this.echo.port}\n[serve.http]\nserveid = ${HTTP_ID}\nport = ${this.http.port}\ntype = http\nhost = fuzz.example\nhosts = a, other.example\n`;
    await node("server", serving).saying(/connected to the hub/);
    const use = (id: number, port: number) =>
      `[use.u${id}]\nserveid = ${id}\nport = ${port}\n`;
    const using =
      use(ECHO_ID, this.echoUse) +
      use(HTTP_ID, this.httpUse) +
      use(TRAP_ID, this.trapUse);
    await node("user", using).saying(/connected to the hub/);
    await this.checkHealth();
  }

  private add(
    name: string,
    launcher: "route" | "vnet",
    config: string,
  ): Suspect {
    const suspect = new Suspect(name, launcher, config);
    this.suspects.push(suspect);
    return suspect;
  }

  /** Answers whatever comes, and hands over who asks for it. */
  private serveHttp(socket: Socket): void {
    let hand: ((service: Socket) => void) | undefined;
    socket.on("data", (chunk: Buffer) => {
      if (hand !== undefined) return;
      const id = BY_HAND.exec(chunk.toString("latin1", 0, 60))?.[1];
      hand = id === undefined ? undefined : this.byHand.get(id);
      if (hand !== undefined) hand(socket);
      else if (socket.writable) socket.write(PLAIN_ANSWER);
    });
    socket.on("end", () => {
      if (hand === undefined) socket.end();
    });
  }
}
