// The table of everything that is compared. A competitor is data: its name,
// the programs it needs on the PATH, and how it is started on the path
// app → use → hub → serve → service.
//
// start(context) gives {ports, roles}: where the app connects for each kind of
// service, and the ids of the processes at use, hub and serve. The context:
//   targets         kind → port of the service
//   between(port)   what to dial instead of a port of the other machine: the link between a node and the hub
//   ports(n)        free ports
//   children        starts processes, writes files; whatever it starts ends with the instance

import { haproxy, pipes, socat } from "./competitors/chains.mjs";
import { chisel, frp, gost, rathole } from "./competitors/peers.mjs";
import { ssh } from "./competitors/ssh.mjs";
import { originalVnet, vnet } from "./competitors/vnet.mjs";

export const COMPETITORS = [
  {
    name: "direct",
    title: "no proxy at all",
    programs: [],
    start: direct,
  },
  {
    name: "vnet",
    title: "vnet, encrypted end to end (its default)",
    programs: [],
    start: (context) => vnet(context, true),
  },
  {
    name: "vnet-plain",
    title: "vnet, `encrypt=false` at both nodes",
    programs: [],
    start: (context) => vnet(context, false),
  },
  {
    name: "socat",
    title: "three socat, 64 KiB buffers; plain, a process for each connection",
    programs: ["socat"],
    forks: true,
    maxStreams: 1_000,
    start: socat,
  },
  {
    name: "haproxy",
    title: "three haproxy, TCP mode, splice; plain",
    programs: ["haproxy"],
    start: haproxy,
  },
  {
    name: "ssh",
    title: "`ssh -L` and `ssh -R` through one sshd; encrypted on each link",
    programs: ["sshd", "ssh", "ssh-keygen"],
    forks: true,
    start: ssh,
  },
  {
    name: "pipe",
    title: "three hops of `a.pipe(b)` in Node; plain",
    programs: [],
    start: (context) => pipes(context, "none"),
  },
  {
    name: "pipe-tls",
    title: "the same with TLS 1.3 and a certificate on each link",
    programs: ["openssl"],
    start: (context) => pipes(context, "links"),
  },
  {
    name: "fresh-tls",
    title:
      "the same with TLS from end to end by a pre-shared key, a handshake for each connection",
    programs: [],
    only: /new connections|first byte|burst/,
    start: (context) => pipes(context, "ends"),
  },
  {
    name: "fresh-certs",
    title: "the same with a certificate of each end instead of the key",
    programs: ["openssl"],
    only: /new connections|first byte|burst/,
    start: (context) => pipes(context, "ends with certificates"),
  },
  {
    name: "frp",
    title: "frp, stcp, its defaults (TLS and multiplexing on each link)",
    programs: ["frps", "frpc"],
    start: (context) => frp(context, true),
  },
  {
    name: "frp-plain",
    title: "frp, stcp, TLS and multiplexing off",
    programs: ["frps", "frpc"],
    start: (context) => frp(context, false),
  },
  {
    name: "rathole",
    title: "rathole; plain. It has no use side: the app dials the hub's port",
    programs: ["rathole"],
    start: rathole,
  },
  {
    name: "chisel",
    title: "chisel, a reverse and a forward tunnel; SSH in a WebSocket",
    programs: ["chisel"],
    start: chisel,
  },
  // From here on: written from the documentation of each, never run where this
  // suite was written. What is wrong with them shows as "failed".
  {
    name: "gost",
    title: "gost 3, rtcp and tcp over relay; plain",
    programs: ["gost"],
    start: gost,
  },
  {
    name: "vnet-original",
    title: "the original vnet",
    // Its programs are called route and vnet, as are others: give them these names on the PATH.
    programs: ["vnet-original-route", "vnet-original-vnet"],
    start: originalVnet,
  },
];

/** As far as the services are; with long links, as long as node to hub to node. */
async function direct({ targets, between }) {
  const ports = {};
  for (const [kind, port] of Object.entries(targets))
    ports[kind] = await between(await between(port));
  return { ports, roles: {} };
}
