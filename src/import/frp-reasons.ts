// What frp has and vnet has not, and why or what to do instead: read by the
// comments of an import. Data only; both spellings, new and old.

import { loses, type Reasons } from "./leftovers.js";

const LOG_DAYS = "the file is not cut; let logrotate or the like do that";
const DASHBOARD = "no dashboard; see `show` in the terminal";
const STREAMS = "each stream has a channel of its own, warm ones are kept";
const TLS =
  "the way to the hub is always encrypted, and the hub proves a key of its own";
const NO_COMPRESSION = "nothing is compressed";
const HTTP = loses(
  "the hub does not tell services apart by their domains: give each a [public.X] port",
);
const UDP = "TCP only";
const LIMITS = "see [limits] of the hub";
const ONLY_TOKEN = loses("authkey is the only way");
const TOKEN_SOURCE = loses(
  "put the key into a file of its own and write authkey_file=FILE in [route]",
);
const SCOPES =
  "the link to the hub is one encrypted connection, so its beginning proves the rest";
const CHECKED = "the service is dialled for each connection";
const RETRY = "a node never gives up";
const PROXY_PROTOCOL = "no counterpart at a serve";
const UDP_LINK = loses(
  "TCP only: the port must be one that the hub listens on by TCP",
);
const VIA_PROXY = loses(
  "no counterpart; where no other way leads to the hub, write ip='exec:PROGRAM' with one that goes through the proxy",
);
const ENCRYPTED =
  "channels are encrypted all the same; [vnet] encrypt=false turns that off";
const BANDWIDTH = "no limit of bandwidth";
const METADATA = "read by plugins of frps only";

const BOTH: Reasons = {
  "log.maxDays": LOG_DAYS,
  log_max_days: LOG_DAYS,
  log_way: "[log] file= says it",
  "log.disablePrintColor": "see --no-color",
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
  enable_prometheus: DASHBOARD,
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
  "auth.method": ONLY_TOKEN,
  "auth.oidc": ONLY_TOKEN,
  authentication_method: ONLY_TOKEN,
  "auth.additionalScopes": SCOPES,
  authenticate_heartbeats: SCOPES,
  authenticate_new_work_conns: SCOPES,
  "auth.tokenSource": TOKEN_SOURCE,
  udpPacketSize: UDP,
  udp_packet_size: UDP,
};

const CLIENT_CA = loses(
  "frpc refused a server without a certificate of that CA; a node remembers the hub's key at first contact: write fingerprint= of the hub, which it prints at its start, to have it from the beginning",
);

export const FRPC_REASONS: Reasons = {
  ...BOTH,
  "transport.tls.trustedCaFile": CLIENT_CA,
  tls_trusted_ca_file: CLIENT_CA,
  "transport.useCompression": NO_COMPRESSION,
  use_compression: NO_COMPRESSION,
  "transport.bandwidthLimit": BANDWIDTH,
  "transport.bandwidthLimitMode": BANDWIDTH,
  bandwidth_limit: BANDWIDTH,
  bandwidth_limit_mode: BANDWIDTH,
  "transport.proxyProtocolVersion": PROXY_PROTOCOL,
  proxy_protocol_version: PROXY_PROTOCOL,
  "transport.protocol": UDP_LINK,
  protocol: UDP_LINK,
  "transport.proxyURL": VIA_PROXY,
  http_proxy: VIA_PROXY,
  "transport.useEncryption": ENCRYPTED,
  use_encryption: ENCRYPTED,
  healthCheck: CHECKED,
  health_check_type: CHECKED,
  health_check_timeout_s: CHECKED,
  health_check_max_failed: CHECKED,
  health_check_interval_s: CHECKED,
  health_check_url: CHECKED,
  loginFailExit: RETRY,
  login_fail_exit: RETRY,
  metadatas: METADATA,
  annotations: METADATA,
  includes: loses("import each of these files too and join the sections"),
};

const ALLOWED_PORTS =
  "no node can open a port here: only the [public.X] sections of this file do. Of the ports that the clients' files ask for, frps opened these only";
const SERVER_CA = loses(
  "frps turned clients away that had no certificate of that CA; here whoever has the authkey is let in, so give it to those clients only, or a group a key of its own by [group.X] authkey=",
);
const LOGIN_PLUGINS = loses(
  "frps asked that program whom to let in and what to open; here authkey, secret and the [public.X] sections of this file decide",
);
const SSH_GATEWAY = loses("no ports by ssh; a node opens the way");
const TCPMUX = loses(
  "the hub tells services apart by their ports, see [public.X]",
);

export const FRPS_REASONS: Reasons = {
  ...BOTH,
  "transport.tls.trustedCaFile": SERVER_CA,
  tls_trusted_ca_file: SERVER_CA,
  allowPorts: ALLOWED_PORTS,
  allow_ports: ALLOWED_PORTS,
  maxPortsPerClient: ALLOWED_PORTS.split(". ")[0] ?? "",
  max_ports_per_client: ALLOWED_PORTS.split(". ")[0] ?? "",
  httpPlugins: LOGIN_PLUGINS,
  vhostHTTPPort: HTTP,
  vhostHTTPSPort: HTTP,
  vhost_http_port: HTTP,
  vhost_https_port: HTTP,
  subDomainHost: HTTP,
  subdomain_host: HTTP,
  tcpmuxHTTPConnectPort: TCPMUX,
  tcpmux_httpconnect_port: TCPMUX,
  sshTunnelGateway: SSH_GATEWAY,
  kcpBindPort: loses(`${UDP}: clients that came this way come by TCP`),
  quicBindPort: loses(`${UDP}: clients that came this way come by TCP`),
  kcp_bind_port: loses(`${UDP}: clients that came this way come by TCP`),
  quic_bind_port: loses(`${UDP}: clients that came this way come by TCP`),
};

/** A section of frps' old INI that names a program to ask. */
export const LOGIN_PLUGIN_SECTION = LOGIN_PLUGINS.loses;

/** A proxy or visitor of a type that is left out whole. */
export const FRP_TYPES: Readonly<Record<string, string>> = {
  http: "the hub does not read HTTP: offer it as a serve, and give it a port with a [public.X] section on the hub",
  https:
    "the hub does not read HTTP: offer it as a serve, and give it a port with a [public.X] section on the hub",
  tcpmux: "the hub tells services apart by their ports, see [public.X]",
  udp: "TCP only",
  sudp: "TCP only",
  xtcp: "no direct paths yet: as type stcp it can be imported and goes through the hub",
};
