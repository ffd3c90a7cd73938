import { expect } from "chai";
import { Complaints } from "../../src/hub/complaints.js";
import { eventually } from "../support/deadline.js";
import { KeptLog } from "../support/kept-log.js";

describe("what the hub says of connections that came to nothing", () => {
  it("is a line each while they are few", () => {
    const log = new KeptLog();
    const complaints = new Complaints(log);
    complaints.add({ what: "one" });
    complaints.add({ what: "two" });
    complaints.close();
    expect(log.texts).to.deep.equal(["one", "two"]);
  });

  it("is their number where they are many", async () => {
    const log = new KeptLog();
    const complaints = new Complaints(log);
    for (let n = 0; n < 5_000; n++) complaints.add({ what: `number ${n}` });
    const few = log.texts.length;
    expect(few).to.be.within(5, 20);
    const sum = await eventually("the sum", () => log.texts[few]);
    expect(sum).to.equal(
      `${5_000 - few} more connections that came to nothing`,
    );
    complaints.close();
    expect(log.texts).to.have.length(few + 1);
  });

  it("is said at the end at the latest", () => {
    const log = new KeptLog();
    const complaints = new Complaints(log);
    for (let n = 0; n < 100; n++) complaints.add({ what: "again" });
    complaints.close();
    complaints.close();
    expect(log.texts.at(-1)).to.match(/^\d+ more connections/);
    expect(log.texts).to.have.length.below(22);
  });
});
