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

it 'messages of one priority, or of a range, and those only'
"$mq" send /q -p 5 middle
for range in 9 9.. 6..9 6..; do
  run 0 "$mq" peek /q --all --lines --only "$range"
  prints 'high\n'
done
for range in 0 ..4; do
  run 0 "$mq" peek /q --all --lines --only "$range"
  prints 'low1\nlow2\n'
done
run 0 "$mq" peek /q --count 2 --lines --only ..5
prints 'middle\nlow1\n'
run 0 "$mq" peek /q --only ..32767
prints high
run 6 "$mq" peek /q --only 6..8
complains "peek '/q': no message has the priority 6..8 (EAGAIN)"
run 0 "$mq" peek /q --all --only 6..8
silent
for range in .. 5..4 32768 -1 5..x x 1..2..3 5...6; do
  run 64 "$mq" peek /q "--only=$range"
  complains "'$range' is no priority from 0 to 32767 and no range of them"
done

it 'there is no such queue'
run 3 "$mq" peek /nowhere
complains ENOENT
