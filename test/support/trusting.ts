// Texts of configurations with keys, and programs that are started again with
// the state that they had before, for the tests of trust.

import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder } from "./folder.js";
import { Launched, type Launcher } from "./launch.js";

export interface TrustSketch {
  name?: string;
  group?: string;
  /** further lines of [route] */
  route?: string;
  /** further lines of [vnet] */
  vnet?: string;
  sections?: string;
}

export function hubText(port: number, route = "", sections = ""): string {
  return `[route]\nip = 127.0.0.1\nport = ${port}\n${route}\n${sections}\n`;
}

export function nodeText(port: number, sketch: TrustSketch = {}): string {
  const { name = "node", group = "default", route, vnet, sections } = sketch;
  return `[route]
ip = 127.0.0.1
port = ${port}
${route ?? ""}

[vnet]
name = ${name}
group = ${group}
terminal = true
${vnet ?? ""}

${sections ?? ""}
`;
}

/** A configuration file and the state that belongs to it, for several starts. */
export class Place {
  readonly folder = makeFolder();
  readonly file = join(this.folder, "config.ini");
  readonly state = join(this.folder, "state");

  constructor(text: string) {
    this.write(text);
  }

  write(text: string): void {
    writeFileSync(this.file, text, { mode: 0o600 });
  }

  get env(): NodeJS.ProcessEnv {
    return { VNET_STATE: this.state };
  }

  start(launcher: Launcher, args: string[] = []): Launched {
    const file = this.file;
    return new Launched(launcher, makeFolder(), [file, ...args], this.env);
  }

  /** The file of that name among the state. */
  stateFile(name: string): string {
    const found = readdirSync(this.state, { recursive: true })
      .map(String)
      .find((path) => path.endsWith(name));
    if (found === undefined) throw new Error(`no ${name} in ${this.state}`);
    return join(this.state, found);
  }
}
