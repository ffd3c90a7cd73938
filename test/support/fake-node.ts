// A NodeControl without network for tests of the terminal: keeps entries in arrays, answers at once.
// Tests replace single methods to make them slow or failing; `calls` records what was asked.

import type { NodeConfig } from "../../src/config/config.js";
import type { EntryChange } from "../../src/config/unsaved.js";
import { formatWanted, parseName } from "../../src/config/target.js";
import { VnetError } from "../../src/errors.js";
import type {
  ListedServe,
  NodeControl,
  Notice,
  PingResult,
  RemoteNode,
  RemoteServe,
  ServeView,
  UseView,
} from "../../src/node/control.js";
import { routeSettings } from "./settings.js";

/** what a fingerprint looks like */
export const FINGERPRINT = `SHA256:${"A".repeat(43)}`;

export const SSH: ListedServe = {
  serveid: 700,
  vnetid: 1,
  vnet: "remote-ssh",
  name: "ssh",
  type: "ssh",
  ip: "127.0.0.1",
  port: 22,
  info: "home-ssh",
  share: "exclusive",
  trusted: "unknown",
  overtaken: false,
};

export const REMOTE_NODE: RemoteNode = {
  vnetid: 1,
  name: "remote-ssh",
  serves: 1,
  self: false,
  fingerprint: FINGERPRINT,
  trusted: "unknown",
};

export function fakeConfig(): NodeConfig {
  return {
    route: routeSettings(7749),
    log: { level: "info", format: "text", file: "" },
    vnet: {
      name: "local-ssh",
      group: "default-ssh",
      terminal: true,
      startserve: true,
      startuse: true,
      allowUnserve: false,
      unserveRemote: false,
      unserveNum: 1,
      unserveTtlSeconds: 180,
      unserveLingerSeconds: 60,
      secret: "",
      drainSeconds: 5,
      encrypt: true,
      state: "",
    },
    serves: [],
    uses: [],
    warnings: [],
  };
}

export class FakeNode implements NodeControl {
  readonly config = fakeConfig();
  readonly calls: string[] = [];
  serveList: ServeView[] = [];
  useList: UseView[] = [];
  remoteList: ListedServe[] = [{ ...SSH }];
  nodeList: RemoteNode[] = [
    REMOTE_NODE,
    { ...REMOTE_NODE, vnetid: 2, name: "local-ssh", serves: 0, self: true },
  ];
  online = true;
  guest = false;
  readonly #listeners = new Set<(notice: Notice) => void>();

  get listeners(): number {
    return this.#listeners.size;
  }

