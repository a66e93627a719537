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

it 'they leave nothing behind'
[ -z "$(ls -A "$MQXX_DIR")" ] || fail "left over: $(ls -A "$MQXX_DIR")"
! ipcs -q | grep -q '^0xde' || fail "left over: $(ipcs -q)"
