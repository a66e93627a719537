#!/bin/sh
# Ctrl-C ends a waiting mq, and nothing is lost when mq is killed.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 2 -s 64K

# ended_by SIGNAL COMMAND...: started in the background, then signalled while it waits; its status is as the shell counts.
ended_by() {
  signal=$1
  shift
  # A shell without job control starts background commands with SIGINT ignored; env takes that back.
  env --default-signal=INT "$@" >/dev/null 2>&1 &
  child=$!
  eventually waits_in "$1" "$child"
  kill "-$signal" "$child"
  status=0
  wait "$child" || status=$?
  [ "$(kill -l "$status")" = "$signal" ] || fail "status $status: $*"
}
# shellcheck disable=SC2317  # called by name
waits_in() { "$1" info /q | grep -q "^open in:.* $2 mq\$" && grep -q '^[0-9]* (mq) S' "/proc/$2/stat"; }

it 'a waiting receiver ends by the signal that it gets'
for signal in INT TERM KILL; do
  ended_by "$signal" "$mq" receive /q
done

it 'the queue works afterwards'
run 0 "$mq" send /q one two
run 5 "$mq" send /q -n three
run 0 "$mq" check /q

it 'a waiting sender ends by the signal that it gets, and its message was not sent'
for signal in INT TERM KILL; do
  ended_by "$signal" "$mq" send /q three
done
run 0 "$mq" receive /q --all --lines
prints 'one\ntwo\n'
run 0 "$mq" check /q

it 'a receiver that is killed while it writes has not taken the message'
head -c 65536 /dev/zero >"$scratch/large"
mkfifo "$scratch/fifo"
"$mq" send /q <"$scratch/large"
"$mq" send /q <"$scratch/large"
# Nobody reads the pipe: the first message fills it, and the second waits in its writer's hands.
"$mq" receive /q --count 2 >"$scratch/fifo" &
receiver=$!
exec 3<"$scratch/fifo"
# shellcheck disable=SC2317  # called by name
on_loan() { "$mq" info /q | grep -q '^on loan: *1'; }
eventually on_loan
kill -KILL "$receiver"
wait "$receiver" || true
exec 3<&-
run 0 "$mq" receive /q -t 5s
cmp -s "$scratch/large" "$scratch/out" || fail 'the message is lost'
run 0 "$mq" check /q
