// A hub behind a proxy, with all that can stand in front of its port: PROXY header, CONNECT line, a public port on the
// hub's own and one beside it. Its node comes through a relay that says both.

import { within } from "../../support/deadline.js";
import { reservePort } from "../../support/ports.js";
import {
  checkEcho,
  ECHO_DEADLINE_MS,
  opened,
  prefixing,
  Service,
  type Stage,
} from "../stage.js";
import { Suspect } from "../suspect.js";

export const PROXY_LINE = "PROXY TCP4 192.0.2.7 192.0.2.1 40000 7749\r\n";
export const CONNECT_LINE = "CONNECT 52\n";
const ANSWER = "OK 52\n";

export class FrontStage implements Stage {
  readonly suspects: Suspect[] = [];
  hubPort = 0;
  publicPort = 0;
  private readonly services: Service[] = [];

  static start(): Promise<FrontStage> {
    return opened(new FrontStage());
  }

  /** Both ways in: through the hub's port as a proxied user, and through the port beside it. */
  async checkHealth(): Promise<void> {
    const both = Promise.all([
      checkEcho(this.hubPort, PROXY_LINE + CONNECT_LINE, ANSWER),
      checkEcho(this.publicPort),
    ]);
    await within("both echoes", both, 2 * ECHO_DEADLINE_MS);
  }

  async close(): Promise<void> {
    for (const suspect of [...this.suspects].reverse()) await suspect.close();
    for (const service of this.services.reverse()) await service.close();
  }

  async open(): Promise<void> {
    const echo = await Service.echo();
    this.services.push(echo);
    this.hubPort = await reservePort();
    this.publicPort = await reservePort();
    const hub = new Suspect(
      "hub",
      "route",
      `[route]
ip = 127.0.0.1
port = ${this.hubPort}
proxy_protocol = true
connect_line = true
[limits]
handshake_timeout = 1
[public.shared]
serveid = 700
ip = 127.0.0.1
port = ${this.hubPort}
[public.beside]
serveid = 700
ip = 127.0.0.1
port = ${this.publicPort}
`,
    );
    this.suspects.push(hub);
    await hub.saying(/ listens on /);
    const words = PROXY_LINE + CONNECT_LINE;
    const relay = await prefixing(this.hubPort, words, ANSWER);
    this.services.push(relay);
    const node = new Suspect(
      "server",
      "vnet",
      `[route]\nip = 127.0.0.1\nport = ${relay.port}\n[vnet]\nname = server\n[serve.echo]\nserveid = 700\nport = ${echo.port}\n`,
    );
    this.suspects.push(node);
    await node.saying(/connected to the hub/);
    await this.checkHealth();
  }
}
