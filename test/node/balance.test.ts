import { expect } from "chai";
import { Balance } from "../../src/node/balance.js";
import { remoteServe } from "../support/remote-serve.js";

const [A, B, C] = [1, 2, 3].map((vnetid) =>
  remoteServe(vnetid, { share: "balance" }),
) as [
  ReturnType<typeof remoteServe>,
  ReturnType<typeof remoteServe>,
  ReturnType<typeof remoteServe>,
];
const ALL = [A, B, C];

describe("a balance", () => {
  let now: number;
  let balance: Balance;

  const first = () => balance.order(ALL)[0]!;
  const last = () => balance.order(ALL).at(-1);
  /** Opens one where it is its turn. */
  const open = () => {
    const serve = first();
    balance.opened(serve);
    return serve;
  };

  beforeEach(() => {
    now = 5_000;
    balance = new Balance(() => now);
  });

  it("chooses the one with the fewest streams", () => {
    for (const serve of [A, A, B]) balance.opened(serve);
    expect(balance.order(ALL)).to.deep.equal([C, B, A]);
    balance.ended(A);
    balance.ended(A);
    balance.opened(C);
    expect(first()).to.equal(A);
  });

  it("takes turns among equals", () => {
    const turns = Array.from({ length: 9 }, () => {
      const serve = open();
      balance.ended(serve);
      return serve.vnetid;
    });
    expect(new Set(turns.slice(0, 3)).size).to.equal(3);
    expect(turns.slice(3, 6)).to.deep.equal(turns.slice(0, 3));
    expect(turns.slice(6)).to.deep.equal(turns.slice(0, 3));
  });

  it("spreads streams that stay evenly, whatever came first", () => {
    for (let n = 0; n < 3; n++) balance.opened(A);
    const chosen = Array.from({ length: 9 }, open);
    for (const serve of ALL)
      expect(chosen.filter((one) => one === serve)).to.have.length(
        serve === A ? 1 : 4,
      );
  });

  it("puts one that failed last, and back after its rest", () => {
    balance.opened(A);
    balance.failed(A);
    balance.ended(A);
    for (const serve of [B, B, C, C]) balance.opened(serve);
    expect(last()).to.equal(A);
    now += 999;
    expect(last()).to.equal(A);
    now += 1;
    expect(first()).to.equal(A);
  });

  it("doubles the rest with each failure in a row, up to 30 s, and forgets it after a success", () => {
    const restMs = () => {
      balance.opened(A);
      balance.failed(A);
      balance.ended(A);
      for (const serve of [B, C]) balance.opened(serve);
      const from = now;
      while (last() === A) now += 500;
      return now - from;
    };
    const rests = Array.from({ length: 7 }, restMs);
    expect(rests).to.deep.equal([
      1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000,
    ]);
    balance.succeeded(A);
    expect(restMs()).to.equal(1_000);
  });

  it("still offers those that rest, when there are no others", () => {
    for (const serve of ALL) balance.failed(serve);
    expect(balance.order(ALL)).to.have.members(ALL);
    expect(balance.order([])).to.deep.equal([]);
  });

  it("knows of a stream that runs on where it was gone for a while", () => {
    balance.opened(A);
    balance.keep([B, C]);
    for (const serve of [B, C]) balance.opened(serve);
    for (const serve of [B, C]) balance.ended(serve);
    expect(last()).to.equal(A);
    balance.ended(A);
    expect(first()).to.equal(A);
  });

  it("forgets who has gone, but not while a stream runs there", () => {
    balance.opened(A);
    balance.failed(B);
    balance.keep([C]);
    balance.opened(C);
    // B is as new; A has its stream still.
    expect(balance.order(ALL)[0]).to.equal(B);
    balance.opened(B);
    balance.opened(B);
    balance.opened(C);
    expect(first()).to.equal(A);
    balance.ended(A);
    balance.keep([B, C]);
    expect(first()).to.equal(A);
  });

  it("knows two serves of one node apart", () => {
    const other = { ...A, serveid: 701 };
    balance.opened(A);
    expect(balance.order([A, other])).to.deep.equal([other, A]);
  });
});
