#!/bin/sh
# mq send to several queues: every message to each of them, and what happens when one of them does not take it.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /a -c 4 -s 16
"$mq" create /b -c 2 -s 16
"$mq" create /c -c 4 -s 8

# has QUEUE LINE...: these messages are in it, and are taken.
has() {
  run 0 "$mq" receive "$1" --all --lines
  shift
  prints '%s\n' "$@"
}

it 'arguments go to each queue, in order and with their priority'
run 0 "$mq" send -q /a --queue /b -p 3 one two
silent
run 0 "$mq" peek /b --all --format json
prints '{"priority":3,"text":"one"}\n{"priority":3,"text":"two"}\n'
has /a one two
has /b one two

it 'an argument that begins with a slash is a message then'
run 0 "$mq" send -q /a -q /b /c
has /a /c
has /b /c

it 'what is read goes to each queue as well, every byte of it'
printf 'x\0y' | run 0 "$mq" send -q /a -q /c
printf 'one\n\nthree\n' | run 0 "$mq" send -q /a -q /c --lines
run 0 "$mq" receive /c
prints 'x\0y'
run 0 "$mq" receive /a
prints 'x\0y'
has /a one '' three
has /c one '' three

it 'a queue that is not there, and a message too long for one of them, are told before anything is sent'
run 3 "$mq" send -q /a -q /missing -q /b one
complains "'/missing'" ENOENT
run 1 "$mq" send -q /a -q /c short 'nine bytes'
complains "send '/c': message is 10 bytes, the queue takes at most 8; it goes to no queue (EMSGSIZE)"
for queue in /a /b /c; do run 6 "$mq" peek "$queue"; done

it 'a line that is too long for one of them ends it for all'
printf 'short\nmuch too long\nlast\n' | run 1 "$mq" send -q /a -q /c --lines
complains "'/c'" 'line 2' EMSGSIZE
run 0 "$mq" receive /a --all
run 0 "$mq" receive /c --all

it 'a full queue is told with what it got, and the others get everything; the status is that of the first failure'
run 5 "$mq" send -q /b -q /a -n 1 2 3
complains "send '/b': the queue is full; 2 messages were sent before (EAGAIN)"
has /a 1 2 3
has /b 1 2
run 2 "$mq" send -q /b -q /a -t 10ms 1 2 3
complains "send '/b': the queue stayed full for 10ms; 2 messages were sent before (ETIMEDOUT)"
has /a 1 2 3
has /b 1 2
seq 3 | run 5 "$mq" send -q /b -q /a --lines --nonblock --quiet
silent
has /a 1 2 3
has /b 1 2

it 'when no queue takes more it ends, and each has said so'
"$mq" create /d -c 2
# shellcheck disable=SC2016  # for the shell inside
run 5 sh -c 'yes | "$1" send -q /b -q /d --lines -n' sh "$mq"
[ "$(grep -c '2 messages were sent before (EAGAIN)' "$scratch/err")" -eq 2 ] || fail 'not each of them has said so'
