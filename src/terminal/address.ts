// An address as people write it. Pure.

/** `127.0.0.1:22`, `[::1]:22`; without the port while it is not known (0). */
export function formatAddress(ip: string, port: number): string {
  const host = ip.includes(":") ? `[${ip}]` : ip;
  return port === 0 ? host : `${host}:${port}`;
}
