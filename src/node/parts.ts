// Puts a node's parts together and connects them. Data flows one way:
//
//   hub's news → directory → serves, uses → channels         every part ──→ notices
//        incoming streams, leases ← channels ← offers

import { quoteWord } from "../printable.js";
import type { Duplex } from "node:stream";
import type { PoolLimits } from "../channel/pool.js";
import { createTraffic, type Traffic } from "../channel/traffic.js";
import type { NodeConfig, VnetSettings } from "../config/config.js";
import type { VnetError } from "../errors.js";
import type { LogEvent } from "../log.js";
import { Listener, type Listen } from "../net/listener.js";
import type { BackoffOptions } from "./backoff.js";
import { Borrower } from "./borrower.js";
import type { Identity } from "../keys/identity.js";
import type { KnownHubs } from "../keys/known-hubs.js";
import { ChannelSecurity } from "./channel-security.js";
import { HubTrust } from "./hub-trust.js";
import { Channels } from "./channels.js";
import { KnownNodes } from "../keys/known-nodes.js";
import { Inquiries } from "./inquiries.js";
import type { Notice, UseView } from "./control.js";
import { Directory } from "./directory.js";
import { HubLink } from "./hub-link.js";
import type { HubNews } from "./hub-messages.js";
import { Notices } from "./notices.js";
import { Repetition } from "./repetition.js";
import { Serves } from "./serves.js";
import { Unserves } from "./unserves.js";
import { Uses } from "./uses.js";

export interface NodeOptions {
  config: NodeConfig;
  /** name and version, for hello */
  software: string;
  /** sees the group and is seen by nobody; registers no serve and opens no use of the configuration */
  guest?: boolean;
  identity: Identity;
  /** the hubs met before, for `[route] fingerprint` left out */
  knownHubs: KnownHubs;
  /** the keys of providers met before; absent: remembered for this run only */
  knownNodes?: KnownNodes;
  /** see ChannelSecurity */
  secretPlace?: string;
  /** see ChoiceParts; absent: `./vnet trust …` */
  trustCall?: (wanted: string) => string;
  /** see HubDiallerOptions */
  dialHub?: () => Promise<Duplex>;
  /** where uses listen, if not on ports and socket files of their own */
  listen?: Listen;
  backoff?: BackoffOptions;
  maxLegPrograms?: number;
  poolLimits?: Partial<PoolLimits>;
  incomingIdleMs?: number;
  /** see UsesOptions */
  onUse?: (use: UseView) => void;
  /** streams opened or refused by `allow=` */
  audit?: (event: LogEvent) => void;
}

export interface NodeParts {
  traffic: Traffic;
  directory: Directory;
  link: HubLink;
  notices: Notices;
  channels: Channels;
  security: ChannelSecurity;
  serves: Serves;
  uses: Uses;
  inquiries: Inquiries;
  unserves: Unserves;
  borrower: Borrower;
}

/** The same words of the program that leads to the hub: it is started anew with each attempt. */
const LINE_AGAIN_MS = 3_600_000;

