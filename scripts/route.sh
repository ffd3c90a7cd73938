#!/bin/sh
# Starts the hub from the project's folder with its config.ini, or with the
# configuration and options given. For cron's @reboot and the like; for systemd
# see route.service.
cd "$(dirname -- "$0")/.." || exit 1
[ "$#" -gt 0 ] || set -- config.ini
exec ./route "$@"
