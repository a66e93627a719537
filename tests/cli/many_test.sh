#!/bin/sh
# many_test.sh MQ MANY_QUEUES COUNT: so many queues are listed, all of them, by each form; and nothing is left of the look.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/../docs" && pwd)
. "$here/support.sh"
mq=$1
many_queues=$2
count=$3

# A queue takes some pages, wherever the directory is.
free=$(df -Pk "$MQXX_DIR" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt $((count * 12)) ]; then
  echo "skipped: $count queues need more than the $free KiB that are free in $MQXX_DIR"
  ended=77
  exit 77
fi
slow_run 0 "$many_queues" "$count"

it 'names: each once, sorted'
slow_run 0 "$mq" list / --names
[ "$(wc -l <"$scratch/out")" -eq "$count" ] || fail "there are $(wc -l <"$scratch/out")"
LC_ALL=C sort -cu "$scratch/out" 2>/dev/null || fail 'they are not sorted'
grep -qx "/q$(printf %05d $((count - 1)))" "$scratch/out" || fail 'the last is missing'

it 'the table has a line for each, with what is in it'
slow_run 0 "$mq" list / --noheadings --output name,depth
[ "$(wc -l <"$scratch/out")" -eq "$count" ] || fail "there are $(wc -l <"$scratch/out")"
with_message=$(((count + 992) / 1000))
[ "$(awk '$2 == 1' "$scratch/out" | wc -l)" -eq "$with_message" ] || fail 'another number of them has a message'

it 'records and JSON have all of them'
slow_run 0 "$mq" list / --export --output name,capacity
[ "$(grep -c '^NAME="/q[0-9]*" CAPACITY="1"$' "$scratch/out")" -eq "$count" ] || fail 'some are missing'
slow_run 0 "$mq" list / --json
[ "$(grep -c '^    "name": "/q' "$scratch/out")" -eq "$count" ] || fail 'some are missing'
tail -n 1 "$scratch/out" | grep -qx ']' || fail 'it does not end'

it 'one of them is found, a near name is suggested, and all are removed'
slow_run 0 "$mq" info "/q00007"
shows '1 of 1 messages'
slow_run 3 "$mq" info "/q0000"
complains 'did you mean'
slow_run 0 "$mq" remove --all /
[ -z "$(ls -A "$MQXX_DIR" | head -n 3)" ] || fail "left over: $(ls -A "$MQXX_DIR" | head -n 3)"
