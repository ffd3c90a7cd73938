#!/usr/bin/env bash
# Installs Wine for `npm run test:wine`: Debian or Ubuntu, as root or with sudo. Some 600 MB; only where that test is wanted.
# Exit status: 0 it is there, 1 it is not (the test is skipped).
set -u

if command -v wine >/dev/null; then
  echo "wine: there already"
  exit 0
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
    echo "wine: needs root or sudo to be installed: apt-get install --no-install-recommends wine wine64" >&2
    exit 1
  fi
  as_root=(sudo -n)
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq </dev/null
"${as_root[@]}" apt-get install -y -qq --no-install-recommends wine wine64 </dev/null >/dev/null
command -v wine >/dev/null