/** @param settings the `[vnet]` of this moment, which a reload may change */
export function assemble(
  options: NodeOptions,
  settings: () => VnetSettings,
): NodeParts {
  const { config, software, guest = false } = options;
  const { dialHub, backoff, maxLegPrograms, poolLimits, incomingIdleMs } =
    options;
  const { name, group } = config.vnet;
  const traffic = createTraffic();
  const directory = new Directory();
  const hubTrust = new HubTrust(options.knownHubs);
  const lines = new Repetition(LINE_AGAIN_MS);
  const link = new HubLink({
    route: config.route,
    name,
    group,
    guest,
    software,
    identity: options.identity,
    encrypt: config.vnet.encrypt,
    hubTrust,
    ...(dialHub && { dialHub }),
    onLine: (text) => {
      // A program says the same at each attempt.
      if (lines.isNews(text))
        notify({
          level: "info",
          who: "the way to the hub",
          what: "says",
          why: text,
        });
    },
    ...(backoff && { backoff }),
    ...(maxLegPrograms !== undefined && { maxLegPrograms }),
  });
  const notices = new Notices(link, directory, () => settings().group);
  const notify = (notice: Notice) => {
    notices.tell(notice);
  };
  const security = new ChannelSecurity(
    options.identity,
    settings,
    options.secretPlace,
  );
  const serves = new Serves({
    link,
    directory,
    isMet: (node) => {
      const { standings } = security;
      if (node.encrypt !== settings().encrypt) return false;
      const isMet = standings.isMet(node.key, settings());
      if (!isMet && standings.of(node.key) === "unknown") inquiries.ask(node);
      return isMet;
    },
    notify,
    onChange: () => {
      unserves.settle();
    },
    audit: options.audit ?? (() => undefined),
  });
  const unserves: Unserves = new Unserves({
    serves,
    directory,
    settings,
    notify,
  });
  const channels = new Channels({
    link,
    directory,
    security,
    traffic,
    notify,
    onStream: (stream, from) => {
      const { wanted } = stream;
      if ("lend" in wanted) void unserves.lend(stream, wanted.lend, from);
      else if ("unserve" in wanted)
        void unserves.serve(stream, wanted.unserve, from);
      else void serves.answer(stream, wanted, from);
    },
    ...(poolLimits && { poolLimits }),
    ...(incomingIdleMs !== undefined && { incomingIdleMs }),
  });
  const borrower = new Borrower(channels);
  const inquiries: Inquiries = new Inquiries({
    pool: (vnetid) => channels.pool(vnetid),
    onAnswer: () => {
      serves.lookForLater();
      uses.lookAgain();
    },
  });
  const uses: Uses = new Uses({
    link,
    channels,
    directory,
    borrower,
    listen: options.listen ?? ((listener) => Listener.start(listener)),
    notify,
    ...(options.onUse && { onUse: options.onUse }),
    choice: {
      directory,
      standings: security.standings,
      inquiries,
      knownNodes: options.knownNodes ?? new KnownNodes(null),
      settings,
      trustCall:
        options.trustCall ?? ((wanted) => `./vnet trust ${quoteWord(wanted)}`),
    },
  });
  const parts = {
    traffic,
    directory,
    link,
    notices,
    channels,
    security,
    serves,
    uses,
    inquiries,
    unserves,
    borrower,
  };
  connect(parts);
  return parts;
}

function connect(parts: NodeParts): void {
  const { link, directory, channels, serves, uses, notices } = parts;
  const { inquiries, security } = parts;
  link.on("online", () => {
    for (const serve of serves.all()) serve.registration.retry();
  });
  link.on("offline", (reason) => {
    loseHub(parts, reason);
  });
  link.on("slow", (waitsFor) => {
    notices.hubSlow(waitsFor);
  });
  link.on("contact", (fingerprint) => {
    notices.contact(fingerprint);
  });
  link.on("renamed", (name) => {
    notices.renamed(name);
  });
  link.on("news", (news) => {
    hear(parts, news);
  });
  directory.on("change", (news) => {
    for (const { vnetid, key } of news.nodesGone) {
      channels.forget(vnetid);
      inquiries.forget(key);
    }
    // Who comes back may have the right secret by now.
    if (news.afterReconnect) security.standings.forgetFailures();
    security.standings.left(news.nodesGone.map(({ key }) => key));
    serves.heard(news);
    uses.heard();
    notices.heard(news);
  });
  directory.on("stale", () => {
    uses.heard();
  });
  security.standings.on("change", () => {
    serves.lookForLater();
    uses.lookAgain();
  });
}

function hear(parts: NodeParts, news: HubNews): void {
  switch (news.type) {
    case "directory":
      parts.directory.apply(news);
      return;
    case "unregistered":
      parts.serves.unregistered(news.serveid, news.reason);
      return;
    case "offer":
      void parts.channels.answerOffer(news);
      return;
  }
}

function loseHub(parts: NodeParts, reason: VnetError): void {
  const { serves, channels, notices, directory, borrower } = parts;
  for (const serve of serves.all()) serve.registration.hubLost();
  // It said goodbye and only copies what still runs: an idle channel would keep it waiting, and so would a lease.
  if (reason.code === "refused") {
    borrower.interrupt();
    channels.forgetAll();
  }
  // After silence the channels, which ran over the same hub, are as dead as the link but nobody would say so.
  if (reason.code === "timeout") channels.destroy(reason);
  notices.hubLost(reason);
  directory.setStale();
}
