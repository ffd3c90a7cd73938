import { expect } from "chai";
import { UnserveRequests } from "../../src/hub/unserve-requests.js";
import { eventually } from "../support/deadline.js";

const LONG_MS = 60_000;

describe("the unserve requests on their way", () => {
  let refusals: [request: number, reason: string][];
  let requests: UnserveRequests<string>;

  const start = (timeoutMs: number) =>
    new UnserveRequests<string>({
      timeoutMs,
      onRefused: ({ request }, reason) => {
        refusals.push([request, reason.message]);
      },
    });

  const ask = (request: number, requester = "office", provider = "home") => ({
    requester,
    provider,
    request,
  });

  beforeEach(() => {
    refusals = [];
    requests = start(LONG_MS);
  });

  afterEach(() => {
    for (const party of ["home", "office", "lab"]) requests.drop(party);
  });

  it("are found once by the number that the provider answers under", () => {
    const number = requests.add(ask(5));
    expect(requests.take(number, "home")).to.include(ask(5));
    expect(requests.take(number, "home")).to.be.undefined;
  });

  it("have numbers of their own, whatever the requesters call them", () => {
    const first = requests.add(ask(5, "office"));
    const second = requests.add(ask(5, "lab"));
    expect(requests.take(second, "home")?.requester).to.equal("lab");
    expect(requests.take(first, "home")?.requester).to.equal("office");
  });

  it("cannot be answered by another node", () => {
    const number = requests.add(ask(5));
    expect(requests.take(number, "lab")).to.be.undefined;
    expect(requests.take(number, "home")).to.exist;
  });

  it("are refused when the provider does not answer in time", async () => {
    requests = start(5);
    const number = requests.add(ask(5));
    await eventually("the refusal", () => refusals.length > 0);
    expect(refusals).to.deep.equal([[5, "the node did not answer in time"]]);
    expect(requests.take(number, "home")).to.be.undefined;
  });

  it("are refused when the provider goes", () => {
    requests.add(ask(5));
    requests.add(ask(6, "lab"));
    requests.add(ask(7, "home", "lab"));
    requests.drop("home");
    expect(refusals).to.deep.equal([
      [5, "the node left before it answered"],
      [6, "the node left before it answered"],
    ]);
  });

  it("are forgotten when the requester goes", () => {
    const number = requests.add(ask(5));
    requests.drop("office");
    expect(refusals).to.deep.equal([]);
    expect(requests.take(number, "home")).to.be.undefined;
  });

  it("are forgotten when a node that asked itself goes", () => {
    requests.add(ask(5, "home", "home"));
    requests.drop("home");
    expect(refusals).to.deep.equal([]);
  });
});
