// `npm run conversations`: TCP conversations straight and through a LAN, plain
// and encrypted: each of the table, then many in an order made by chance, and
// with --big 1 GiB each way. Exit status 1 when one is not as it has to be.

import { parseArgs } from "node:util";
import { ensureBuilt, orExit, root } from "./built.mjs";

const GIB = 1024 ** 3;
const HELP = `usage: npm run conversations -- [options]

  --count N       how many in an order made by chance, each way (10000)
  --seed N        of that order and of all bytes (made by chance, printed)
  --lanes N       how many at once (16)
  --only PATTERN  of the table only what matches: a regular expression
  --number N      hold only that one of the order, which a complaint names
  --way WAY       direct, plain or encrypted only; may stand more than once
  --big           1 GiB to the service, to the client, and both ways at once
  --help          print this; end
`;

const say = (text) => process.stderr.write(`conversations: ${text}\n`);
const options = readOptions();
await orExit(ensureBuilt({ tests: true, say }), say);

const support = (name) => import(`${root}/dist/test/support/${name}.js`);
const { CONVERSATIONS, transfers } = await support("conversations");
const { choose, runConversations } = await support("conversation-run");
const { startConversationLan, untilQuiet } = await support("conversation-lan");
const { Lane } = await support("lane");
const { closeLaunched } = await support("launch");
const { Random } = await support("random");

const conversations = CONVERSATIONS.filter(({ name }) =>
  options.only.test(name),
);
if (conversations.length === 0) fail("--only matches none of the table");

let failed = 0;
print(
  `seed ${options.seed}, ${options.lanes} at once, Node ${process.version}`,
);
print(`\n| way | what | held | bytes | seconds | longest | not the same |`);
print(`| --- | --- | --- | --- | --- | --- | --- |`);
for (const way of options.way) await holdAll(way);
await closeLaunched();
print(failed === 0 ? "\nall the same" : `\n${failed} are not the same`);
process.exitCode = failed === 0 ? 0 : 1;

async function holdAll(way) {
  const { lanes, untilOver } = await openLanes(way);
  if (options.number !== null) {
    const { seed, number } = options;
    const { conversation, random } = choose(conversations, seed, number);
    await holdEach(way, `"${conversation.name}"`, lanes[0], [conversation], {
      random: () => random,
    });
  } else {
    await holdEach(way, "each of the table", lanes[0], conversations);
    await holdMany(way, lanes);
    if (options.big)
      for (const each of transfers(GIB))
        await holdEach(way, each.name, lanes[0], [each]);
  }
  await untilOver();
  for (const lane of lanes) await lane.close();
  await closeLaunched();
}

async function openLanes(way) {
  const count = options.lanes;
  if (way === "direct") {
    const opened = Array.from({ length: count }, () => Lane.open());
    return { lanes: await Promise.all(opened), untilOver: async () => {} };
  }
  const encrypt = way === "encrypted";
  const lan = await startConversationLan({ encrypt, lanes: count });
  return { lanes: lan.lanes, untilOver: () => untilQuiet(lan) };
}

/** One after the other. */
async function holdEach(way, what, lane, each, { random } = {}) {
  const chance = random ?? ((at) => new Random(options.seed + at));
  const sum = { ...{ held: 0, bytes: 0, ms: 0, failed: 0, complaints: [] } };
  sum.slowest = { name: "", ms: 0 };
  for (const conversation of each) {
    const { name } = conversation;
    const held = await lane.hold(conversation, chance(sum.held));
    const { client, service } = held.observed;
    sum.held++;
    sum.bytes += (client?.bytes ?? 0) + (service?.bytes ?? 0);
    sum.ms += held.ms;
    if (held.ms > sum.slowest.ms) sum.slowest = { name, ms: held.ms };
    if (held.faults.length === 0) continue;
    sum.failed++;
    sum.complaints.push(`"${name}": ${held.faults.join("; ")}`);
  }
  report(way, what, sum);
}

async function holdMany(way, lanes) {
  const { count, seed } = options;
  const onHeld = (_, number) => {
    if (number > 0 && number % 1000 === 0) say(`${way}: ${number} of ${count}`);
  };
  const run = { lanes, conversations, count, seed, onHeld };
  report(way, "in an order made by chance", await runConversations(run));
}

function report(
  way,
  what,
  { held, bytes, ms, slowest, failed: not, complaints },
) {
  failed += not;
  const longest = `${(slowest.ms / 1000).toFixed(1)} s: ${slowest.name}`;
  print(
    `| ${way} | ${what} | ${held} | ${(bytes / 1e9).toFixed(2)} GB | ${(ms / 1000).toFixed(1)} | ${longest} | ${not} |`,
  );
  for (const complaint of complaints) say(`${way}, ${complaint}`);
}

function readOptions() {
  const text = { type: "string" };
  try {
    const { values } = parseArgs({
      options: {
        count: { ...text, default: "10000" },
        seed: { ...text, default: String(Date.now() % 1_000_000) },
        lanes: { ...text, default: "16" },
        only: { ...text, default: "" },
        number: text,
        way: { ...text, multiple: true },
        big: { type: "boolean", default: false },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      process.stdout.write(HELP);
      process.exit(0);
    }
    const ways = values.way ?? ["direct", "plain", "encrypted"];
    const wrong = ways.find(
      (way) => !["direct", "plain", "encrypted"].includes(way),
    );
    if (wrong !== undefined) fail(`--way ${wrong}: see --help`, 2);
    return {
      count: numberIn("count", values.count, 0, 10_000_000),
      seed: numberIn("seed", values.seed, 0, 0xffff_ffff),
      lanes: numberIn("lanes", values.lanes, 1, 200),
      number:
        values.number === undefined
          ? null
          : numberIn("number", values.number, 0, 10_000_000),
      only: new RegExp(values.only),
      way: ways,
      big: values.big,
    };
  } catch (error) {
    return fail(`${error.message.split("\n")[0]}; see --help`, 2);
  }
}

function numberIn(name, text, least, most) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= least && number <= most) return number;
  return fail(`--${name} is "${text}", allowed is ${least} to ${most}`, 2);
}

function fail(text, status = 1) {
  say(text);
  process.exit(status);
}

function print(text) {
  process.stdout.write(`${text}\n`);
}
