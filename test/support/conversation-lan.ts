// Lanes through a LAN of real programs: client → use → hub → serve → service, all of them between the same two nodes, so
// that their conversations share one pool of channels. The programs are ended by closeLaunched().

import { Lane } from "./lane.js";
import {
  untilVnet,
  serveSection,
  startHub,
  startMember,
  untilUse,
  useSection,
} from "./lan.js";
import type { Hub, Launched } from "./launch.js";
import { reservePort } from "./ports.js";

const FIRST_ID = 500;

export interface ConversationLan {
  hub: Hub;
  /** has the serves */
  provider: Launched;
  /** has the uses */
  user: Launched;
  lanes: Lane[];
}

export async function startConversationLan(options: {
  encrypt: boolean;
  lanes: number;
}): Promise<ConversationLan> {
  const hub = await startHub();
  const vnet = `encrypt = ${String(options.encrypt)}`;
  const ids = Array.from({ length: options.lanes }, (_, at) => FIRST_ID + at);
  const lanes = await Promise.all(
    ids.map(async () => Lane.open(await reservePort())),
  );
  const sections = (write: (id: number, lane: Lane) => string) =>
    lanes.map((lane, at) => write(FIRST_ID + at, lane)).join("\n");
  const provider = await startMember(hub, {
    ...{ name: "provider", vnet },
    // A service is there for one conversation only, and the use shall listen all the time.
    sections: sections(
      (id, lane) => `${serveSection(id, lane.servicePort)}check = false\n`,
    ),
  });
  const user = await startMember(hub, {
    ...{ name: "user", vnet },
    sections: sections((id, lane) => useSection(id, lane.clientPort)),
  });
  for (const id of ids) await untilUse(user, id, "listening");
  return { hub, provider, user, lanes };
}

/** Resolves when neither node has a stream or a busy channel left. */
export async function untilQuiet({
  user,
  provider,
}: ConversationLan): Promise<void> {
  for (const node of [user, provider])
    await untilVnet(
      node,
      ({ streams, channels }) => streams.now === 0 && channels.busy === 0,
      "no stream and no busy channel is left",
    );
}
