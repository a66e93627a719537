#!/bin/sh
# mq bench: three numbers, as text and as JSON, from queues that are gone afterwards.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

it 'it measures a pair, a stream and a round trip'
run 0 "$mq" bench --time 20ms
grep -qE '^queue +shared memory, capacity 10, message size 64 bytes$' "$scratch/out" || fail 'no queue'
grep -qE '^send \+ receive +[0-9.]+ ns in one process$' "$scratch/out" || fail 'no pair'
grep -qE '^stream +[0-9.]+ M messages/s' "$scratch/out" || fail 'no stream'
grep -qE '^round trip +[0-9]+ ns .* within [0-9]+ ns' "$scratch/out" || fail 'no round trip'

it 'as JSON, numbers are numbers'
run 0 "$mq" bench --time 20ms --capacity 64 --message-size 1K --json
shows '"home": "",' '"capacity": 64,' '"message_size": 1024,'
for key in pair_ns stream_per_s round_trip_p50_ns round_trip_p99_ns; do
  grep -qE "\"$key\": [1-9][0-9]*(\.[0-9]+)?,?$" "$scratch/out" || fail "no $key"
done

it 'nothing is left'
run 0 "$mq" list /
silent

it 'wrong use'
run 64 "$mq" bench nowhere:
complains 'nowhere:'
run 64 "$mq" bench --time x
complains --time
run 64 "$mq" bench --message-size 0
complains --message-size
run 64 "$mq" bench --capacity 0
complains --capacity
