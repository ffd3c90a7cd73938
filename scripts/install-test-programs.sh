#!/usr/bin/env bash
# Installs the real programs that the end-to-end tests drive, as far as they
# are missing: Debian or Ubuntu, as root or with sudo. No service is started.
# Exit status: 0 all there, 1 something is still missing (its tests are skipped).
set -u

# program:package; a program may live outside the PATH of a plain user. A file instead of a program: a module.
wanted="
sshd:openssh-server
ssh:openssh-client
ssh-keygen:openssh-client
iperf3:iperf3
wrk:wrk
redis-server:redis-server
redis-cli:redis-tools
psql:postgresql
initdb:postgresql
pgbench:postgresql-contrib
nginx:nginx-light
/usr/lib/nginx/modules/ngx_stream_module.so:libnginx-mod-stream
haproxy:haproxy
curl:curl
tmux:tmux
socat:socat
mariadbd:mariadb-server
mariadb:mariadb-client
logrotate:logrotate
git:git
Xtigervnc:tigervnc-standalone-server
gvnccapture:gvncviewer
xrdp:xrdp
xfreerdp:freerdp2-x11
"

has() {
  PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null && return
  if [ -f "$1" ]; then return; fi
  compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null
}

missing_packages() {
  local entry
  for entry in $wanted; do
    has "${entry%%:*}" || echo "${entry#*:}"
  done | sort -u
}

mapfile -t packages < <(missing_packages)
if [ "${#packages[@]}" -eq 0 ]; then
  echo "test programs: all there"
  exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    echo "test programs: need root or sudo to install: ${packages[*]}" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
if ! command -v apt-get >/dev/null; then
  echo "test programs: no apt-get here; install yourself: ${packages[*]}" >&2
  exit 1
fi

# Debian starts a service when its package is installed unless this file says
# no. An existing one is somebody's decision and stays.
policy=/usr/sbin/policy-rc.d
policy_is_ours=false
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null &&
    "${as_root[@]}" chmod 755 "$policy" && policy_is_ours=true
fi
# shellcheck disable=SC2329 # called by the trap
remove_policy() {
  if "$policy_is_ours"; then "${as_root[@]}" rm -f "$policy"; fi
}
trap remove_policy EXIT

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o DPkg::Lock::Timeout=60 "$@" </dev/null
}

echo "test programs: installing ${packages[*]}"
apt update || echo "test programs: apt-get update failed, trying anyway" >&2
if ! apt install --no-install-recommends "${packages[@]}"; then
  # One unknown package must not keep the others away.
  for package in "${packages[@]}"; do
    apt install --no-install-recommends "$package" ||
      echo "test programs: could not install $package" >&2
  done
fi

mapfile -t packages < <(missing_packages)
if [ "${#packages[@]}" -gt 0 ]; then
  echo "test programs: still missing: ${packages[*]}" >&2
  exit 1
fi
echo "test programs: all there"
