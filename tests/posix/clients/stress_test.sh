#!/bin/sh
# stress-ng --mq, as Debian has it.
set -eu
. "$(dirname "$0")/support.sh"
command -v stress-ng >/dev/null || skip 'there is no stress-ng'

least_operations=20000

# stress OWNER [OPTION...]
stress() {
  owner=$1
  shift
  run 0 "$under" "$owner" stress-ng --mq 2 --mq-ops $least_operations --timeout 60s --verify --metrics-brief --temp-path "$scratch" "$@"
  cat "$scratch/out" "$scratch/err" >"$scratch/said"
  # Its columns: "stress-ng: metrc: [1] mq OPERATIONS ...". Fewer are a stress that got stuck until its time was over.
  operations=$(sed -n 's/.*\] mq  *\([0-9][0-9]*\) .*/\1/p' "$scratch/said")
  [ "${operations:-0}" -ge $least_operations ] || {
    cat "$scratch/said"
    fail "$owner: ${operations:-no} operations of $least_operations"
  }
  ! grep -E 'fail|error' "$scratch/said" | grep -v 'failed: 0' || fail "$owner: it found something wrong"
}

if kernel_has_queues; then
  it 'on the kernel'
  stress kernel
fi

it 'preloaded'
stress "$library"

it 'preloaded, with queues far beyond the limits of the kernel'
stress "$library" --mq-size 32

it 'nothing is left behind'
run 0 ls -A "$MQXX_DIR"
silent
