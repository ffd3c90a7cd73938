// The questions of a guided start, in their order: what is asked, what is said around it.
// Whoever calls it brings the way of asking; opens and writes nothing.

import { SECTIONS } from "../../config/schema.js";
import type { Question } from "../prompts.js";
import {
  readAuthkey,
  readHub,
  readListen,
  NEW,
  readGroup,
  readName,
  readOffer,
  readSecret,
  readUse,
  type Endpoint,
  type NodeAnswers,
} from "./answers.js";

export interface Interviewer {
  /** Says `about` and asks; rejects with Cancelled. */
  ask: <T>(about: About, question: Question<T>) => Promise<T>;
}

/** What a person has to know to answer. */
export interface About {
  title: string;
  explanation: string;
}

/** `hostName` is offered as the node's name. */
export async function askForNode(
  { ask }: Interviewer,
  hostName: string,
): Promise<NodeAnswers> {
  const hub = await ask(
    {
      title: "Where is the hub?",
      explanation:
        "Its name or address, with :PORT where that is not 7749. For example hub.example.org, 203.0.113.7:4000 or unix:/run/hub.sock",
    },
    { ask: "hub", fallback: undefined, read: readHub },
  );
  const authkey = await ask(
    {
      title: "Which key opens the hub?",
      explanation:
        "The authkey that the hub printed at its first start; paste it, it is not shown. Empty: the hub has none",
    },
    { ask: "authkey", fallback: "", hidden: true, read: readAuthkey },
  );
  const group = await ask(
    {
      title: "Which group does this node belong to?",
      explanation:
        "Nodes see and reach their own group only. The same name on all of them, for example our-family",
    },
    {
      ask: "group",
      fallback: SECTIONS.vnet.keys.group.fallback,
      read: readGroup,
    },
  );
  const secret = await ask(
    {
      title: "Which secret does the group share?",
      explanation: `The same on all its nodes and never on the hub, so that not even a hub that lies can read along. Paste that of the other nodes, it is not shown; ${NEW} makes one, for the first node. Empty: the group has none`,
    },
    { ask: "secret", fallback: "", hidden: true, read: readSecret },
  );
  const name = await ask(
    {
      title: "What is this node called?",
      explanation: "The others see it under this name. For example home",
    },
    { ask: "name", fallback: hostName, read: readName },
  );
  const offer = await ask(
    {
      title: "What does it offer to the others?",
      explanation:
        "A port of this machine, or HOST:PORT in its network. For example 22, or 192.168.1.20:3389. Empty: nothing yet",
    },
    { ask: "offer", fallback: "", read: readOffer },
  );
  const use = await ask(
    {
      title: "What does it use of the others?",
      explanation:
        "A service's id or name, and the port that it gets on this machine. For example 700:2222, mysql:3306 or ssh@home:2222. Empty: nothing yet",
    },
    { ask: "use", fallback: "", read: readUse },
  );
  return { hub, authkey, group, secret, name, offer, use };
}

export function askForHub({ ask }: Interviewer): Promise<Endpoint> {
  return ask(
    {
      title: "Where does the hub listen?",
      explanation:
        "ADDRESS:PORT of this machine; 0.0.0.0 is every IPv4 address it has, :: those of IPv6 too. Nodes must be able to reach this port",
    },
    { ask: "listen", fallback: "0.0.0.0:7749", read: readListen },
  );
}

/** Whether an existing file may be replaced. */
export const OVERWRITE: Question<boolean> = {
  ask: "replace it? y/n",
  fallback: "n",
  read: (text) => /^y(?:es)?$/i.test(text),
};
