# Read by ./route and ./vnet where there is sh: becomes Node with the program.
# $root is the project's folder.
# shellcheck shell=sh disable=SC2154

command -v node >/dev/null || {
  echo "${0##*/}: Node.js 20.19 or newer is needed and no node was found on the PATH; install it from nodejs.org or your distribution" >&2
  exit 2
}

# Lookups of names wait in half of these threads; of four, the usual number,
# two names whose server is silent take all there are.
export UV_THREADPOOL_SIZE="${UV_THREADPOOL_SIZE:-32}"
# And they share what the C library keeps for them: by itself it may keep as
# many heaps as eight for each core, and gives little of them back.
export MALLOC_ARENA_MAX="${MALLOC_ARENA_MAX:-2}"

# No more than 4 MiB for new objects: see docs/performance.md.
run_node() {
  exec node --max-semi-space-size=4 --require "$root/scripts/require-node.cjs" "$0" "$@"
}

if [ $$ -ne 1 ]; then
  # What was ignored when this shell was started (nohup, `cmd &` in a script)
  # cannot be trapped (POSIX), so a signal to this process leaves no mark then.
  # Node would forget it: it sets every signal back before it runs any line.
  VNET_IGNORED_SIGNALS=
  # Linux says it; elsewhere a signal to this process shows it.
  mask=
  if [ -r /proc/$$/status ]; then
    while read -r key value; do
      case $key in SigIgn:) mask=${value#"${value%????}"} ;; esac
    done </proc/$$/status
  fi
  for signal in HUP:1 INT:2 TERM:0x4000; do
    heard=
    if [ -n "$mask" ]; then
      [ $((0x$mask & ${signal#*:})) -ne 0 ] || heard=yes
    else
      trap 'heard=yes' "${signal%:*}"
      kill -s "${signal%:*}" $$
      trap - "${signal%:*}"
    fi
    [ -n "$heard" ] || VNET_IGNORED_SIGNALS="$VNET_IGNORED_SIGNALS SIG${signal%:*}"
  done
  export VNET_IGNORED_SIGNALS
  run_node "$@"
fi

# With pid 1 (a container without an init) this shell stays: it hears signals
# from the first moment on, passes them, and buries processes that were left
# over, which is the task of pid 1. From a terminal the program gets Ctrl-C
# itself.
child=
asked=
pass() {
  if [ -n "$child" ]; then kill -s "$1" "$child" 2>/dev/null; else asked=$1; fi
}
trap 'pass TERM' TERM
if [ -t 0 ]; then
  trap : INT HUP
else
  trap 'pass INT' INT
  trap 'pass HUP' HUP
fi
# A container may be started without any input.
(: 3<&0) 2>/dev/null || exec </dev/null
# Without this, sh gives a process in the background an empty input.
exec 3<&0
run_node "$@" <&3 3<&- &
child=$!
[ -z "$asked" ] || kill -s "$asked" "$child"
while :; do
  wait "$child"
  status=$?
  # A signal ends the waiting, not the program.
  kill -0 "$child" 2>/dev/null || exit "$status"
done
