// What is said by whoever listens on a port most of the time: a name for a service that nobody has named.

const WELL_KNOWN: Record<number, string> = {
  22: "ssh",
  80: "http",
  443: "https",
  3306: "mysql",
  3389: "rdp",
  5432: "postgres",
  5900: "vnc",
  6379: "redis",
  8888: "jupyter",
};

export function wellKnownName(port: number): string | undefined {
  return WELL_KNOWN[port];
}
