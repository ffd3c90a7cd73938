// The hub's claims on the disk, in its state folder: written whole or not at all, a moment after a change; and what
// `./route forget` asks for, which comes by a second file and so never meets a write of the first.

import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import * as v from "valibot";
import { fileErrorCode, messageOf, VnetError } from "../errors.js";
import { makeFolders } from "../files/folders.js";
import { writePrivateFile } from "../files/whole-file.js";
import { openRegularFile, openUnlinkedFile } from "../files/regular-file.js";
import type { Log } from "../log.js";
import { quoted } from "../printable.js";
import { Claims, type Claim, type KeptHolder } from "./claims.js";

const FILE = "claims.json";
const ASKED = "forget";
/** what was asked for and is being done; the next ones with a number behind it */
const TAKEN = "forget.taken";
const MAX_ASK_TRIES = 100;

/** After a change; a hub that is killed before has lost what changed in this time. */
const WRITE_AFTER_MS = 1_000;
/** A large file is written less often: at most one part in so many of the time. */
const WRITE_SHARE = 20;
const LOOK_MS = 2_000;
/** Those that are here are seen, also when nothing changes. */
const SEEN_MS = 6 * 3_600_000;
const MAX_ASKED_BYTES = 1024 * 1024;

const text = v.pipe(v.string(), v.maxLength(1_000));
const keptHolders = v.array(
  v.object({
    ...{ group: text, key: text, name: text, credential: text, crowd: text },
    seen: v.number(),
    claims: v.array(v.tuple([text, text, text, v.number()])),
  }),
);
const asked = v.object({ group: text, what: text });

export interface ForgetRequest {
  group: string;
  /** a node's or serve's name, or an id */
  what: string;
}

export class ClaimsFile {
  readonly claims = new Claims();
  /** told what `./route forget` ended */
  onForgotten: (group: string, claims: readonly Claim[]) => void = () =>
    undefined;
  private timer: NodeJS.Timeout | undefined;
  private lastMs = 0;
  private writing: Promise<void> = Promise.resolve();
  private isTold = false;
  /** done, and not yet in the file that was written last */
  private done: string[] = [];
  private isClosed = false;
  private readonly looks: NodeJS.Timeout;
  private readonly sees: NodeJS.Timeout;

  private constructor(
    private readonly folder: string,
    private readonly log: Log,
  ) {
    this.looks = setInterval(() => {
      this.look();
    }, LOOK_MS).unref();
    this.sees = setInterval(() => {
      this.writeSoon();
    }, SEEN_MS).unref();
  }

  /**
   * What was remembered, or nothing yet. A damaged file is put aside, and said. Throws VnetError where it cannot be read,
   * or not be put aside.
   */
  static open(folder: string, log: Log): ClaimsFile {
    let kept: KeptHolder[] = [];
    try {
      kept = readClaims(folder);
    } catch (error) {
      // It may be whole; or it is something else than a file, and none of ours.
      if (isSystemError(error) || !statSync(join(folder, FILE)).isFile())
        throw unreadable(folder, error);
      const aside = putAside(folder);
      log.warn(
        `${join(folder, FILE)} is damaged (${messageOf(error)}) and is put aside as ${aside}: who held which name and id is not known any more`,
      );
    }
    const file = new ClaimsFile(folder, log);
    file.claims.restore(kept);
    file.claims.onChange = () => {
      file.writeSoon();
    };
    file.claims.onLook = () => {
      file.look();
    };
    // What was asked for, and perhaps taken and not written before this hub's last end.
    for (const name of takenBefore(folder)) file.doAsked(name);
    file.look();
    return file;
  }

  /** Writes what there is still to write. After that the files are another hub's; the claims count on. Idempotent. */
  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.looks);
    clearInterval(this.sees);
    if (this.timer !== undefined) this.write();
    await this.writing;
  }

  /** Does what `./route forget` asked for. Cheap where that is nothing. */
  private look(): void {
    if (this.isClosed) return;
    const name = take(this.folder);
    if (name !== undefined) this.doAsked(name);
  }

  private doAsked(name: string): void {
    this.done.push(name);
    for (const { group, what } of readTaken(this.folder, name)) {
      const ended = this.claims.forget(group, what);
      this.onForgotten(group, ended);
      this.log.info({
        what: `forgot who held ${quoted(what)} in group ${quoted(group)}`,
        why: "route forget",
      });
    }
    this.writeSoon();
  }

  private writeSoon(): void {
    if (this.isClosed) return;
    const waitMs = Math.max(WRITE_AFTER_MS, this.lastMs * WRITE_SHARE);
    this.timer ??= setTimeout(() => {
      this.write();
    }, waitMs).unref();
  }

  private write(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.writing = this.writing.then(async () => {
      const begun = performance.now();
      try {
        const kept = JSON.stringify(this.claims.kept());
        const done = [...this.done];
        makeFolders(this.folder, 0o700);
        await writePrivateFile(join(this.folder, FILE), Buffer.from(kept));
        this.isTold = false;
        // What had been asked for before is done, and that is written.
        for (const name of done)
          rmSync(join(this.folder, name), { force: true });
        this.done = this.done.filter((name) => !done.includes(name));
      } catch (error) {
        if (!this.isTold)
          this.log.warn(
            `${join(this.folder, FILE)} cannot be written (${messageOf(error)}): who holds which name and id is known until this hub ends`,
          );
        this.isTold = true;
      }
      this.lastMs = performance.now() - begun;
    });
  }
}

