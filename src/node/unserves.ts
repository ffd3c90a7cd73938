// The provider's side of unserve: answers requests for services that nobody registered, as its settings allow, and takes each
// back when it was not used in time. Its requester is known by its key; names and numbers change.

import type { Stream } from "../channel/stream.js";
import { formatUnserve, type VnetSettings } from "../config/config.js";
import { isLink } from "../config/link.js";
import { HOST } from "../config/value.js";
import { VnetError } from "../errors.js";
import { fingerprintOf } from "../keys/fingerprint.js";
import { formatAddress, isLoopback } from "../net/address.js";
import { Allowance } from "../net/allowance.js";
import { dial } from "../net/dial.js";
import { createDuplexPair } from "../net/duplex-pair.js";
import { openFiles } from "../net/open-files.js";
import { placesOf } from "../net/places.js";
import { quoted } from "../printable.js";
import { clipReason } from "../wire/fields.js";
import type { Lend } from "../wire/open.js";
import type { Notice, ServeView } from "./control.js";
import type { Caller } from "./channels.js";
import type { Directory } from "./directory.js";
import { Grant } from "./grant.js";
import { LeaseTalk } from "./lease-talk.js";
import type { Serve } from "./serve.js";
import type { Serves } from "./serves.js";

/** That something listens is found out within this time, well before the requester gives up. */
const PROBE_TIMEOUT_MS = 4_000;

/** How often one requester may ask for what is not lent to it yet; in a burst for all that it may have, and then some. */
const ASKS_PER_SECOND = 2;
const ASKS_BEYOND = 20;

/** Of what was taken back so much is kept in mind. */
const MAX_REVOKED = 1_000;
const REVOKED = "its owner took it back";

/** By then whoever asked last may ask in a burst again. */
const FORGET_MS = 120_000;

export interface UnservesOptions {
  serves: Serves;
  directory: Directory;
  settings: () => VnetSettings;
  notify: (notice: Notice) => void;
}

/** One who asks, by its key. */
interface Asker {
  allowance: Allowance;
  /** requests that are being looked into */
  probes: number;
  askedAt: number;
}

export class Unserves {
  private state: "open" | "retired" = "open";
  private readonly grants = new Map<number, Grant>();
  /** those who asked last at the end */
  private readonly askers = new Map<string, Asker>();
  private next = 1;
  /** what the person here took back, and from whom */
  private revoked: { fingerprint: string; ip: string; port: number }[] = [];

  constructor(private readonly options: UnservesOptions) {}

  views(): ServeView[] {
    return [...this.grants.values()].map((grant) => grant.view());
  }

  /** Another node asks for a service, on the stream that is its lease then. */
  async lend(stream: Stream, lend: Lend, from: Caller): Promise<void> {
    // Not refused: it is to ask again, when this node is back.
    if (this.state === "retired") {
      stream.reset("this node is closing");
      return;
    }
    try {
      const granted = await this.answer(stream, lend, from);
      if (stream.isOver) return;
      const { a, b } = createDuplexPair();
      const talk = new LeaseTalk(b);
      stream.accept(a);
      if (granted instanceof Grant) granted.lease(talk, lend.keep, from);
      else {
        talk.say({ serveid: granted });
        talk.end();
      }
    } catch (error) {
      if (!(error instanceof VnetError)) throw error;
      stream.refuse(clipReason(error.message));
    }
  }

  /** A user's stream on what was granted to that node, and to nobody else. */
  async serve(stream: Stream, unserve: number, from: Caller): Promise<void> {
    const grant = this.grants.get(unserve);
    if (this.state === "retired") stream.refuse("this node is closing");
    else if (grant?.isOf(from) !== true)
      stream.refuse(`this node lends you nothing as ${formatUnserve(unserve)}`);
    else await grant.serve(stream, from);
  }

  /** The person at this node takes it back: it is not lent to that node again until allowAgain(). Undefined: none is called that. */
  revoke(label: string): ServeView | undefined {
    for (const grant of this.grants.values()) {
      if (grant.view().label !== label) continue;
      const { ip, port, requester } = grant;
      const { fingerprint } = requester;
      this.revoked.push({ fingerprint, ip, port });
      this.revoked = this.revoked.slice(-MAX_REVOKED);
      this.remove(grant, REVOKED);
      return grant.view();
    }
    return undefined;
  }

  /** The person says anew what is lent: what was taken back may be asked for again. */
  allowAgain(): void {
    this.revoked = [];
  }

  /** The settings changed, or what this node serves, or to whom: what is allowed no more is taken back. */
  settle(): void {
    const { allowUnserve, unserveRemote } = this.options.settings();
    for (const grant of this.grants.values())
      if (!allowUnserve)
        this.remove(grant, "its owner set allow_unserve=false");
      else if (!unserveRemote && !isLoopback(grant.ip))
        this.remove(grant, "its owner set unserve_remote=false");
      else void this.endKept(grant);
    this.endSurplus();
  }

