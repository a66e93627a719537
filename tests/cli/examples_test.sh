#!/bin/sh
# The examples do what their comments say.
set -eu
. "$(dirname "$0")/support.sh"
programs=$1

it 'hello'
run 0 "$programs/example-hello"
prints 'one tea, quickly\ntwo coffees\nnothing left\n'

it 'priorities'
run 0 "$programs/example-priorities"
prints '32767\tput out the fire\n100\tanswer the phone\n1\tsweep the floor\n1\twater the plants\n'

it 'worker'
run 0 "$programs/example-worker"
shows 'resize picture 1' 'resize picture 2'

it 'typed'
run 0 "$programs/example-typed"
shows '1 ms: 20.5 degrees' '2 ms: 21 degrees' 'EINVAL'

it 'notification'
run 0 "$programs/example-notification"
prints 'one tea\ntwo coffees\nthe bill, please\n'

it 'sysv'
run 0 "$programs/example-sysv"
shows '1 message' 'Hellø Wårld!' 'nothing there' 'for Eve, the first to come' 'for Bob' 'for Eve, since it is not for Ann' \
  'for Ann, the lowest' 'sysctl kernel.msgmax='

it 'sender and receiver, whichever is first'
run 0 "$programs/example-sender" 'two coffees' 'one bun' bye
prints 'sent two coffees\nsent one bun\nsent bye\n'
run 0 "$programs/example-receiver"
prints 'received two coffees\nreceived one bun\n'
timeout 20 "$programs/example-receiver" >"$scratch/received" &
receiver=$!
run 0 "$programs/example-sender" 'one tea' bye
wait "$receiver" || fail "the receiver ended with $?"
[ "$(cat "$scratch/received")" = 'received one tea' ] || fail "received: $(cat "$scratch/received")"

it 'attributes'
run 0 "$programs/example-attributes"
prints '%s\n' 'capacity 4, message size 100, depth 0, blocking' 'capacity 4, message size 100, depth 2, nonblocking' \
  'capacity 4, message size 100, depth 2, blocking' \
  'the buffer is smaller than the queue'\''s message size: 50 bytes for a message of 5' 'first' \
  '2 sent, 1 received, at most 2 queued'

it 'nonblocking'
run 0 "$programs/example-nonblocking"
prints '%s\n' 'room for one: true' 'room for two: false' 'room within 10 ms: false' 'received one' \
  'sent two, received two' "receive '/nonblocking-example': the call would have to wait (EAGAIN)" \
  "send '/nonblocking-example': the call would have to wait (EAGAIN)"

it 'request and reply'
run 0 "$programs/example-request_reply"
prints 'the square of 3 is 9\nthe square of 12 is 144\n'

it 'worker pool'
run 0 "$programs/example-worker_pool"
prints '%s\n' 'a worker was killed by signal 9, with a job on loan' \
  'job 1 is done' 'job 2 is done' 'job 3 is done' 'job 4 is done' 'job 5 is done' 'job 6 is done' 'job 7 is done' 'job 8 is done'

it 'pipeline'
run 0 "$programs/example-pipeline"
prints '%s\n' 'the lines have 1275 characters' 'at most 4 lines were queued' 'the reader was held back'

it 'loop'
run 0 "$programs/example-loop"
prints 'signal 15: finishing\nserved 300 orders\n'
grep -q '^the timer looked' "$scratch/err" || fail 'no statistics'

it 'ruby'
run 0 "$programs/example-ruby"
prints '%s\n' 'hello world' 'EAGAIN: nothing there' 'fire USR1 handler'

it 'rust'
run 0 "$programs/example-rust"
prints '%s\n' 'Hello, (priority 10)' 'message (priority 0)' 'queue (priority 0)' '0 messages are left' 'really none' 'async'

if [ -x "$programs/example-asio_server" ]; then
  it 'asio server'
  run 0 "$programs/example-asio_server"
  prints 'hello Ann\nhello Bob\nhello Eve\nnobody asks any more; 3 answers\n'
fi

it 'they leave nothing behind'
[ -z "$(ls -A "$MQXX_DIR")" ] || fail "left over: $(ls -A "$MQXX_DIR")"
! ipcs -q | grep -q '^0xde' || fail "left over: $(ipcs -q)"