/** What the hub of that folder remembers, as it was written last; for `./route forget`. Throws where it is damaged. */
export function readClaims(folder: string): KeptHolder[] {
  try {
    return v.parse(keptHolders, JSON.parse(textOf(join(folder, FILE))));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function textOf(path: string, maxBytes = Infinity): string {
  const { fd, stats } = openRegularFile(path, constants.O_RDONLY);
  try {
    return stats.size > maxBytes ? "" : readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

function isSystemError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}

/** Throws VnetError `config`, `obstacle` where that may pass. */
function unreadable(folder: string, cause: unknown): VnetError {
  return new VnetError(
    fileErrorCode(cause),
    `${join(folder, FILE)}: cannot read who holds which name and id (${messageOf(cause)}); make it readable to the user who runs the hub, or move it away to forget all of that`,
    { cause },
  );
}

/** Under a name that was free. */
function putAside(folder: string): string {
  let name = `${FILE}.damaged`;
  for (let n = 2; existsSync(join(folder, name)); n++)
    name = `${FILE}.damaged-${n}`;
  try {
    renameSync(join(folder, FILE), join(folder, name));
  } catch (cause) {
    throw unreadable(folder, cause);
  }
  return name;
}

/**
 * A hub that runs does it within seconds, another one when it starts. Throws VnetError where it cannot be asked. Root may
 * ask, and the folder is the hub's user's: nothing outside of it is written to.
 */
export function askToForget(folder: string, request: ForgetRequest): void {
  const path = join(folder, ASKED);
  try {
    // A hub that takes the file in this moment may not have read the line: it is asked again, which does no harm.
    for (let n = 0; n < MAX_ASK_TRIES && !isAsked(path, request); n++);
  } catch (cause) {
    throw new VnetError(
      fileErrorCode(cause),
      `${path}: cannot ask the hub to forget (${messageOf(cause)}); run this as the hub's user, and remove what stands there if it is not a file of the hub`,
      { cause },
    );
  }
}

/** Writes the line. False: the hub took the file meanwhile. */
function isAsked(path: string, request: ForgetRequest): boolean {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  const fd = openUnlinkedFile(path, O_WRONLY | O_APPEND | O_CREAT, 0o644);
  try {
    // The hub's own user may be another one than who asks. There is nothing secret in it.
    fchmodSync(fd, 0o644);
    writeSync(fd, `${JSON.stringify(request)}\n`);
    const there = lstatSync(path, { throwIfNoEntry: false });
    return there?.ino === fstatSync(fd).ino;
  } finally {
    closeSync(fd);
  }
}

/** What was asked for, under a name of its own; undefined: nothing. Synchronous, as it is looked for in the middle of a decision. */
function take(folder: string): string | undefined {
  try {
    const there = lstatSync(join(folder, ASKED), { throwIfNoEntry: false });
    if (there?.isFile() !== true) return undefined;
    let name = TAKEN;
    for (let n = 2; existsSync(join(folder, name)); n++) name = `${TAKEN}-${n}`;
    renameSync(join(folder, ASKED), join(folder, name));
    return name;
  } catch {
    return undefined;
  }
}

/** What was taken and perhaps not written before this hub's last end. */
function takenBefore(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(TAKEN));
  } catch {
    return [];
  }
}

function readTaken(folder: string, name: string): ForgetRequest[] {
  try {
    const text = textOf(join(folder, name), MAX_ASKED_BYTES);
    return text.split("\n").flatMap(parseRequest);
  } catch {
    return [];
  }
}

function parseRequest(line: string): ForgetRequest[] {
  try {
    return [v.parse(asked, JSON.parse(line))];
  } catch {
    return [];
  }
}