  /** This node goes elsewhere. Resolves when those who borrowed have been told, or a moment later. */
  async revokeAll(): Promise<void> {
    const why = "its node went to another group or hub";
    const grants = [...this.grants.values()];
    await Promise.all(grants.map((grant) => this.end(grant, why)));
  }

  /** No new ones; what is lent stays, as long as this node does. */
  retire(): void {
    this.state = "retired";
  }

  /** Without a word to those who borrowed: they ask again when this node is back. */
  close(): void {
    this.state = "retired";
    for (const grant of this.grants.values()) grant.close();
    this.grants.clear();
  }

  /** What that node may have. Rejects with VnetError, the reason that it is told. */
  private async answer(
    stream: Stream,
    { ip, port }: Lend,
    from: Caller,
  ): Promise<Grant | number> {
    // Another node wrote this: a link would let it start programs here and open this machine's sockets.
    if (HOST.parse(ip) === undefined)
      throw refused(
        "an unserve is for an IP address or a host name only, nothing else",
      );
    const serveid = await this.registered(stream, ip, port, from);
    if (serveid !== 0) return serveid;
    this.refuseForbidden(ip);
    await this.refuseRevoked(from, ip, port);
    return this.held(ip, port, from) ?? this.probed(stream, ip, port, from);
  }

  /** The id of a serve with that very target; 0: there is none. Its `allow=` holds for its target as well. */
  private async registered(
    stream: Stream,
    ip: string,
    port: number,
    from: Caller,
  ): Promise<number> {
    const { serves } = this.options;
    const kept = await this.keptFrom(from, ip, port);
    if (kept !== undefined) {
      const verdict = "refused as an unserve: it is not in allow=";
      serves.audit(kept, from, stream, verdict);
      throw refused(whyKept(kept));
    }
    const very = serves
      .open()
      .find(
        (serve) => isWritten(serve.settings, { ip, port }) && serve.isFor(from),
      );
    // After a reconnection it may be asked for before it is registered again.
    await very?.registration.settled;
    return very?.registeredId ?? 0;
  }

  /**
   * The open serve that has this target, however it is written, and is not for that node. Where one is written just so and
   * is for it, that one decides.
   */
  private async keptFrom(
    from: Caller,
    ip: string,
    port: number,
  ): Promise<Serve | undefined> {
    const open = this.options.serves
      .open()
      .filter(({ settings }) => settings.port === port && !isLink(settings.ip));
    const very = open.filter(({ settings }) =>
      isWritten(settings, { ip, port }),
    );
    if (very.some((serve) => serve.isFor(from))) return undefined;
    const others = open.filter((serve) => !serve.isFor(from));
    if (others.length === 0) return undefined;
    const meant = await placesOf(ip);
    for (const serve of others) {
      const places = await placesOf(serve.settings.ip);
      if (places.some((place) => meant.includes(place))) return serve;
    }
    return undefined;
  }

  private async endKept(grant: Grant): Promise<void> {
    const kept = await this.keptFrom(grant.requester, grant.ip, grant.port);
    if (kept !== undefined) this.remove(grant, whyKept(kept));
  }

  /** A name may lead somewhere else by now: what counts is where the connection went. */
  private async refuseKept(
    from: Caller,
    { ip, port }: { ip: string; port: number },
  ): Promise<void> {
    const kept = await this.keptFrom(from, ip, port);
    if (kept !== undefined) throw refused(whyKept(kept));
  }

  /** Else a use with `to=` would have it again a moment later. */
  private async refuseRevoked(
    { fingerprint }: Caller,
    ip: string,
    port: number,
  ): Promise<void> {
    const own = this.revoked.filter(
      (each) => each.fingerprint === fingerprint && each.port === port,
    );
    if (own.length === 0) return;
    const meant = await placesOf(ip);
    for (const each of own)
      if ((await placesOf(each.ip)).some((place) => meant.includes(place)))
        throw refused(REVOKED);
  }

  private refuseForbidden(ip: string): void {
    const { allowUnserve, unserveRemote } = this.options.settings();
    if (!allowUnserve)
      throw refused("that node does not allow unserve (allow_unserve=false)");
    if (!unserveRemote && !isLoopback(ip))
      throw refused(
        `that node allows unserve for its own loopback addresses only, not ${ip} (unserve_remote=false)`,
      );
  }

  /** What it has already: it asks again, or another use of it does. */
  private held(ip: string, port: number, from: Caller): Grant | undefined {
    for (const grant of this.grants.values()) {
      if (!grant.isOf(from) || !grant.isFor(ip, port)) continue;
      if (grant.hasRoom) return grant;
      throw refused("this node has borrowed that too many times already");
    }
    return undefined;
  }

  private async probed(
    stream: Stream,
    ip: string,
    port: number,
    from: Caller,
  ): Promise<Grant> {
    const asker = this.askerOf(from);
    this.crowdedOut(from);
    openFiles.refuseWhenShort();
    asker.probes++;
    try {
      await probe(ip, port);
    } finally {
      asker.probes--;
    }
    if (stream.isOver) throw new VnetError("closed", "it asks no more");
    // Meanwhile somebody else may have come, or the same node twice.
    this.refuseForbidden(ip);
    const held = this.held(ip, port, from);
    if (held !== undefined) return held;
    const other = this.crowdedOut(from);
    if (other !== null)
      this.remove(
        other,
        `vnet ${quoted(from.name)} needed a place, and had fewer (unserve_num)`,
      );
    return this.grant(ip, port, from);
  }

