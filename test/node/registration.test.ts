import { expect } from "chai";
import { setImmediate } from "node:timers/promises";
import type { Directory } from "../../src/node/directory.js";
import type { HubLink } from "../../src/node/hub-link.js";
import type { Reply } from "../../src/node/hub-messages.js";
import { Registration } from "../../src/node/registration.js";
import {
  directoryOf,
  entryOf,
  nodeEntry,
  remoteServe,
  tell,
} from "../support/remote-serve.js";
import { serveSettings } from "../support/settings.js";

const ID = 700;
/** Another node's, with the same id. */
const later = (since: number) =>
  entryOf(remoteServe(2, { serveid: ID, share: "takeover", since }));

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
  register(since?: number): void {
    const answer = { type: "registered", request: 1, serveid: ID } as const;
    this.#answers.shift()?.({ ...answer, ...(since && { since }) });
  }
}

describe("the registration of a serve", () => {
  let asked: Asked;
  let settings: ReturnType<typeof serveSettings>;
  let registration: Registration;
  let isUp: boolean;
  let directory: Directory;
  let told: string[];
  let isMet: boolean;

  beforeEach(() => {
    asked = new Asked();
    isUp = true;
    directory = directoryOf();
    told = [];
    isMet = true;
    const share = "takeover" as const;
    settings = serveSettings("web", { serveid: ID, port: 80, share });
    registration = new Registration({
      settings: () => settings,
      looked: () => Promise.resolve(),
      isServiceUp: () => isUp,
      link: asked as unknown as HubLink,
      directory,
      isMet: () => isMet,
      notify: ({ why }) => told.push(why ?? ""),
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

  it("says who has taken it over, also where that was heard of before the hub's answer, and no longer than it is there", async () => {
    void registration.open();
    await setImmediate();
    asked.register(5);
    tell(directory, { nodes: [nodeEntry(2)], serves: [later(6)] });
    registration.lookForLater();
    await setImmediate();
    const why = "vnet 02 (office) has taken it over (share=takeover)";
    expect(registration).to.include({ state: "registered", error: why });
    registration.lookForLater();
    expect(told, "once").to.deep.equal([why]);
    tell(directory, { goneServes: [{ serveid: ID, vnetid: 2 }] });
    registration.lookForLater();
    expect(registration).to.include({ state: "registered", error: null });
  });

  it("is taken over only once the later one has shown the secret", async () => {
    void registration.open();
    await setImmediate();
    asked.register(5);
    await setImmediate();
    isMet = false;
    tell(directory, { nodes: [nodeEntry(2)], serves: [later(6)] });
    registration.lookForLater();
    expect(registration.error).to.equal(null);
    isMet = true;
    registration.lookForLater();
    expect(registration.error).to.include("has taken it over");
  });

  it("is not taken over by what came before it, is not let in, has no service, or does not say so", async () => {
    void registration.open();
    await setImmediate();
    asked.register(5);
    tell(directory, { nodes: [nodeEntry(2)] });
    const peers = `SHA256:${"A".repeat(43)}`;
    for (const [serve, own] of [
      [later(4), {}],
      [later(6), { peers }],
      [{ ...later(6), service: "down" as const }, {}],
      [{ ...later(6), share: "balance" as const }, {}],
      [{ ...later(6), serveid: 701, name: "db" }, {}],
    ] as const) {
      tell(directory, { serves: [serve] });
      settings = { ...settings, peers: "", ...own };
      registration.lookForLater();
      expect(registration.error).to.equal(null);
      const { serveid, vnetid } = serve;
      tell(directory, { goneServes: [{ serveid, vnetid }] });
    }
    expect(told).to.be.empty;
  });

  it("comes back as of the time at which it came, unless it was closed meanwhile", async () => {
    void registration.open();
    await setImmediate();
    asked.register(5);
    await setImmediate();
    registration.hubLost();
    registration.retry();
    await setImmediate();
    expect(asked.sent.at(-1)).to.include({ serveid: ID, since: 5 });
    asked.register(5);
    await setImmediate();
    registration.close();
    void registration.open();
    await setImmediate();
    expect(asked.sent.at(-1)).not.to.have.property("since");
    asked.register(9);
    await setImmediate();
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
