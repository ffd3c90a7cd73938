// A list of networks, as people write them (CIDR), and whether an address is in one.

import net from "node:net";

export class Networks {
  private readonly list = new net.BlockList();

  /** @param text valid ones with a space between, see NETWORKS of config/value.ts */
  constructor(text: string) {
    for (const network of text.split(" ")) {
      const [address = "", bits] = network.split("/");
      const isV6 = net.isIPv6(address);
      const family = isV6 ? "ipv6" : "ipv4";
      this.list.addSubnet(address, Number(bits ?? (isV6 ? 128 : 32)), family);
    }
  }

  /** False for what is no IP address. */
  has(address: string): boolean {
    const [plain = ""] = address.split("%");
    const family = net.isIP(plain);
    return (
      family !== 0 && this.list.check(plain, family === 4 ? "ipv4" : "ipv6")
    );
  }
}
