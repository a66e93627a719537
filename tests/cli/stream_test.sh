#!/bin/sh
# A million messages through mq send and mq receive are the same, byte for byte; and several receivers may share a pipe.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

it 'a million lines of 0 to 199 bytes arrive as they were sent'
"$mq" create /stream -c 1024 -s 256
# 1,000,000 lines: numbers, and behind each a piece of one long text, so that none is where a mistake would put it.
seq -f '%.0f abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ' 1000000 |
  awk '{ print substr($0 $0 $0 $0, 1, NR % 200) }' >"$scratch/lines"
"$mq" send /stream --lines <"$scratch/lines" &
sender=$!
"$mq" receive /stream --count 1000000 --lines | cmp - "$scratch/lines" || fail 'not the same bytes'
wait "$sender" || fail 'the sender failed'
run 6 "$mq" receive /stream --nonblock

it 'likewise in the other formats'
head -n 50000 "$scratch/lines" >"$scratch/some"
for format in nul json length; do
  "$mq" send /stream --lines <"$scratch/some" &
  sender=$!
  "$mq" receive /stream --count 50000 --format "$format" >"$scratch/formatted"
  wait "$sender" || fail 'the sender failed'
  "$mq" send /stream --format "$format" <"$scratch/formatted" &
  sender=$!
  "$mq" receive /stream --count 50000 --lines | cmp - "$scratch/some" || fail "not the same bytes: $format"
  wait "$sender" || fail 'the sender failed'
done

it 'several receivers that share a pipe tear no message apart, and lose none'
{
  for _ in 1 2; do "$mq" receive /stream --count 25000 --lines & done
  "$mq" send /stream --lines <"$scratch/some"
  wait
} | sort >"$scratch/received"
sort "$scratch/some" | cmp - "$scratch/received" || fail 'not the same lines'
