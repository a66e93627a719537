#!/bin/sh
# mq copy, mq move, mq drain.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /a -c 2000 -s 64
"$mq" create /b -c 2000 -s 64
"$mq" create /small -c 2 -s 3

fill() {
  "$mq" send /a one two
  "$mq" send /a --priority 9 high
}
holds() { "$mq" receive "$1" --all --format json >"$scratch/out"; }
order='%s\n'
set -- '{"priority":9,"text":"high"}' '{"priority":0,"text":"one"}' '{"priority":0,"text":"two"}'

it 'copy takes nothing; priorities and order stay'
fill
run 0 "$mq" copy /a /b
prints '3 messages copied\n'
holds /b
prints "$order" "$@"
holds /a
prints "$order" "$@"

it 'move takes; priorities and order stay'
fill
run 0 "$mq" move /a /b
prints '3 messages moved\n'
holds /b
prints "$order" "$@"
run 0 "$mq" mv /a /b
prints '0 messages moved\n'

it 'drain throws away and says how many'
fill
run 0 "$mq" drain /a --count 1
prints '1 message thrown away\n'
run 0 "$mq" drain /a --json
prints '{"messages":2}\n'
run 0 "$mq" drain /a --quiet
silent

it 'a count takes the most urgent'
fill
run 0 "$mq" copy /a /b --count 1 --json
prints '{"messages":1}\n'
run 0 "$mq" move /a /b --count 2 --quiet
silent
run 0 "$mq" receive /b --all --lines
prints 'high\nhigh\none\n'
run 0 "$mq" drain /a

it 'copies of one priority, or of a range'
fill
run 0 "$mq" copy /a /b --only 1..
prints '1 message copied\n'
run 0 "$mq" copy /a /b --only 0 --count 1
prints '1 message copied\n'
run 0 "$mq" copy /a /b --only 1..8
prints '0 messages copied\n'
run 0 "$mq" receive /b --all --lines
prints 'high\none\n'
run 0 "$mq" drain /a

it 'a full destination: what was done is told, and what it did not take stays'
"$mq" send /a 1 2 3 4
run 5 "$mq" copy /a /small --nonblock
complains "copy to '/small': the queue is full; 2 messages were sent before (EAGAIN)"
run 2 "$mq" copy /a /small --timeout 50ms
complains "copy to '/small': the queue stayed full for 50ms (ETIMEDOUT)"
run 5 "$mq" move /a /small --nonblock
complains "move to '/small': the queue is full (EAGAIN)"
run 0 "$mq" drain /small
run 5 "$mq" move /a /small --nonblock
complains '; 2 messages moved before (EAGAIN)'
run 2 "$mq" move /a /small --timeout 50ms
complains 'for 50ms (ETIMEDOUT)'
run 0 "$mq" receive /a --all --lines
prints '3\n4\n'
run 0 "$mq" drain /small

it 'a message that is too large stays, and those before it went'
"$mq" send /a 1 large 2
run 1 "$mq" move /a /small
complains 5 3 '1 message moved before' EMSGSIZE
run 0 "$mq" receive /a --all --lines
prints 'large\n2\n'
"$mq" send /a large
run 1 "$mq" copy /a /small
complains 5 3 EMSGSIZE
run 0 "$mq" drain /a

it 'follow waits for more until it is ended'
env --default-signal=INT "$mq" move /a /b --follow &
mover=$!
"$mq" send /a early
run 0 "$mq" receive /b --timeout 10s
prints early
"$mq" send /a late
run 0 "$mq" receive /b --timeout 10s
prints late
kill -INT "$mover"
status=0
wait "$mover" || status=$?
[ "$status" -eq 130 ] || fail "status $status"
"$mq" send /a x
run 2 "$mq" move /a /b --follow --timeout 100ms
complains 'no message could be moved for 100ms; 1 message moved before (ETIMEDOUT)'
run 0 "$mq" drain /b

it 'thousands'
seq 1 2000 >"$scratch/lines"
"$mq" send /a --lines <"$scratch/lines"
run 0 "$mq" copy /a /b
run 0 "$mq" drain /a
run 0 "$mq" move /b /a
prints '2000 messages moved\n'
run 0 "$mq" receive /a --all --lines
cmp -s "$scratch/lines" "$scratch/out" || fail 'not the same messages'

it 'two queues, and not one twice'
run 64 "$mq" copy /a a
complains 'both are one queue'
run 1 "$mq" move /a /a
complains EINVAL
run 64 "$mq" move /a
complains TO
run 64 "$mq" copy
complains FROM
run 3 "$mq" copy /a /nowhere
complains "'/nowhere'"
run 3 "$mq" move /nowhere /a
complains "'/nowhere'"
