import { expect } from "chai";
import { VnetError } from "../../src/errors.js";
import { abilitiesOf, settle } from "../../src/wire/version.js";

const titles = { own: "this node", other: "the hub (vnet 1)" };
const build = (oldest: number, protocol: number, ...features: string[]) => ({
  oldest,
  protocol,
  features,
});

describe("Two builds", () => {
  const pairs: [
    a: ReturnType<typeof build>,
    b: ReturnType<typeof build>,
    protocol: number,
    features: string[],
  ][] = [
    [build(4, 4), build(4, 4), 4, []],
    [build(4, 6), build(5, 9), 6, []],
    [build(4, 6), build(2, 4), 4, []],
    [build(4, 4, "x", "y"), build(4, 4, "y", "z"), 4, ["y"]],
    [build(4, 5, "x"), build(4, 4), 4, []],
  ];
  for (const [a, b, protocol, features] of pairs)
    it(`of ${JSON.stringify(a)} and ${JSON.stringify(b)} settle on the same, whoever asks`, () => {
      for (const settled of [settle(a, b, titles), settle(b, a, titles)]) {
        expect(settled.protocol).to.equal(protocol);
        expect([...settled.features]).to.deep.equal(features);
      }
    });

  it("without a version in common are refused, with both ranges named", () => {
    expect(() => settle(build(4, 6), build(7, 9), titles))
      .to.throw(
        VnetError,
        "the hub (vnet 1) speaks protocol 7 to 9, this node speaks 4 to 6: update the older one",
      )
      .with.property("code", "refused");
    expect(() => settle(build(4, 4), build(3, 3), titles)).to.throw(
      "protocol 3, this node speaks 4",
    );
  });

  it("of which one names no range: it speaks its one version", () => {
    expect(abilitiesOf({ protocol: 3 })).to.deep.equal(build(3, 3));
  });
});
