#!/bin/sh
# mq watch and mq top without a screen: one line for each change, one for each queue.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

# without_times: the lines of a watch, less the time in front.
without_times() { sed 's/^[0-9:.]* //' "$1"; }

it 'a queue that comes, is used and goes is told, each in a line'
"$mq" create /other
"$mq" watch /q --interval 20ms >"$scratch/watched" &
watching=$!
# told LINE: it is there, or will be.
# shellcheck disable=SC2317  # called by name
told() { without_times "$scratch/watched" | grep -qxF "$1"; }
# The watch knows the queues only after its first look, whenever that is.
# shellcheck disable=SC2317
came() {
  "$mq" create /q -c 5 -s 64
  sleep 0.1
  "$mq" remove /q
  told '/q: created, depth 0 of 5'
}
eventually came
eventually told '/q: removed'
# Whatever it has seen of the queues before, it has seen this one only when it tells of one more.
times_created() { grep -c created "$scratch/watched"; }
before=$(times_created)
"$mq" create /q -c 5 -s 64
# shellcheck disable=SC2317
came_again() { [ "$(times_created)" -gt "$before" ]; }
eventually came_again
"$mq" send /q a b
# A look may come in the middle of a command, and then there are two lines.
# counted NUMBER WHAT: so many in all lines together.
# shellcheck disable=SC2317
counted() { [ "$(grep -oE "[0-9]+ $2" "$scratch/watched" | awk '{ sum += $1 } END { print sum + 0 }')" -eq "$1" ]; }
eventually counted 2 sent
"$mq" receive /q >/dev/null
eventually counted 1 received
! grep -q /other "$scratch/watched" || fail 'it tells of another queue'
kill -TERM "$watching"
wait "$watching" || true

it 'it ends after so many lines, and JSON is an object a line'
"$mq" watch / 2>/dev/null && fail 'a home is no queue' || true
(
  sleep 0.3
  "$mq" send /q c
  sleep 0.3
  "$mq" send /q d
) &
sending=$!
run 0 "$mq" watch /q --interval 20ms --count 2 --json
wait "$sending"
[ "$(wc -l <"$scratch/out")" -eq 2 ] || fail 'not two lines'
shows '"event":"changed"' '"name":"/q"' '"now":{'

it 'without a terminal top writes lines'
run 0 "$mq" top / --count 1 --interval 100ms
shows 'DEPTH' 'SENT/s' ' /other' ' /q'
run 0 "$mq" top / --plain --count 1 --interval 100ms --filter oth
shows ' /other'
! grep -q ' /q' "$scratch/out" || fail 'the filter lets everything through'
run 0 "$mq" top / --count 1 --interval 100ms --sort depth
[ "$(sed -n 's/.* //; 2p' "$scratch/out")" = /q ] || fail 'it is not sorted by depth'
run 64 "$mq" top --interval 1ms
complains --interval 100ms
run 64 "$mq" top --sort colour
complains --sort 'name, depth'
