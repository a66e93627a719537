# support.sh: what tests of documents have besides that of the command line's tests.
# shellcheck shell=sh

# shellcheck disable=SC2154  # whoever reads this has set it
. "$here/../cli/support.sh"

# slow_run STATUS COMMAND...: as run, for what compiles: on a busy machine that takes its time.
slow_run() {
  wanted=$1
  shift
  status=0
  timeout --kill-after=5 280 "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" -eq "$wanted" ] || fail "status $status instead of $wanted: $*"
}
