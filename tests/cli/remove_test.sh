#!/bin/sh
# mq remove.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

it 'remove takes the name away, and it can be created anew at once'
"$mq" create /q -c 3
run 0 "$mq" remove /q
silent
run 3 "$mq" info /q
run 0 "$mq" create /q -x
run 0 "$mq" rm q
run 0 "$mq" list /
silent
[ -z "$(ls -A "$MQXX_DIR")" ] || fail "left over: $(ls -A "$MQXX_DIR")"

it 'several at once; a missing one does not keep the others alive'
"$mq" create /a
"$mq" create /b
run 3 "$mq" remove /a /missing /b
complains "unlink '/missing'" ENOENT
run 0 "$mq" list /
silent

it 'force is content when there is nothing to remove'
run 0 "$mq" remove --force /missing /absent
silent
run 64 "$mq" remove --force /a/b
complains EINVAL

it 'whoever has it open goes on using it'
"$mq" create /q
"$mq" receive /q --all -t 5s --lines >"$scratch/received" &
receiver=$!
# shellcheck disable=SC2317  # called by name
is_open() { "$mq" info /q | grep -q "^open in: *$receiver mq\$"; }
eventually is_open
mkfifo "$scratch/fifo"
"$mq" send /q --lines <"$scratch/fifo" &
sender=$!
exec 3>"$scratch/fifo"
# shellcheck disable=SC2317
both_have_it() { "$mq" info /q | grep -q "^open in: .*$sender"; }
eventually both_have_it
run 0 "$mq" remove /q
run 0 "$mq" create /q -x
echo through >&3
exec 3>&-
wait "$sender" || fail 'the sender failed'
# shellcheck disable=SC2317
arrived() { grep -q through "$scratch/received"; }
eventually arrived
kill "$receiver"
wait "$receiver" || true
run 6 "$mq" receive /q -n
