import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { expect } from "chai";
import { OpenFiles } from "../../src/net/open-files.js";

describe("the limit of open files", () => {
  const held: number[] = [];

  afterEach(() => {
    for (const file of held.splice(0)) closeSync(file);
  });

  /** Opens files until there are that many with the next one. */
  function fillTo(count: number): void {
    while (held.length === 0 || (held.at(-1) ?? 0) < count - 2)
      held.push(openSync(devNull, "r"));
  }

  it("is never reached where none is known", () => {
    const files = new OpenFiles();
    expect(files.isShort(1e9)).to.be.false;
    expect(() => files.refuseWhenShort()).to.not.throw();
  });

  for (const [limit, room] of [
    [64, 52],
    [1_024, 960],
    [65_536, 65_280],
  ] as const)
    it(`leaves ${room} of ${limit} for users`, () => {
      const files = new OpenFiles();
      files.setLimit(limit);
      expect(files.room).to.equal(room);
    });

  it("is near when the next file would be one of the reserve", () => {
    const files = new OpenFiles();
    files.setLimit(512);
    const { room } = files;
    fillTo(room - 10);
    expect(files.isShort(5)).to.be.false;
    expect(files.isShort(30)).to.be.true;
    fillTo(room + 3);
    expect(files.isShort()).to.be.true;
    expect(() => files.refuseWhenShort()).to.throw(
      /^the limit of 512 open files is reached \(raise it: /,
    );
    for (const file of held.splice(-20)) closeSync(file);
    expect(files.isShort()).to.be.false;
  });
});
