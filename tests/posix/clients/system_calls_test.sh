#!/bin/sh
# No system call for a message: a million sends and receives on a queue that is neither empty nor full.
set -eu
. "$(dirname "$0")/support.sh"

command -v strace >/dev/null || skip 'there is no strace'
strace -o "$scratch/trace" true 2>/dev/null || skip 'strace may not trace here'

it 'nothing stands between the two marks'
run 0 strace -f -o "$scratch/trace" "$under" "$library" "$programs/pairs" 1000000
between=$(awk '/getppid\(/ { marks++; next } marks == 1 { print }' "$scratch/trace")
[ "$(grep -c 'getppid(' "$scratch/trace")" -eq 2 ] || fail 'the marks are not there'
[ -z "$between" ] || {
  printf '%s\n' "$between" | head -n 20
  fail "system calls while messages were sent and received: $(printf '%s\n' "$between" | wc -l)"
}

# calls COUNT: how many system calls the whole program makes.
calls() {
  strace -f -c -o "$scratch/summary" "$under" "$library" "$programs/pairs" "$1" || fail "pairs $1"
  awk '$NF == "total" { print $4 }' "$scratch/summary"
}

it 'a million messages take exactly as many system calls as a thousand'
few=$(calls 1000)
many=$(calls 1000000)
[ "${few:-none}" = "$many" ] || fail "$few and $many"
