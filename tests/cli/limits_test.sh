#!/bin/sh
# mq limits and mq layout: the numbers are those that hold.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
root=$2

it 'limits of shared memory, with their errors'
run 0 "$mq" limits
shows HOME LIMIT MOST USED
grep -qE '^/ +capacity +16777216 +- +- EINVAL +-$' "$scratch/out" || fail 'no capacity'
grep -qE '^/ +descriptors +[0-9a-z]+ +- +- EMFILE +RLIMIT_NOFILE$' "$scratch/out" || fail 'no descriptors'

it 'a limit of the process is followed'
run 0 sh -c "ulimit -n 77; exec '$mq' limits EMFILE"
shows '/ descriptors: open files of a process, at most 77 files (RLIMIT_NOFILE)' "'ulimit -n'"
run 0 "$mq" limits emfile --json
shows '"error": "EMFILE"' '"setting": "RLIMIT_NOFILE"' '"home": "/"'
! grep -q EINVAL "$scratch/out" || fail 'it shows limits of another error'

it 'an error that no limit has'
run 64 "$mq" limits EPIPE
complains "no limit has the error 'EPIPE'"

name=kernel:/mqxx-cli-limits-$$
if "$mq" create "$name" -c 3 -s 100 2>/dev/null && "$mq" list kernel: >/dev/null 2>&1; then
  it 'the bytes of RLIMIT_MSGQUEUE are shown as the sum that they are'
  run 0 "$mq" limits EMFILE
  shows 'kernel: user_bytes' RLIMIT_MSGQUEUE "$name: 3 x (100 + 48) + 3 x 48 = 588" "'ulimit -q BYTES'"

  it 'the sum is what the kernel computes: what is left by it is just enough'
  used=$("$mq" limits --json | sed -n '/"user_bytes"/,/"used"/s/.*"used": \([0-9]*\).*/\1/p')
  # Others may create queues of this user now: what the kernel says counts, if it is the same twice.
  probe() {
    [ "$used" = "$("$mq" limits --json | sed -n '/"user_bytes"/,/"used"/s/.*"used": \([0-9]*\).*/\1/p')" ] || return 0
    run "$1" prlimit --msgqueue="$2:" "$mq" create "$name-probe" -x -c 1 -s 4
    "$mq" remove --force "$name-probe"
  }
  probe 0 $((used + 4 + 48 + 48))
  probe 1 $((used + 4 + 48 + 47))
fi
"$mq" remove --force "$name" "$name-probe"

it 'the drawing of docs/layout.md is what this build does'
run 0 "$mq" layout
awk '/^```text$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/docs/layout.md" >"$scratch/drawing"
[ -s "$scratch/drawing" ] || fail 'there is no drawing in docs/layout.md'
cmp -s "$scratch/drawing" "$scratch/out" || fail 'it differs from mq layout'

it 'of a queue, and of one that is not there'
"$mq" create /q -c 100 -s 5000
run 0 "$mq" layout /q
shows 'format 3: 100 x 5000 bytes' 'reserved one by one'
size=$(wc -c <"$MQXX_DIR/mqxx.q")
tail -n 1 "$scratch/out" | grep -qx " *$size" || fail "the file ends at $size"
cp "$scratch/out" "$scratch/of-queue"
run 0 "$mq" layout -c 100 -s 5000
cmp -s "$scratch/of-queue" "$scratch/out" || fail 'the two differ'
run 0 "$mq" layout /q --json
shows '"stride": 8192' "\"file_bytes\": $size" '"name": "seal"'
run 64 "$mq" layout -c 0
complains capacity EINVAL
run 64 "$mq" layout /q -c 3
complains --capacity
