// Another program's configuration → ours, as text. Reads the one file that it
// is told, and never writes or starts anything.

import { readConfigFile } from "../config/file.js";
import { Problems } from "../config/problem.js";
import { VnetError } from "../errors.js";
import { importFrpClient } from "./frp-client.js";
import type { FrpServer } from "./frp-ports.js";
import { importFrpServer, readFrpServer } from "./frp-server.js";
import { frpSide, readFrp, refuseTemplates } from "./frp.js";
import { writeIni } from "./ini-writer.js";
import { hasKey, isRecord, Mapping } from "./mapping.js";
import { lossesOf, type Imported } from "./outline.js";
import { importPortProxyClient, importPortProxyServer } from "./port-proxy.js";
import { importQjwProxy } from "./qjw-proxy.js";
import { readSource, type Source } from "./source.js";

const KNOWN =
  "qjw-proxy's JSON (in and out: a list `networks`), port-proxy's YAML (server: `bind` and `proxy`; client: `name` and `server`), frp's INI, TOML, YAML or JSON (frpc and frps)";

/** What an import prints. */
export interface ImportedText {
  readonly text: string;
  /** what decided who reaches what, and is not in the text: a sentence each */
  readonly losses: readonly string[];
}

/** Our INI for what `file` says. Throws VnetError `config`: one line for each thing wrong, each naming `file`. */
export async function importFile(
  file: string,
  called: Called,
  { server }: { server?: string | undefined } = {},
): Promise<ImportedText> {
  const text = await readConfigFile(file);
  const more =
    server === undefined
      ? {}
      : { server: { file: server, text: await readConfigFile(server) } };
  return importText(text, file, called, more);
}

export interface ImportOptions {
  /** frps' own file, for the import of a client */
  readonly server?: { readonly file: string; readonly text: string };
}

/** How people call each program: `./vnet` */
type Called = (program: "route" | "vnet") => string;

export async function importText(
  text: string,
  file: string,
  called: Called,
  options: ImportOptions = {},
): Promise<ImportedText> {
  const problems = new Problems(file);
  const source = await readSource(file, text, problems);
  problems.throwIfAny();
  const server =
    options.server === undefined ? undefined : await serverOf(options.server);
  const call_ = called("vnet");
  const imported = recognise(source, text, file, problems, server, call_);
  problems.throwIfAny();
  if (server !== undefined && !imported.usesServer)
    throw new VnetError(
      "config",
      `${file}: --server is for the file of a frpc, which opens ports of its server`,
    );
  const call = called(imported.program);
  // The advice below says what to make, and here stands how; without such advice, nothing.
  const keygen = JSON.stringify(imported.items).includes("with keygen")
    ? ` \`${call} keygen\` makes a key.`
    : "";
  const written = writeIni([
    { comment: `Imported from ${imported.from}: ${file}` },
    ...source.notes.map((comment) => ({ comment })),
    {
      comment: `Look through it, keep it as config.ini, try it with \`${call} --check\`, start it with \`${call}\`.${keygen}`,
    },
    ...imported.items,
  ]);
  return { text: written, losses: lossesOf(imported.items) };
}

/** Throws VnetError `config` where the file is none of a frps. */
async function serverOf({
  file,
  text,
}: {
  file: string;
  text: string;
}): Promise<FrpServer> {
  const problems = new Problems(file);
  const { value, format } = await readSource(file, text, problems);
  problems.throwIfAny();
  if (!isRecord(value) || frpSide(value, format, file) !== "frps")
    throw new VnetError(
      "config",
      `${file}: not recognised as the file of a frps, which --server takes`,
    );
  const server = readFrpServer(readFrp(value, format, problems), file);
  problems.throwIfAny();
  return server;
}

function recognise(
  { value, format }: Source,
  text: string,
  file: string,
  problems: Problems,
  server: FrpServer | undefined,
  call: string,
): Imported {
  const side = frpSide(value, format, file);
  if (isRecord(value) && side !== null) {
    refuseTemplates(text, problems);
    problems.throwIfAny();
    const frp = readFrp(value, format, problems);
    return side === "frpc"
      ? importFrpClient(frp, server, call)
      : importFrpServer(frp, call);
  }
  if (isRecord(value) && format !== "INI") {
    // qjw-proxy reads JSON as Go does.
    if (hasKey(value, ["networks"], "any"))
      return importQjwProxy(new Mapping(value, "", problems, "any"));
    const root = new Mapping(value, "", problems);
    if (root.has("proxy") && root.has("bind"))
      return importPortProxyServer(root);
    if (root.has("name") && root.has("server"))
      return importPortProxyClient(root);
  }
  if (
    isRecord(value) &&
    ["route", "vnet"].some((key) => Object.hasOwn(value, key))
  )
    throw new VnetError(
      "config",
      `${file}: found a configuration of vnet itself, which needs no import`,
    );
  throw new VnetError("config", `${file}: not recognised; known are ${KNOWN}`);
}
