// A member of a group that opens channels to a node by hand, and says on them what a test wants.

import type { Socket } from "node:net";
import { ChannelSecurity } from "../../src/node/channel-security.js";
import { Identity } from "../../src/keys/identity.js";
import type { Wanted } from "../../src/wire/open.js";
import { ChannelPeer, frame } from "./channel-peer.js";
import { eventually } from "./deadline.js";
import type { TestHub } from "./hub.js";
import type { HubClient } from "./hub-client.js";

export class Hand {
  #request = 1;
  readonly #security: ChannelSecurity;

  private constructor(
    private readonly hub: TestHub,
    readonly client: HubClient,
    readonly identity: Identity,
    secret: string,
  ) {
    const settings = { encrypt: true, secret, group: "default" };
    this.#security = new ChannelSecurity(identity, () => settings);
  }

  static async join(
    hub: TestHub,
    name: string,
    { identity = Identity.generate(), secret = "" } = {},
  ): Promise<Hand> {
    const client = await hub.client({ name }, identity);
    return new Hand(hub, client, identity, secret);
  }

  /** Joined to the node's leg, and nothing said on it. */
  async leg(vnetid: number): Promise<Socket> {
    const { client, hub } = this;
    const request = this.#request++;
    client.send({ type: "channel", request, vnetid });
    const { ticket } = await client.next(
      "leg",
      (message) => message.request === request,
    );
    return hub.keep(await client.openLeg(ticket)).socket;
  }

  /** Rejects with VnetError when the node does not take it. */
  async channel(vnetid: number): Promise<ChannelPeer> {
    const { client } = this;
    const peer = await eventually("the node is seen", () =>
      client.received
        .flatMap((said) => (said.type === "directory" ? said.nodes : []))
        .findLast((node) => node.vnetid === vnetid),
    );
    const leg = await this.leg(vnetid);
    return new ChannelPeer(await this.#security.secure(leg, peer, "opener"));
  }

  /** Opens a stream on a channel of its own. */
  async open(vnetid: number, wanted: Wanted): Promise<ChannelPeer> {
    const peer = await this.channel(vnetid);
    peer.say(frame("open", JSON.stringify(wanted)));
    return peer;
  }

  /** Opens one that is not taken; resolves with the node's reason. */
  async refusal(vnetid: number, wanted: Wanted): Promise<string> {
    const { heard } = await this.open(vnetid, wanted);
    const [first = ""] = await eventually(
      "the answer",
      () => heard.length > 0 && heard,
    );
    const [, reason] = /^refuse (.*)$/s.exec(first) ?? [];
    if (reason === undefined) throw new Error(`not refused: ${first}`);
    return reason;
  }

  /** Asks for a service, and says that it has it; resolves with the stream and what it was granted. */
  async borrow(
    vnetid: number,
    port: number,
    keep = false,
  ): Promise<{ peer: ChannelPeer; granted: string }> {
    const lend = { ip: "127.0.0.1", port, keep };
    const peer = await this.open(vnetid, { lend });
    await eventually("what it is granted", () => peer.heard.length >= 2);
    peer.say(frame("data", "{}\n"));
    const [, granted = ""] = peer.heard;
    return { peer, granted: granted.replace(/^data /, "").trim() };
  }
}
