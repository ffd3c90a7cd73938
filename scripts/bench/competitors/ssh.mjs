// OpenSSH as people use it for this: the serving side leaves its port at a
// server with -R, the other side takes it from there with -L.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { findProgram } from "../find-program.mjs";
import { untilAccepting } from "../ports.mjs";

export async function ssh({ targets, between, ports, children }) {
  const kinds = Object.keys(targets);
  const [port, ...more] = await ports(1 + 2 * kinds.length);
  const hubPorts = more.slice(0, kinds.length);
  const usePorts = more.slice(kinds.length);
  const folder = children.newFolder();
  const path = (name) => join(folder, name);
  for (const key of ["host", "user"])
    execFileSync(findProgram("ssh-keygen"), [
      ...["-q", "-t", "ed25519", "-N", "", "-f", path(key)],
    ]);
  writeFileSync(path("authorized"), readFileSync(path("user.pub")));
  // As root sshd insists on its separation folder; packages make it at boot.
  if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
  writeFileSync(
    path("sshd_config"),
    `ListenAddress 127.0.0.1\nPort ${port}\nHostKey ${path("host")}
AuthorizedKeysFile ${path("authorized")}\nPidFile ${path("pid")}
PermitRootLogin prohibit-password\nPasswordAuthentication no
KbdInteractiveAuthentication no\nStrictModes no\nUsePAM no\n`,
  );
  const hub = children.start(findProgram("sshd"), [
    ...["-D", "-e", "-f", path("sshd_config")],
  ]);
  await untilAccepting(port, [hub]);
  const link = await between(port);
  const client = (flag, forwards) =>
    children.start(findProgram("ssh"), [
      ...["-N", "-F", "none", "-i", path("user"), "-p", String(link)],
      ...["-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes"],
      ...["-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR"],
      ...["-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=10"],
      ...["-o", "ExitOnForwardFailure=yes"],
      ...forwards.flatMap(([listen, target]) => [
        flag,
        `127.0.0.1:${listen}:127.0.0.1:${target}`,
      ]),
      `${userInfo().username}@127.0.0.1`,
    ]);
  const serve = client(
    "-R",
    kinds.map((kind, i) => [hubPorts[i], targets[kind]]),
  );
  const answering = hubPorts[kinds.indexOf("answer")];
  await untilAccepting(answering, [hub, serve]);
  const use = client(
    "-L",
    kinds.map((_, i) => [usePorts[i], hubPorts[i]]),
  );
  await untilAccepting(usePorts[kinds.indexOf("answer")], [hub, serve, use]);
  return {
    ports: Object.fromEntries(kinds.map((kind, i) => [kind, usePorts[i]])),
    roles: { use: [use.pid], hub: [hub.pid], serve: [serve.pid] },
  };
}
