#!/bin/sh
# mq peek: messages are shown in the order in which they would leave, and stay.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 8 -s 16

it 'an empty queue'
run 6 "$mq" peek /q
complains "peek '/q': the queue is empty"
run 0 "$mq" peek /q --all
silent

it 'the next message, several, all; none is taken'
"$mq" send /q low1 low2
"$mq" send /q -p 9 high
run 0 "$mq" peek /q
prints high
run 0 "$mq" peek /q --count 2 --lines --priority
prints 'high\nlow1\n'
printf 'priority=%s\n' 9 0 | cmp -s - "$scratch/err" || fail 'the priorities are wrong'
run 0 "$mq" peek /q --all --lines
prints 'high\nlow1\nlow2\n'
run 0 "$mq" peek /q --count 100 --lines
prints 'high\nlow1\nlow2\n'
run 0 "$mq" info /q
shows '3 of 8 messages'

it 'there is no such queue'
run 3 "$mq" peek /nowhere
complains ENOENT
