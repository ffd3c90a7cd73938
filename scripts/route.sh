#!/bin/sh
# Starts the hub from any folder. Files that are given are those of the caller's
# folder, as with ./route; without a word it runs in the project's folder with
# the config.ini that lies there. For cron's @reboot and the like; for systemd
# see route.service.
root=$(cd "$(dirname -- "$0")/.." && pwd) || exit 1
# Through a link to this file that lies elsewhere.
[ -f "$root/route" ] ||
  root=$(cd "$(dirname -- "$(readlink -f -- "$0")")/.." && pwd) || exit 1
if [ "$#" -eq 0 ]; then
  cd "$root" || exit 1
  set -- "$root/config.ini"
fi
exec "$root/route" "$@"
