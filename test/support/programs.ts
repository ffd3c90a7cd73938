// The real services that end-to-end tests put behind a serve. Each has a
// folder of its own, listens on a reserved loopback port, accepts when it is
// handed out, and is ended by close(). Check with needs() that they are there.

import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { findProgram } from "./find-program.js";
import { makeFolder, removeFolder } from "./folder.js";
import { reservePort } from "./ports.js";
import { Program, untilAccepting, type ProgramOptions } from "./program.js";

export interface Service {
  /** on 127.0.0.1 */
  readonly port: number;
  readonly folder: string;
  readonly program: Program;
  close(): Promise<void>;
}

interface Start {
  name: string;
  folder: string;
  port: number;
  args: string[];
  options?: ProgramOptions;
  /** printed when it accepts; else a connection is tried, seen and closed */
  ready?: string;
  /** what asks it to end at once */
  signal?: NodeJS.Signals;
}

/** One program that accepts on its port; ended and its folder removed by close(). */
export async function start(how: Start): Promise<Service> {
  const { folder, port } = how;
  const program = new Program(programFile(how.name), how.args, how.options);
  const close = async () => {
    await program.close(how.signal);
    removeFolder(folder);
  };
  try {
    if (how.ready === undefined) await untilAccepting(program, port);
    else await program.waitForOutput(how.ready);
  } catch (error) {
    await close();
    throw error;
  }
  return { port, folder, program, close };
}

function programFile(name: string): string {
  const file = findProgram(name);
  if (file === null) throw new Error(`${name} is not installed`);
  return file;
}

export interface Sshd extends Service {
  /** the arguments for ssh, scp or sftp up to the host, without the port */
  readonly clientOptions: string[];
  readonly user: string;
}

/**
 * An SSH server for the current user, with keys made for this one run.
 * @param asksPassword it lets in by password, too; nobody has one
 */
export async function startSshd({ asksPassword = false } = {}): Promise<Sshd> {
  const folder = makeFolder();
  const port = await reservePort();
  const path = (name: string) => join(folder, name);
  for (const key of ["host", "user"])
    execFileSync(programFile("ssh-keygen"), [
      ...["-q", "-t", "ed25519", "-N", "", "-f", path(key)],
    ]);
  writeFileSync(path("authorized"), readFileSync(path("user.pub")));
  // As root sshd insists on its separation folder; packages make it at boot.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  writeFileSync(
    path("sshd_config"),
    [
      "ListenAddress 127.0.0.1",
      `Port ${port}`,
      `HostKey ${path("host")}`,
      `AuthorizedKeysFile ${path("authorized")}`,
      `PidFile ${path("pid")}`,
      `PermitRootLogin ${asksPassword ? "yes" : "prohibit-password"}`,
      `PasswordAuthentication ${asksPassword ? "yes" : "no"}`,
      "KbdInteractiveAuthentication no",
      "StrictModes no",
      "UsePAM no",
      "MaxStartups 100",
      "Subsystem sftp internal-sftp",
      "",
    ].join("\n"),
  );
  const service = await start({
    ...{ name: "sshd", folder, port },
    args: ["-D", "-e", "-f", path("sshd_config")],
  });
  const clientOptions = [
    ...["-F", "none", "-i", path("user")],
    ...["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
    ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
    ...["-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10"],
  ];
  return { ...service, clientOptions, user: userInfo().username };
}

export async function startIperf(): Promise<Service> {
  const folder = makeFolder();
  const port = await reservePort();
  const args = ["-s", "-B", "127.0.0.1", "-p", String(port), "--forceflush"];
  // It takes any connection for a client, and listens anew after each.
  const ready = "Server listening";
  return start({ name: "iperf3", folder, port, args, ready });
}

/** Redis that keeps nothing on disk. */
export async function startRedis(): Promise<Service> {
  const folder = makeFolder();
  const port = await reservePort();
  const args = [
    ...["--port", String(port), "--bind", "127.0.0.1", "--dir", folder],
    ...["--save", "", "--appendonly", "no"],
  ];
  return start({ name: "redis-server", folder, port, args });
}

/** PostgreSQL with the database `postgres` and its user `postgres`, trusted. */
export async function startPostgres(): Promise<Service> {
  const folder = makeFolder("vnet-pg-");
  const port = await reservePort();
  const data = join(folder, "data");
  // It refuses to run as root.
  const owner = process.getuid?.() === 0 ? ordinaryUser("postgres") : null;
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const environment = { ...process.env, LC_ALL: "C", HOME: folder };
  const options = { cwd: folder, env: environment, ...owner };
  execFileSync(
    programFile("initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"],
    { ...options, stdio: "pipe" },
  );
  return start({
    ...{ name: "postgres", folder, port, options },
    args: [
      ...["-D", data, "-p", String(port), "-h", "127.0.0.1", "-k", folder],
      ...["-c", "fsync=off", "-c", "max_connections=60"],
    ],
    signal: "SIGINT",
  });
}

/** MariaDB that lets everybody in as root, without a password. */
export async function startMariadb(): Promise<Service> {
  const folder = makeFolder("vnet-sql-");
  const port = await reservePort();
  const data = join(folder, "data");
  // It refuses to run as root.
  const owner = process.getuid?.() === 0 ? ordinaryUser("mysql") : null;
  if (owner) chownSync(folder, owner.uid, owner.gid);
  const options = {
    cwd: folder,
    env: { ...process.env, HOME: folder },
    ...owner,
  };
  execFileSync(
    programFile("mariadb-install-db"),
    ["--no-defaults", `--datadir=${data}`, "--skip-test-db"],
    { ...options, stdio: "pipe" },
  );
  return start({
    ...{ name: "mariadbd", folder, port, options },
    args: [
      ...["--no-defaults", `--datadir=${data}`, "--skip-grant-tables"],
      ...["--bind-address=127.0.0.1", `--port=${port}`],
      ...[`--socket=${join(folder, "sql.sock")}`],
      ...[`--pid-file=${join(folder, "pid")}`],
      ...["--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=8M"],
    ],
    ready: "ready for connections",
  });
}

function ordinaryUser(name: string): { uid: number; gid: number } {
  for (const user of [name, "nobody"])
    try {
      const id = (flag: string) =>
        Number(execFileSync("id", [flag, user], { stdio: "pipe" }).toString());
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      continue;
    }
  throw new Error(`neither the user ${name} nor nobody exists`);
}

/** nginx that serves `files` (name → content) and keeps connections alive. `more`: further lines of its server. */
export async function startNginx(
  files: Record<string, string | Buffer> = { "index.html": "hello\n" },
  more = "",
): Promise<Service> {
  const folder = makeFolder();
  const port = await reservePort();
  const site = join(folder, "site");
  mkdirSync(site);
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(site, name), content);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (kind) => `${kind}_temp_path ${join(folder, kind)};`,
  );
  const asRoot = process.getuid?.() === 0;
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; master_process off; worker_processes 1;
     ${asRoot ? "user root;" : ""}
     pid ${join(folder, "pid")}; error_log stderr;
     events { worker_connections 512; }
     http {
       access_log off; sendfile on; ${temporary.join(" ")}
       server { listen 127.0.0.1:${port}; root ${site}; ${more} }
     }\n`,
  );
  const args = ["-p", folder, "-e", "stderr", "-c", join(folder, "nginx.conf")];
  return start({ name: "nginx", folder, port, args, signal: "SIGQUIT" });
}
