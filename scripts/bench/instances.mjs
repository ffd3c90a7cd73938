// The running instances of the competitors, one for each place it is measured
// at. Starts one when it is first wanted, and stops what failed, so that the
// next measurement finds a sound one.

import { freePorts } from "./ports.mjs";
import { KINDS, startIperf } from "./services.mjs";
import { findProgram } from "./find-program.mjs";

export class Instances {
  #children;
  #services;
  #links;
  #running = new Map();

  /** @param services kind → port, of those that all share */
  constructor(children, services, links) {
    this.#children = children;
    this.#services = services;
    this.#links = links;
  }

  /** The instance of that competitor at "near" or "far"; "fresh" is a new one each time. */
  async get(competitor, place) {
    const key = keyOf(competitor, place);
    if (place === "fresh") await this.stop(competitor, place);
    const instance =
      this.#running.get(key) ?? (await this.#start(competitor, place, key));
    return instance;
  }

  async stop(competitor, place) {
    const key = keyOf(competitor, place);
    const instance = this.#running.get(key);
    this.#running.delete(key);
    if (instance) await this.#children.stop(...instance.processes);
  }

  async #start(competitor, place, key) {
    const processes = [];
    const targets = { bulk: (await freePorts(1))[0], ...this.#services };
    // Everything this instance starts is noted, so that it can be stopped alone.
    const children = {
      start: (...args) => {
        const child = this.#children.start(...args);
        processes.push(child);
        return child;
      },
      newFolder: () => this.#children.newFolder(),
      write: (...args) => this.#children.write(...args),
    };
    try {
      if (findProgram("iperf3"))
        processes.push(startIperf(this.#children, targets.bulk));
      const { ports, roles } = await competitor.start({
        targets: Object.fromEntries(KINDS.map((kind) => [kind, targets[kind]])),
        between: async (port) =>
          place === "far" ? this.#links.to(port) : port,
        ports: freePorts,
        children,
      });
      const instance = { ports, roles, targets, processes };
      this.#running.set(key, instance);
      return instance;
    } catch (error) {
      await this.#children.stop(...processes);
      throw error;
    }
  }
}

function keyOf({ name }, place) {
  return `${name} ${place}`;
}
