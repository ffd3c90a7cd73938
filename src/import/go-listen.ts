// Where a program in Go listens, as our listeners take it. Pure.

/** All addresses of the machine, IPv4 and IPv6. */
export const ALL_ADDRESSES = "::";

/** To Go the IPv4 address for all of them means IPv6 too, and so does none. */
export function goListenAddress(ip: string | undefined): string {
  return ip === undefined || ip === "" || ip === "0.0.0.0" ? ALL_ADDRESSES : ip;
}
