// What frp has and vnet has not, and why or what to do instead: read by the
// comments of an import. Data only; both spellings, new and old.

import type { Reasons } from "./leftovers.js";

const LOG = "the log goes to standard error; [log] has a level and a file";
const DASHBOARD = "no dashboard; see `show` in the terminal";
const STREAMS = "each stream has a channel of its own, warm ones are kept";
const TLS =
  "the way to the hub is always encrypted, and the hub proves a key of its own";
const NO_COMPRESSION = "nothing is compressed";
const HTTP = "the hub does not read HTTP; serve it at a [public.X] port";
const UDP = "TCP only";
const LIMITS = "see [limits] of the hub";
const ONLY_TOKEN = "authkey is the only way";
const SHARE = "serves of one name with share=balance share the connections";
const CHECKED = "the service is dialled for each connection";
const RETRY = "a node never gives up";
const ALLOWED = "the hub's own file names its ports";
const PUBLIC_ADDRESS = "[public.X] has an ip of its own";
const ALLOW = "the whole group may use it; allow= takes fingerprints of nodes";
const PROXY_PROTOCOL = "no counterpart at a serve";

export const FRP_REASONS: Reasons = {
  log: LOG,
  log_file: LOG,
  log_level: LOG,
  log_max_days: LOG,
  disable_log_color: "see --no-color",
  webServer: DASHBOARD,
  admin_addr: DASHBOARD,
  admin_port: DASHBOARD,
  admin_user: DASHBOARD,
  admin_pwd: DASHBOARD,
  dashboard_addr: DASHBOARD,
  dashboard_port: DASHBOARD,
  dashboard_user: DASHBOARD,
  dashboard_pwd: DASHBOARD,
  enablePrometheus: DASHBOARD,
  "transport.tcpMux": STREAMS,
  "transport.tcpMuxKeepaliveInterval": STREAMS,
  "transport.poolCount": STREAMS,
  "transport.maxPoolCount": LIMITS,
  tcp_mux: STREAMS,
  pool_count: STREAMS,
  max_pool_count: LIMITS,
  "transport.tls": TLS,
  tls_enable: TLS,
  tls_only: TLS,
  tls_cert_file: TLS,
  tls_key_file: TLS,
  tls_trusted_ca_file: TLS,
  "transport.useCompression": NO_COMPRESSION,
  use_compression: NO_COMPRESSION,
  "transport.bandwidthLimit": "no limit of bandwidth",
  bandwidth_limit: "no limit of bandwidth",
  "transport.proxyProtocolVersion": PROXY_PROTOCOL,
  proxy_protocol_version: PROXY_PROTOCOL,
  "transport.protocol": "TCP only; see the forms of ip= in [route]",
  protocol: "TCP only; see the forms of ip= in [route]",
  "auth.method": ONLY_TOKEN,
  "auth.oidc": ONLY_TOKEN,
  "auth.additionalScopes": ONLY_TOKEN,
  authentication_method: ONLY_TOKEN,
  "auth.tokenSource": "write the key itself as authkey in [route]",
  "transport.useEncryption":
    "channels are encrypted all the same; [vnet] encrypt=false turns that off",
  use_encryption:
    "channels are encrypted all the same; [vnet] encrypt=false turns that off",
  loadBalancer: SHARE,
  group: SHARE,
  group_key: SHARE,
  healthCheck: CHECKED,
  health_check_type: CHECKED,
  loginFailExit: RETRY,
  login_fail_exit: RETRY,
  allowPorts: ALLOWED,
  allow_ports: ALLOWED,
  maxPortsPerClient: LIMITS,
  max_ports_per_client: LIMITS,
  proxyBindAddr: PUBLIC_ADDRESS,
  proxy_bind_addr: PUBLIC_ADDRESS,
  allowUsers: ALLOW,
  allow_users: ALLOW,
  vhostHTTPPort: HTTP,
  vhostHTTPSPort: HTTP,
  vhost_http_port: HTTP,
  vhost_https_port: HTTP,
  subDomainHost: HTTP,
  subdomain_host: HTTP,
  kcpBindPort: UDP,
  quicBindPort: UDP,
  kcp_bind_port: UDP,
  quic_bind_port: UDP,
  udpPacketSize: UDP,
  includes: "import each of these files too and join the sections",
};

/** A proxy or visitor of a type that is left out whole. */
export const FRP_TYPES: Reasons = {
  http: "the hub does not read HTTP: offer it as a serve, and give it a port with a [public.X] section on the hub",
  https:
    "the hub does not read HTTP: offer it as a serve, and give it a port with a [public.X] section on the hub",
  tcpmux: "the hub tells services apart by their ports, see [public.X]",
  udp: "TCP only",
  sudp: "TCP only",
  xtcp: "no direct paths yet: as type stcp it can be imported and goes through the hub",
};
