# support.sh: sourced by every test of a command line. Makes a private queue directory and takes it away again.
#
#   it SENTENCE            what the next lines show
#   run STATUS COMMAND...  the command ends with that status; standard input passes through
#   prints FORMAT          its standard output was exactly that, as printf writes it
#   shows TEXT...          each text is somewhere in its standard output
#   complains TEXT...      its standard error was one line that begins with "mq: " and holds each text
#   silent                 it wrote nothing at all
# shellcheck shell=sh

scratch=$(mktemp -d /dev/shm/mqxx-cli-XXXXXX)
export MQXX_DIR="$scratch/queues"
mkdir "$MQXX_DIR"
unset MQUEUE
it='(nothing said yet)'

# Failures are noted in a file, since what stands in a pipeline runs in a process of its own.
finish() {
  status=${ended-$?}
  [ ! -e "$scratch/failed" ] || status=1
  rm -rf "$scratch"
  exit "$status"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

it() { it=$*; }

fail() {
  touch "$scratch/failed"
  printf 'FAILED: %s\n  %s\n' "$it" "$*"
  for stream in out err; do
    [ ! -s "$scratch/$stream" ] || sed "s/^/  $stream: /" "$scratch/$stream"
  done
}

run() {
  wanted=$1
  shift
  status=0
  timeout --kill-after=5 20 "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" -eq "$wanted" ] || fail "status $status instead of $wanted: $*"
}

prints() {
  # shellcheck disable=SC2059  # the format is what the test is about
  printf "$@" >"$scratch/wanted"
  cmp -s "$scratch/wanted" "$scratch/out" || fail "the output is not exactly: $*"
}

shows() {
  for text in "$@"; do
    grep -qF -- "$text" "$scratch/out" || fail "the output does not show: $text"
  done
}

complains() {
  [ "$(wc -l <"$scratch/err")" -eq 1 ] || fail 'the complaint is not one line'
  grep -q '^mq: ' "$scratch/err" || fail 'the complaint does not begin with mq:'
  for text in "$@"; do
    grep -qF -- "$text" "$scratch/err" || fail "the complaint does not hold: $text"
  done
}

silent() { cat "$scratch/out" "$scratch/err" | cmp -s - /dev/null || fail 'it is not silent'; }

# eventually COMMAND...: it succeeds within some seconds.
eventually() {
  for _ in $(seq 200); do
    ! "$@" || return 0
    sleep 0.05
  done
  fail "it never came to be: $*"
}

# children_of PROCESS: their numbers.
children_of() { sed -n "s/^\\([0-9]*\\) (.*) [A-Za-z] $1 .*/\\1/p" /proc/[0-9]*/stat 2>/dev/null || true; }
