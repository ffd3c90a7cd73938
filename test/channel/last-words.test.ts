import { expect } from "chai";
import { Channel } from "../../src/channel/channel.js";
import type { Stream } from "../../src/channel/stream.js";
import { createTraffic } from "../../src/channel/traffic.js";
import { tellTrueEnd } from "../../src/net/socket-handle.js";
import { ChannelPeer, frame, openFrame } from "../support/channel-peer.js";
import { eventually, within } from "../support/deadline.js";
import { Observed } from "../support/echo.js";
import {
  createSocketPair,
  destroySocketPairs,
} from "../support/socket-pair.js";

describe("What a user says before a reset reaches the service", () => {
  const LAST_WORDS = [frame("data", "my last words"), frame("reset", "gone")];
  let user: ChannelPeer;
  let channel: Channel;
  let opened: Stream[];

  beforeEach(async () => {
    const { a, b } = await createSocketPair();
    user = new ChannelPeer(a);
    opened = [];
    channel = new Channel({
      ...{ duplex: b, role: "acceptor", traffic: createTraffic() },
    });
    channel.on("stream", (stream) => opened.push(stream));
  });

  afterEach(() => {
    channel.destroy();
    destroySocketPairs();
  });

  async function connect() {
    const { a: far, b: near } = await createSocketPair();
    tellTrueEnd(far);
    return { service: new Observed(far), near };
  }

  async function expectLastWords(service: Observed): Promise<void> {
    expect(await within("the reset", service.ended)).to.equal("reset");
    expect(service.text).to.equal("my last words");
  }

  it("when both come in one piece", async () => {
    user.say(openFrame(7));
    const stream = await eventually("the stream", () => opened[0]);
    const { service, near } = await connect();
    stream.accept(near);
    await user.hearing("accept");
    user.say(...LAST_WORDS);
    await expectLastWords(service);
  });

  it("when all is over before the service is connected", async () => {
    user.say(openFrame(7), ...LAST_WORDS);
    const stream = await eventually("the stream", () => opened[0]);
    await eventually("the end", () => channel.isClosed);
    const { service, near } = await connect();
    stream.accept(near);
    await expectLastWords(service);
  });

  it("and hurts nobody where the service has gone as well", async () => {
    user.say(openFrame(7), ...LAST_WORDS);
    const stream = await eventually("the stream", () => opened[0]);
    const { service, near } = await connect();
    service.socket.resetAndDestroy();
    await within("the service's end", service.closed);
    stream.accept(near);
    await eventually("the connection closed", () => near.closed);
  });
});
