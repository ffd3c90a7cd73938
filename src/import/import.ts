// Another program's configuration → ours, as text. Reads the one file that it
// is told, and never writes or starts anything.

import { shortOfIds } from "../config/config.js";
import { readConfigFile } from "../config/file.js";
import { Problems } from "../config/problem.js";
import { count } from "../count.js";
import { VnetError } from "../errors.js";
import { importFrpClient } from "./frp-client.js";
import type { FrpServer } from "./frp-ports.js";
import { importFrpServer, readFrpServer } from "./frp-server.js";
import { fillIn, isTemplate, type Environment } from "./frp-template.js";
import { frpSide, readFrp } from "./frp.js";
import { writeIni } from "./ini-writer.js";
import { hasKey, isRecord, Mapping } from "./mapping.js";
import { lossesOf, type Comment, type Imported, type Item } from "./outline.js";
import { refuseOther, refuseOtherText } from "./other-programs.js";
import { importPortProxyClient, importPortProxyServer } from "./port-proxy.js";
import { importQjwProxy } from "./qjw-proxy.js";
import { importRathole, ratholeSide } from "./rathole.js";
import { readSource, type Source } from "./source.js";

const KNOWN =
  "qjw-proxy's JSON (in and out: a list `networks`), port-proxy's YAML (server: `bind` and `proxy`; client: `name` and `server`), frp's INI, TOML, YAML or JSON (frpc and frps), rathole's TOML (client and server)";

/** What an import prints. */
export interface ImportedText {
  readonly text: string;
  /** what decided who reaches what, and is not in the text: a sentence each */
  readonly losses: readonly string[];
  /** what else is to be done with it, and would be missed: a sentence each */
  readonly notes: readonly string[];
}

/** Our INI for what `file` says. Throws VnetError `config`: one line for each thing wrong, each naming `file`. */
export async function importFile(
  file: string,
  called: Called,
  {
    server,
    environment = {},
  }: { server?: string | undefined; environment?: Environment } = {},
): Promise<ImportedText> {
  const text = await readConfigFile(file);
  const more =
    server === undefined
      ? {}
      : { server: { file: server, text: await readConfigFile(server) } };
  return importText(text, file, called, { environment, ...more });
}

/** A section of ours, which none of those programs has. */
const OURS =
  /^[ \t]*\[(?:route|vnet|log|(?:serve|use|public|group)\.[^\]]*)\]/m;

/** Whose configuration it is, of those that an import reads; null: ours, or nobody's that is known. */
export async function ownerOf(
  text: string,
  file: string,
): Promise<string | null> {
  if (OURS.test(text)) return null;
  const problems = new Problems(file);
  const source = await readSource(file, text, problems).catch(() => null);
  if (source === null || !isRecord(source.value)) return null;
  const { value, format } = source;
  if (frpSide(value, format, file) !== null) return "frp";
  if (format === "INI") return null;
  if (ratholeSide(value) !== null) return "rathole";
  if (hasKey(value, ["networks"], "any")) return "qjw-proxy";
  const isServer = Array.isArray(value.proxy) && Object.hasOwn(value, "bind");
  return isServer ? "port-proxy" : null;
}

export interface ImportOptions {
  /** frps' own file, for the import of a client */
  readonly server?: { readonly file: string; readonly text: string };
  /** what templates are filled in from */
  readonly environment?: Environment;
}

/** How people call each program: `./vnet` */
type Called = (program: "route" | "vnet") => string;

export async function importText(
  text: string,
  file: string,
  called: Called,
  options: ImportOptions = {},
): Promise<ImportedText> {
  const { environment = {} } = options;
  const problems = new Problems(file);
  const source = await read(file, text, environment, problems);
  const server =
    options.server === undefined
      ? undefined
      : await serverOf(options.server, environment);
  const context = { file, problems, server, call: called("vnet") };
  const imported = recognise(source, context);
  problems.throwIfAny();
  if (server !== undefined && !imported.usesServer)
    throw new VnetError(
      "config",
      `${file}: --server is for the file of a frpc, which opens ports of its server`,
    );
  const items = [...tooManyServes(imported.items), ...imported.items];
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
    ...items,
  ]);
  return { text: written, losses: lossesOf(items), notes: hubPorts(items) };
}

/** The ports that stand in comments only, as a node's file cannot have them. */
function hubPorts(items: readonly Item[]): string[] {
  const ports = items
    .flatMap((item) => ("sketch" in item ? item.sketch : []))
    .filter((item) => "title" in item && item.title.startsWith("public."));
  return ports.length === 0
    ? []
    : [
        `${count(ports.length, "public port")} for the hub's own file: see the comments at the end`,
      ];
}

/** Of each configuration that it makes. */
function tooManyServes(items: readonly Item[]): Comment[] {
  const dynamic = items.filter(
    (item) =>
      "title" in item &&
      item.title.startsWith("serve.") &&
      !item.lines.some((line) => "key" in line && line.key === "active"),
  );
  const short = shortOfIds(dynamic.length);
  return [
    ...(short === null ? [] : [{ comment: `${short}.`, isLost: true }]),
    ...items.flatMap((item) =>
      "sketch" in item ? tooManyServes(item.sketch) : [],
    ),
  ];
}

/** What the file says, with its templates filled in where it is frp's. */
async function read(
  file: string,
  text: string,
  environment: Environment,
  problems: Problems,
): Promise<Source> {
  refuseOtherText(text, file);
  const readIt = async (of: string, to: Problems) => {
    const source = await readSource(file, of, to);
    to.throwIfAny();
    return source;
  };
  if (!isTemplate(text)) return readIt(text, problems);
  const asItIs = await readIt(text, problems.silent()).catch(() => null);
  const isFrp =
    asItIs === null || frpSide(asItIs.value, asItIs.format, file) !== null;
  if (!isFrp) return asItIs;
  const filled = fillIn(text, environment, problems);
  problems.throwIfAny();
  const source = await readIt(filled, problems);
  const note =
    "Its templates are filled in with the environment of this moment; here they are values.";
  return { ...source, notes: [...source.notes, note] };
}

/** Throws VnetError `config` where the file is none of a frps. */
async function serverOf(
  { file, text }: { file: string; text: string },
  environment: Environment,
): Promise<FrpServer> {
  const problems = new Problems(file);
  const { value, format } = await read(file, text, environment, problems);
  if (!isRecord(value) || frpSide(value, format, file) !== "frps")
    throw new VnetError(
      "config",
      `${file}: not recognised as the file of a frps, which --server takes`,
    );
  const server = readFrpServer(readFrp(value, format, problems), file);
  problems.throwIfAny();
  return server;
}

interface Context {
  readonly file: string;
  readonly problems: Problems;
  readonly server: FrpServer | undefined;
  readonly call: string;
}

function recognise(
  { value, format }: Source,
  { file, problems, server, call }: Context,
): Imported {
  refuseOther(value, format, file);
  const rathole = format === "INI" ? null : ratholeSide(value);
  if (isRecord(value) && rathole !== null)
    return importRathole(new Mapping(value, "", problems), rathole);
  const side = frpSide(value, format, file);
  if (isRecord(value) && side !== null) {
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
    if (Array.isArray(root.peek("proxy")) && root.has("bind"))
      return importPortProxyServer(root);
    if (root.has("name") && !isRecord(root.peek("server") ?? {}))
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
