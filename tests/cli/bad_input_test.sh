#!/bin/sh
# Bad input: a clear error with the rule or the numbers, a status of its kind, and nothing created, lost or crashed.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

nothing_created() { [ -z "$(ls -A "$MQXX_DIR")" ] || fail "created: $(ls -A "$MQXX_DIR")"; }

it 'names that break the rules'
for name in '' / //x /a/b a/ . .. /. /..; do
  for command in create info receive remove check peek; do
    run 64 "$mq" "$command" "$name"
    complains 'name' EINVAL
  done
done
run 64 "$mq" create "/$(printf '%256s' '' | tr ' ' n)"
complains '255 bytes' ENAMETOOLONG
nothing_created

it 'capacities outside their bounds'
run 64 "$mq" create /q -c 0
complains "create '/q'" 0 16777216
for capacity in -1 -0 16777217 18446744073709551616 99999999999999999999999 1.5 ten '' 0x10 '1 '; do
  run 64 "$mq" create /q -c "$capacity"
  complains capacity 16777216
done

it 'message sizes outside their bounds'
run 64 "$mq" create /q -s 0
complains "create '/q'" 0 1073741824
for size in -1 2G 1073741825 18446744073709551616 16E 99999999999999999999G 1.5K large '' 'K' '8 K'; do
  run 64 "$mq" create /q -s "$size"
  complains size 1073741824
done

it 'a capacity and a size that are too much together'
run 64 "$mq" create /q -c 16777216 -s 1G
complains EOVERFLOW
nothing_created

it 'modes that are not octal'
for mode in 8 0888 rw 1777 -1 ''; do
  run 64 "$mq" create /q -m "$mode"
  complains --mode octal
done
nothing_created

it 'priorities and times that are none'
"$mq" create /q -s 16
for priority in 32768 -1 99999999999999999999 high '' 1.5; do
  run 64 "$mq" send /q -p "$priority" x
  complains priority 32767
done
for time in -1 -1s 1x soon inf nan '' . 1.2.3 s; do
  run 64 "$mq" send /q -t "$time" x
  complains --timeout
  run 64 "$mq" receive /q -t "$time"
  complains --timeout
done
run 0 "$mq" info /q
shows '0 of 10 messages'

it 'a time without end is no overflow'
run 0 "$mq" send /q -t 99999999999999999999h x
run 0 "$mq" receive /q -t 99999999999999999999h
run 0 "$mq" remove /q

it 'a message that is too large stays outside, with both numbers'
"$mq" create /q -s 4
run 1 "$mq" send /q 12345
complains 5 4 EMSGSIZE
run 0 "$mq" send /q 1234

it 'files in the directory that are no queues'
"$mq" create /model -c 4 -s 64
"$mq" send /model one two
file=$(find "$MQXX_DIR" -type f -name '*model')
size=$(wc -c <"$file")
# damaged NAME: a file in the directory that passes for queue NAME, made from standard input
damaged() { cat >"$(dirname "$file")/$(basename "$file" | sed "s/model/$1/")"; }
damaged nothing </dev/null
echo 'not a queue' | damaged text
head -c 65536 /dev/urandom | damaged noise
head -c 65536 /dev/zero | damaged zeros
head -c 100 "$file" | damaged stump
head -c $((size / 2)) "$file" | damaged half
{
  head -c 8 "$file"
  printf '\377\377\377\177'
  tail -c +13 "$file"
} | damaged future
{
  head -c 64 "$file"
  head -c $((size - 64)) /dev/urandom
} | damaged garbled
for name in nothing text noise zeros stump half future; do
  for command in info receive peek check; do
    run 8 "$mq" "$command" "/$name"
    complains "/$name'" "$name"
  done
  run 8 "$mq" send "/$name" x
done
for arguments in 'info /garbled' 'receive /garbled -n' 'peek /garbled' 'check /garbled' 'send /garbled -n x'; do
  status=0
  # shellcheck disable=SC2086  # words
  timeout 20 "$mq" $arguments >/dev/null 2>&1 || status=$?
  [ "$status" -lt 124 ] || fail "status $status: mq $arguments"
done

it 'list shows the queues that are well, and the others with a reason'
run 0 "$mq" list /
shows /model /noise /future
run 0 "$mq" list / --json
shows '"error"' '"name": "/model"'
run 0 "$mq" receive /model --all --lines
prints 'one\ntwo\n'

it 'what is no queue can be removed by its name'
for name in nothing text noise zeros stump half future garbled; do
  run 0 "$mq" remove "/$name"
done
run 0 "$mq" list / --names
prints '/model\n/q\n'

it 'the directory of the queues is missing'
export MQXX_DIR="$scratch/nowhere"
for command in 'create /q' 'info /q' 'list'; do
  # shellcheck disable=SC2086  # words
  run 3 "$mq" $command
  complains "$scratch/nowhere" ENOENT
done