  notify(text: string, level: Notice["level"] = "info"): void {
    for (const listener of this.#listeners) listener({ level, what: text });
  }

  view() {
    return {
      name: "local-ssh",
      guest: this.guest,
      group: "default-ssh",
      vnetid: this.online ? 2 : 0,
      fingerprint: FINGERPRINT,
      hub: "127.0.0.1:7749",
      hubFingerprint: FINGERPRINT,
      link: this.online ? ("online" as const) : ("offline" as const),
      linkError: null,
      waitsFor: this.online ? null : "connecting",
      rttMs: 1.5,
      settings: this.config.vnet,
      route: this.config.route,
      streams: { now: 1, total: 3, bytesIn: 2048, bytesOut: 10 },
      channels: { idle: 1, busy: 1 },
    };
  }

  serves = (): ServeView[] => this.serveList;
  uses = (): UseView[] => this.useList;
  knownServes = (): ListedServe[] => this.remoteList;
  knownNodes = (): RemoteNode[] => this.nodeList;

  remoteServes(): ListedServe[] {
    this.#needHub();
    return this.remoteList;
  }

  remoteNodes(): RemoteNode[] {
    this.#needHub();
    return this.nodeList;
  }

  knownNode = (vnetid: number) =>
    this.nodeList.find((node) => node.vnetid === vnetid);

  addServe: NodeControl["addServe"] = async (settings) => {
    this.#record("addServe", settings);
    const serveid = settings.serveid || (settings.active ? 1 : 0);
    const state = settings.active ? "registered" : "inactive";
    const rest = { error: null, origin: "terminal", streams: 0 } as const;
    this.serveList.push({ ...settings, serveid, state, ...rest });
    return this.#serve(settings.label);
  };

  openServe: NodeControl["openServe"] = async (label) => {
    this.#record("openServe", label);
    const open = { active: true, state: "registered" } as const;
    return Object.assign(this.#serve(label), open);
  };

  closeServe: NodeControl["closeServe"] = async (label) => {
    this.#record("closeServe", label);
    const closed = { active: false, state: "inactive" } as const;
    return Object.assign(this.#serve(label), closed);
  };

  deleteServe: NodeControl["deleteServe"] = async (label) => {
    this.#record("deleteServe", label);
    this.serveList = this.serveList.filter((serve) => serve.label !== label);
  };

  addUse: NodeControl["addUse"] = async (settings) => {
    this.#record("addUse", settings);
    const { name, node } = parseName(settings.serve);
    const remote =
      this.remoteList.find((serve) =>
        settings.serve === ""
          ? serve.serveid === settings.serveid
          : serve.name === name && (node === null || serve.vnet === node),
      ) ?? null;
    const state = !settings.active
      ? "inactive"
      : remote
        ? "listening"
        : "waiting";
    const port = settings.port || (remote?.port ?? 0);
    const wanted = formatWanted(settings);
    const serveid = settings.serveid || (remote?.serveid ?? 0);
    const providers = remote === null ? 0 : 1;
    const rest = {
      error: null,
      remote,
      providers,
      refusedKey: null,
      origin: "terminal",
    } as const;
    const what = { serveid, wanted, port, state, streams: 0 } as const;
    this.useList.push({ ...settings, ...what, ...rest });
    return this.#use(settings.label);
  };

  openUse: NodeControl["openUse"] = async (label) => {
    this.#record("openUse", label);
    const open = { active: true, state: "listening" } as const;
    return Object.assign(this.#use(label), open);
  };

  closeUse: NodeControl["closeUse"] = async (label) => {
    this.#record("closeUse", label);
    const closed = { active: false, state: "inactive" } as const;
    return Object.assign(this.#use(label), closed);
  };

  trustUse: NodeControl["trustUse"] = async (label) => {
    this.#record("trustUse", label);
    const open = { state: "listening", error: null, refusedKey: null } as const;
    return Object.assign(this.#use(label), open);
  };

  deleteUse: NodeControl["deleteUse"] = async (label) => {
    this.#record("deleteUse", label);
    this.useList = this.useList.filter((use) => use.label !== label);
  };

  requestUnserve: NodeControl["requestUnserve"] = async (request) => {
    this.#record("requestUnserve", request);
    return { ...SSH, ...request, serveid: 0, unserve: 1 };
  };

  mapUnserve: NodeControl["mapUnserve"] = async (remote, local) => {
    const { unserve = 0 } = remote;
    this.#record("mapUnserve", { unserve, ...local });
    const use: UseView = {
      label: "unserve-8888",
      serveid: 0,
      unserve,
      wanted: "remote-ssh:127.0.0.1:8888",
      ip: local.ip,
      port: local.port || 8888,
      active: true,
      state: "listening",
      error: null,
      remote,
      providers: 1,
      refusedKey: null,
      origin: "unserve",
      streams: 0,
    };
    this.useList.push(use);
    return use;
  };

  withdrawUnserve({ unserve }: RemoteServe): void {
    this.#record("withdrawUnserve", unserve);
  }

  ping: NodeControl["ping"] = async (vnetid, probes): Promise<PingResult> => {
    this.#record("ping", { vnetid, probes });
    const rttMs = [1, 2, 3];
    const path = {
      kind: "relay",
      hubMs: [0.5, 1, 1.5],
      nodeMs: [0.5, 1, 1.5],
    } as const;
    return { rttMs, path: vnetid === null ? null : { ...path } } as PingResult;
  };

  reload: NodeControl["reload"] = async (config) => {
    this.#record("reload", config.vnet.name);
    return config.serves.map((serve) => ({
      kind: "serve-added" as const,
      serve,
    }));
  };

  unsavedChanges: EntryChange[] = [];

  unsaved = (): EntryChange[] => this.unsavedChanges;

  saved(changes: readonly EntryChange[]): void {
    this.#record("saved", changes.length);
    this.unsavedChanges = [];
  }

  onNotice(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#record("close", null);
  }

  #record(name: string, what: unknown): void {
    this.calls.push(`${name} ${JSON.stringify(what)}`);
  }

  #needHub(): void {
    if (!this.online)
      throw new VnetError("closed", "the hub is not reached: try again later");
  }

  #serve(label: string): ServeView {
    const found = this.serveList.find((serve) => serve.label === label);
    if (!found) throw new Error(`no serve ${label}`);
    return found;
  }

  #use(label: string): UseView {
    const found = this.useList.find((use) => use.label === label);
    if (!found) throw new Error(`no use ${label}`);
    return found;
  }
}
