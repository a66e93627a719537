# support.sh: sourced by every test here, with the arguments LIBRARY PROGRAMS. As tests/cli/support.sh, and:
#
#   $under OWNER COMMAND...  the command with the queues of that owner: kernel, nobody, or the path of a library
#   $library                 the library to preload
#   $programs                the folder of the programs that were built for these tests
#   kernel_has_queues        whether there is anything to compare with
#   same COMMAND...          it ends well and says the same on the kernel's queues and preloaded, and complains on neither
#   skip REASON              leaves, as skipped
# shellcheck shell=sh
. "$(dirname "$0")/../../cli/support.sh"
library=$1
programs=$2
# shellcheck disable=SC2034  # for those who source this
under=$programs/under
unset LD_PRELOAD MQXX_COMPAT

skip() {
  printf 'skipped: %s\n' "$*"
  exit 77
}

kernel_has_queues() { [ "$("$under" kernel "$programs/owner")" = kernel ]; }

same() {
  if kernel_has_queues; then
    run 0 "$under" kernel "$@"
    [ ! -s "$scratch/err" ] || fail "on the kernel's queues it complains: $*"
    mv "$scratch/out" "$scratch/kernel"
  else
    echo 'not compared: this kernel has no queues'
    rm -f "$scratch/kernel"
  fi
  run 0 "$under" "$library" "$@"
  [ ! -s "$scratch/err" ] || fail "preloaded it complains: $*"
  [ ! -e "$scratch/kernel" ] || diff -u "$scratch/kernel" "$scratch/out" >"$scratch/difference" || {
    sed 's/^/  /' "$scratch/difference"
    fail "preloaded it does something else (+) than on the kernel's queues (-): $*"
  }
}
