#!/bin/sh
# Starts a node from the project's folder with its config.ini, or with the
# configuration and options given. For cron's @reboot and the like; for systemd
# see vnet.service.
cd "$(dirname -- "$0")/.." || exit 1
[ "$#" -gt 0 ] || set -- config.ini
exec ./vnet "$@"
