#!/bin/sh
# mq send: arguments, standard input and lines become messages.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 8 -s 16

it 'each argument is one message, just as it was written'
run 0 "$mq" send /q one '' '[a,b]' '{}' '"two"' 'a b' '%%' list
silent
run 0 "$mq" receive /q --all --lines
prints 'one\n\n[a,b]\n{}\n"two"\na b\n%%%%\nlist\n'

it 'messages with a dash in front go after --; negative numbers and a single dash need none'
run 0 "$mq" send /q -5 - -- -x --lines -- /q
run 0 "$mq" receive /q --all --lines
prints '%s\n' -5 - -x --lines -- /q
run 64 "$mq" send /q -x
complains "'-x'" "after '--'"

it 'without arguments, standard input is one message with all its bytes'
printf 'a\nb\0c\n' | run 0 "$mq" send /q
run 0 "$mq" receive /q
prints 'a\nb\0c\n'
run 0 "$mq" send /q </dev/null
run 0 "$mq" info /q
shows '1 of 8 messages'
run 0 "$mq" receive /q
prints ''

it 'lines: each is a message, an empty one too, and the last needs no newline'
printf 'first\n\nlast' | run 0 "$mq" send /q --lines
run 0 "$mq" receive /q --all --lines
prints 'first\n\nlast\n'
run 0 "$mq" send /q --lines </dev/null
run 6 "$mq" receive /q -n

it 'lines arrive while more of them are still to come'
mkfifo "$scratch/fifo"
"$mq" send /q --lines <"$scratch/fifo" &
exec 3>"$scratch/fifo"
echo early >&3
run 0 "$mq" receive /q -t 10
prints early
exec 3>&-
wait $!

it 'lines and messages as arguments exclude each other'
run 64 "$mq" send /q --lines word
complains '--lines'

it 'higher priorities leave first, equal ones in order'
run 0 "$mq" send /q low
run 0 "$mq" send /q -p 32767 highest
run 0 "$mq" send /q --priority 7 middle1 middle2
run 0 "$mq" receive /q --all --lines -p
prints 'highest\nmiddle1\nmiddle2\nlow\n'
printf 'priority=%s\n' 32767 7 7 0 | cmp -s - "$scratch/err" || fail 'the priorities are wrong'

it 'a full queue: nonblock has its status, and tells what was sent before'
run 5 "$mq" send /q -n 1 2 3 4 5 6 7 8 9 10
complains "send '/q': the queue is full; 8 messages were sent before (EAGAIN)"
run 5 "$mq" send /q --nonblock more
complains "send '/q': the queue is full (EAGAIN)"

it 'a full queue: a timeout has its status, and passes'
before=$(date +%s%N)
run 2 "$mq" send /q -t 250ms more
complains "send '/q': the queue stayed full for 250ms (ETIMEDOUT)"
[ $(($(date +%s%N) - before)) -ge 250000000 ] || fail 'it came back too early'
run 2 "$mq" send /q --timeout 0.1 more
complains 'for 0.1s'
run 2 "$mq" send /q -t 0 more

it 'a full queue: send waits until there is room'
"$mq" send /q eleven &
sender=$!
run 0 "$mq" receive /q --count 8 --lines
wait "$sender" || fail 'the sender failed'
run 0 "$mq" receive /q
prints eleven

it 'the largest message fits, one byte more is refused with both numbers and nothing is sent'
run 0 "$mq" send /q 0123456789abcdef
run 1 "$mq" send /q small 0123456789abcdefX
complains "send '/q'" 17 16 EMSGSIZE
run 0 "$mq" info /q
shows '1 of 8 messages'
printf '0123456789abcdefX' | run 1 "$mq" send /q
complains "send '/q': standard input is longer than the 16 bytes that the queue takes (EMSGSIZE)"
printf 'ok\n0123456789abcdef\n0123456789abcdefX\n' | run 1 "$mq" send /q --lines
complains 'line 3 is longer than the 16 bytes' '2 messages were sent before'
run 0 "$mq" receive /q --all --lines
prints '0123456789abcdef\nok\n0123456789abcdef\n'

it 'a directory on standard input is told'
run 1 "$mq" send /q <"$scratch"
complains 'read standard input'

it 'there is no such queue'
run 3 "$mq" send /nowhere x
complains "open '/nowhere'" ENOENT
