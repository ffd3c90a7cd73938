import { expect } from "chai";
import { BoundedLog } from "../../src/net/bounded-log.js";
import { eventually } from "../support/deadline.js";
import { KeptLog } from "../support/kept-log.js";

const create = (log: KeptLog) =>
  new BoundedLog({
    ...{ log, perSecond: 5, burst: 10 },
    sum: (n) => `${n} more`,
  });

describe("what the log says of something that others may do as often as they like", () => {
  it("is a line each while they are few", () => {
    const log = new KeptLog();
    const bounded = create(log);
    bounded.warn({ what: "one" });
    bounded.warn({ what: "two" });
    bounded.close();
    expect(log.texts).to.deep.equal(["one", "two"]);
  });

  it("is their number where they are many", async () => {
    const log = new KeptLog();
    const bounded = create(log);
    for (let n = 0; n < 5_000; n++) bounded.warn({ what: `number ${n}` });
    const few = log.texts.length;
    expect(few).to.be.within(5, 20);
    const sum = await eventually("the sum", () => log.texts[few]);
    expect(sum).to.equal(`${5_000 - few} more`);
    bounded.close();
    expect(log.texts).to.have.length(few + 1);
  });

  it("is said at the end at the latest", () => {
    const log = new KeptLog();
    const bounded = create(log);
    for (let n = 0; n < 100; n++) bounded.warn({ what: "again" });
    bounded.close();
    bounded.close();
    expect(log.texts.at(-1)).to.match(/^\d+ more$/);
    expect(log.texts).to.have.length.below(22);
  });
});
