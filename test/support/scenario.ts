// The three configurations of the original document's scenario (home, hub and
// office), word for word; only addresses and ports differ, so that they run on
// one machine, and the two times of unserve are added to be shorter.

export function hubConfig(port: number): string {
  return `[route]
ip=127.0.0.1
port=${port}
`;
}

export function homeConfig(options: {
  port: number;
  sshPort: number;
  lingerSeconds: number;
}): string {
  return `[route]
ip=127.0.0.1
port=${options.port}

[vnet]
name=remote-ssh
group=default-ssh
terminal=false
startserve=true
startuse=false
allow_unserve=true
unserve_remote=false
unserve_num=3
unserve_linger=${options.lingerSeconds}

[serve.ssh]
serveid=700
type=tcp
ip=127.0.0.1
port=${options.sshPort}
name=ssh
info=home-ssh
active=true
`;
}

export function officeConfig(options: {
  port: number;
  usePort: number;
}): string {
  return `[route]
ip=127.0.0.1
port=${options.port}

[vnet]
name=local-ssh
group=default-ssh
terminal=true
startserve=false
startuse=true
allow_unserve=false
unserve_remote=false
unserve_num=3

[use.ssh]
serveid=700
ip=127.0.0.1
port=${options.usePort}
active=true
`;
}
