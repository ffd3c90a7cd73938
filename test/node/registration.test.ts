import { expect } from "chai";
import { setImmediate } from "node:timers/promises";
import type { HubLink } from "../../src/node/hub-link.js";
import type { Reply } from "../../src/node/hub-messages.js";
import { Registration } from "../../src/node/registration.js";
import { serveSettings } from "../support/settings.js";

const ID = 700;
const LATER = {
  type: "displaced",
  serveid: ID,
  vnetid: 2,
  name: "later",
} as const;

/** A hub by hand: answers when the test says so. */
class Asked {
  readonly state = "online";
  readonly sent: object[] = [];
  #answers: ((reply: Reply) => void)[] = [];

  send(message: object): void {
    this.sent.push(message);
  }

  request(message: object): Promise<Reply> {
    this.sent.push(message);
    return new Promise((resolve) => this.#answers.push(resolve));
  }

  get waiting(): number {
    return this.#answers.length;
  }

  /** As one read of the connection does: what comes behind it is heard in the same turn. */
  register(): void {
    this.#answers.shift()?.({ type: "registered", request: 1, serveid: ID });
  }
}

describe("the registration of a serve", () => {
  let asked: Asked;
  let settings: ReturnType<typeof serveSettings>;
  let registration: Registration;
  let isUp: boolean;

  beforeEach(() => {
    asked = new Asked();
    isUp = true;
    settings = serveSettings("web", { serveid: ID, port: 80 });
    registration = new Registration({
      settings: () => settings,
      looked: () => Promise.resolve(),
      isServiceUp: () => isUp,
      link: asked as unknown as HubLink,
      notify: () => undefined,
    });
  });

  afterEach(() => {
    registration.close();
  });

  const sentTypes = () =>
    asked.sent.map((message) => (message as { type: string }).type);

  it("takes back what the hub gave to one that was closed and opened again meanwhile, before it asks anew", async () => {
    void registration.open();
    await setImmediate();
    registration.close();
    void registration.open();
    asked.register();
    await setImmediate();
    expect(sentTypes()).to.deep.equal(["register", "unregister", "register"]);
    asked.register();
    await setImmediate();
    expect(registration).to.include({ state: "registered", registeredId: ID });
  });

  it("stands back also when it was taken over in the same moment in which it was registered", async () => {
    void registration.open();
    await setImmediate();
    asked.register();
    registration.displaced(LATER);
    // Every serve of the node hears of all of them.
    registration.displaced({ ...LATER, serveid: ID + 1 });
    await setImmediate();
    expect(registration.state).to.equal("refused");
    expect(registration.error).to.include("vnet 02 (later) has taken it over");
  });

  it("is not troubled by what was taken over from others, or before it asked", async () => {
    registration.displaced(LATER);
    void registration.open();
    await setImmediate();
    asked.register();
    registration.displaced({ ...LATER, serveid: ID + 1 });
    await setImmediate();
    expect(registration.state).to.equal("registered");
  });

  it("tells the group of settings that changed while it was on its way", async () => {
    void registration.open();
    await setImmediate();
    settings = { ...settings, name: "shop" };
    registration.update();
    expect(asked.waiting).to.equal(1);
    asked.register();
    await setImmediate();
    expect(sentTypes()).to.deep.equal(["register", "update"]);
    expect(asked.sent[1]).to.have.nested.property("serve.name", "shop");
  });
});
