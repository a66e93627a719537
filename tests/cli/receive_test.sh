#!/bin/sh
# mq receive: messages leave as they came, and only when they were written.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 8 -s 1MiB

it 'one message, its bytes and nothing else'
"$mq" send /q one two three
run 0 "$mq" receive /q
prints one
run 0 "$mq" recv /q --lines
prints 'two\n'

it 'a count of messages'
"$mq" send /q four five
run 0 "$mq" receive /q --count 2
prints threefour

it 'a count that is not there in time: what came is written, then the status of the timeout'
run 2 "$mq" receive /q --count 2 --lines --timeout 100ms
prints 'five\n'
complains "receive '/q': the queue stayed empty for 100ms (ETIMEDOUT)"

it 'all takes what is there and is content with nothing'
"$mq" send /q a b c
run 0 "$mq" receive /q --all --lines
prints 'a\nb\nc\n'
run 0 "$mq" receive /q -a
silent

it 'all with a timeout ends when nothing has come for so long'
"$mq" send /q a
(
  sleep 0.2
  "$mq" send /q b
) &
run 0 "$mq" receive /q --all --lines -t 2s
prints 'a\nb\n'
wait

it 'an empty queue: nonblock has its status'
run 6 "$mq" receive /q -n
complains "receive '/q': the queue is empty (EAGAIN)"

it 'an empty queue: receive waits until a message comes'
(
  sleep 0.2
  "$mq" send /q late
) &
run 0 "$mq" receive /q
prints late
wait

it 'a timeout passes, and not too early'
before=$(date +%s%N)
run 2 "$mq" receive /q -t 0.25
[ $(($(date +%s%N) - before)) -ge 250000000 ] || fail 'it came back too early'

it 'a large message of all byte values is the same afterwards'
for _ in 1 2 3 4; do cat "$mq"; done | head -c 1048576 >"$scratch/large"
run 0 "$mq" send /q <"$scratch/large"
run 0 "$mq" receive /q
cmp -s "$scratch/large" "$scratch/out" || fail 'it is not the same'

it 'lines there and back are the same file'
seq 1 100000 >"$scratch/lines"
"$mq" create /lines -c 16 -s 64
"$mq" send /lines --lines <"$scratch/lines" &
run 0 "$mq" receive /lines --count 100000 --lines
cmp -s "$scratch/lines" "$scratch/out" || fail 'the file is not the same'
wait

it 'a message that could not be written is back in its place'
if [ -w /dev/full ]; then
  "$mq" send /q first second
  status=0
  "$mq" receive /q >/dev/full 2>"$scratch/err" || status=$?
  : >"$scratch/out"
  [ "$status" -eq 1 ] || fail "status $status"
  complains 'write standard output: No space left on device'
  run 0 "$mq" receive /q --all --lines
  prints 'first\nsecond\n'
fi

it 'when the reader goes away, the message that it did not get stays in the queue'
"$mq" send /q first second
{
  status=0
  "$mq" receive /q --count 2 --lines 2>"$scratch/err" || status=$?
  echo "$status" >"$scratch/status"
} | true
: >"$scratch/out"
[ ! -s "$scratch/err" ] || fail 'it is not silent'
# Whether the first message met the pipe before or after its reader had gone is chance; the second stays in any case.
[ "$(cat "$scratch/status")" -eq 141 ] || [ "$(cat "$scratch/status")" -eq 0 ] || fail "status $(cat "$scratch/status")"
run 0 "$mq" receive /q --all --lines
[ "$(cat "$scratch/status")" -eq 0 ] || shows second

it 'counts are whole numbers from 1 up'
for count in 0 -1 x 1.5 ''; do
  run 64 "$mq" receive /q --count "$count"
  complains --count
done

it 'there is no such queue'
run 3 "$mq" receive /nowhere
complains "open '/nowhere'" ENOENT