  /** Where there are fewer places than before: of the node that has most, what nobody uses first. */
  private endSurplus(): void {
    const { unserveNum } = this.options.settings();
    while (this.grants.size > unserveNum) {
      const victim = victimOf(this.largestShare());
      if (victim === undefined) return;
      this.remove(victim, `its owner set unserve_num=${unserveNum}`);
    }
  }

  private largestShare(): Grant[] {
    const [most = []] = [...this.byKey().values()].sort(
      (a, b) => b.length - a.length,
    );
    return most;
  }

  private byKey(): Map<string, Grant[]> {
    const byKey = new Map<string, Grant[]>();
    for (const grant of this.grants.values()) {
      const { fingerprint } = grant.requester;
      byKey.set(fingerprint, [...(byKey.get(fingerprint) ?? []), grant]);
    }
    return byKey;
  }

  /** Throws when it asks too often, or for too much at once: whoever does so is in nobody else's way. */
  private askerOf({ fingerprint }: Caller): Asker {
    const { unserveNum } = this.options.settings();
    const burst = unserveNum + ASKS_BEYOND;
    const now = performance.now();
    for (const [key, { askedAt, probes }] of this.askers) {
      if (now - askedAt < FORGET_MS || probes > 0) break;
      this.askers.delete(key);
    }
    const asker = this.askers.get(fingerprint) ?? {
      allowance: new Allowance(ASKS_PER_SECOND, burst),
      probes: 0,
      askedAt: now,
    };
    asker.askedAt = now;
    this.askers.delete(fingerprint);
    this.askers.set(fingerprint, asker);
    const waitMs = asker.allowance.draw(0);
    if (waitMs > 0 || asker.probes >= burst)
      throw refused("this node asks that node for unserves too often");
    asker.allowance.draw(1);
    return asker;
  }

  /**
   * Whose place one more for that node takes, where all are taken: of those of the node that has most, and would still have
   * as many, one that is not in use before one that is. Null: there is a free one. Throws when there is none for it.
   */
  private crowdedOut(from: Caller): Grant | null {
    const { unserveNum } = this.options.settings();
    if (this.grants.size < unserveNum) return null;
    const own = this.byKey().get(from.fingerprint)?.length ?? 0;
    const most = this.largestShare();
    const victim = victimOf(most);
    if (unserveNum === 0 || victim === undefined || most.length < own + 2)
      throw refused(
        `that node allows ${unserveNum} unserves at the same time and has them (unserve_num)`,
      );
    return victim;
  }

  private grant(ip: string, port: number, requester: Caller): Grant {
    const number = this.next++;
    const grant: Grant = new Grant({
      ...{ number, ip, port, requester },
      nameOf: (caller) => this.nameOf(caller),
      settings: this.options.settings,
      check: (reached, caller) => this.refuseKept(caller, reached),
      onOver: (why) => {
        this.remove(grant, why);
      },
    });
    this.grants.set(number, grant);
    this.options.notify({
      level: "info",
      who: `unserve ${formatUnserve(number)}`,
      what: `opens ${formatAddress(ip, port)} to vnet ${quoted(requester.name)}`,
    });
    return grant;
  }

  /** Its channels stay when it gets another name; then only the directory knows. */
  private nameOf({ vnetid, name, fingerprint }: Caller): string {
    const now = this.options.directory.node(vnetid);
    const isSame =
      now !== undefined &&
      fingerprintOf(Buffer.from(now.key, "base64")) === fingerprint;
    return isSame ? now.name : name;
  }

  private remove(grant: Grant, why: string): void {
    void this.end(grant, why);
  }

  private end(grant: Grant, why: string): Promise<void> {
    if (!this.grants.delete(grant.number)) return Promise.resolve();
    const heard = grant.end(why);
    this.options.notify({
      level: "info",
      who: `unserve ${formatUnserve(grant.number)}`,
      what: "is gone",
      why,
    });
    return heard;
  }
}

/** Of these the one to go: one that is not in use, else the latest. */
function victimOf(grants: Grant[]): Grant | undefined {
  return grants.find((grant) => !grant.isInUse) ?? grants.at(-1);
}

/** Throws VnetError when nothing listens there. */
async function probe(host: string, port: number): Promise<void> {
  const socket = await dial({ host, port, timeoutMs: PROBE_TIMEOUT_MS });
  socket.on("error", () => undefined);
  socket.destroy();
}

function isWritten(
  a: { ip: string; port: number },
  b: { ip: string; port: number },
): boolean {
  return a.port === b.port && a.ip.toLowerCase() === b.ip.toLowerCase();
}

function whyKept({ settings }: Serve): string {
  return `that is serve ${quoted(settings.name)} of that node, and this node is not among those that may use it (allow=)`;
}

function refused(reason: string): VnetError {
  return new VnetError("refused", reason);
}
