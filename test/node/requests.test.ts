import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { Requests } from "../../src/node/requests.js";
import { failureOf } from "../support/failure.js";

interface Reply {
  request: number;
  text: string;
}

const LONG_MS = 60_000;

describe("the requests to a hub", () => {
  let requests: Requests<Reply>;
  let sent: number[];

  const ask = () => requests.ask((request) => sent.push(request));

  beforeEach(() => {
    requests = new Requests<Reply>(LONG_MS);
    sent = [];
  });

  afterEach(() => {
    requests.drop(new VnetError("closed", "the test is over"));
  });

  it("are matched with their answers, in whatever order these come", async () => {
    const asked = [ask(), ask(), ask()];
    for (const request of [...sent].reverse())
      expect(requests.answer({ request, text: `to ${request}` })).to.equal(
        true,
      );
    expect((await Promise.all(asked)).map((reply) => reply.text)).to.deep.equal(
      sent.map((request) => `to ${request}`),
    );
    expect(new Set(sent).size).to.equal(3);
  });

  it("fail with the reason for which they are refused", async () => {
    const asked = ask();
    const reason = new VnetError("refused", "no");
    requests.refuse(sent[0]!, reason);
    expect(await failureOf(asked)).to.equal(reason);
  });

  it("fail when nobody answers in time", async () => {
    requests = new Requests<Reply>(5);
    const asked = ask();
    expect(await failureOf(asked)).to.include({
      code: "timeout",
      message: "the hub did not answer in time",
    });
    expect(requests.answer({ request: sent[0]!, text: "late" })).to.equal(
      false,
    );
  });

  it("all fail when the hub is lost", async () => {
    const asked = [ask(), ask()];
    const reason = new VnetError("closed", "lost");
    requests.drop(reason);
    for (const one of asked) expect(await failureOf(one)).to.equal(reason);
  });

  it("are not disturbed by answers that nobody waits for", async () => {
    const asked = ask();
    requests.answer({ request: 999, text: "stray" });
    requests.refuse(998, new VnetError("refused", "stray"));
    requests.answer({ request: sent[0]!, text: "mine" });
    requests.answer({ request: sent[0]!, text: "again" });
    expect((await asked).text).to.equal("mine");
  });
});
