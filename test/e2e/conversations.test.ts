// Whatever two programs say to each other over TCP, they see the same through a LAN as without one. Longer:
// `npm run conversations`.

import { expect } from "chai";
import {
  startConversationLan,
  untilQuiet,
  type ConversationLan,
} from "../support/conversation-lan.js";
import { runConversations } from "../support/conversation-run.js";
import { isLoose, type Conversation } from "../support/conversation.js";
import { CONVERSATIONS, transfers } from "../support/conversations.js";
import { Lane } from "../support/lane.js";
import { closeLaunched } from "../support/launch.js";
import { Random } from "../support/random.js";

const LANES = 16;
const SEED = 1;

/** At once, on the same pool of channels. */
const COUNT = 200;

const BIG = 24 * 1024 * 1024;

describe("A TCP conversation is the same through a LAN as without one, plain and encrypted:", function () {
  this.timeout(180_000);
  let direct: Lane;
  let plain: ConversationLan;
  let encrypted: ConversationLan;

  before(async () => {
    [direct, plain, encrypted] = await Promise.all([
      Lane.open(),
      startConversationLan({ encrypt: false, lanes: LANES }),
      startConversationLan({ encrypt: true, lanes: LANES }),
    ]);
  });

  after(async () => {
    for (const lane of [direct, ...plain.lanes, ...encrypted.lanes])
      await lane.close();
    await closeLaunched();
  });

  async function compare(conversation: Conversation): Promise<void> {
    const lanes = {
      direct,
      plain: plain.lanes[0]!,
      encrypted: encrypted.lanes[0]!,
    };
    const [straight, ...through] = await Promise.all(
      Object.entries(lanes).map(async ([way, lane]) => {
        const held = await lane.hold(conversation, new Random(SEED));
        expect(held.faults, way).to.deep.equal([]);
        return held.observed;
      }),
    );
    if (isLoose(conversation) || conversation.inLan !== undefined) return;
    for (const observed of through) expect(observed).to.deep.equal(straight);
  }

  for (const conversation of CONVERSATIONS)
    it(conversation.name, () => compare(conversation));

  for (const conversation of transfers(BIG))
    it(conversation.name, () => compare(conversation));

  for (const way of ["plain", "encrypted"] as const)
    it(`${COUNT} of them in an order made by chance, ${LANES} at once, on ${way} channels that are used again`, async () => {
      const lan = way === "plain" ? plain : encrypted;
      const report = await runConversations({
        ...{
          lanes: lan.lanes,
          count: COUNT,
          seed: SEED,
          conversations: CONVERSATIONS,
        },
      });
      expect(report.complaints).to.deep.equal([]);
      expect(report.held).to.equal(COUNT);
      await untilQuiet(lan);
    });
});
