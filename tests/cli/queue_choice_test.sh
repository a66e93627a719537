#!/bin/sh
# Which queue a command means: argument, --queue, MQUEUE.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /a -s 16
"$mq" create /b -s 16

it 'MQUEUE is the queue where none is named'
export MQUEUE=/a
run 0 "$mq" send one two
run 0 "$mq" receive --lines
prints 'one\n'
run 0 "$mq" peek
prints two
run 0 "$mq" info
shows '/a'
run 0 "$mq" check
prints '/a: all invariants hold\n'
echo three | run 0 "$mq" send --lines
run 0 "$mq" receive --all --lines
prints 'two\nthree\n'

it 'a named queue wins over MQUEUE'
run 0 "$mq" send /b for-b
run 0 "$mq" send -q /b also-for-b
run 0 "$mq" receive /b --count 2 --lines
prints 'for-b\nalso-for-b\n'
run 0 "$mq" receive --queue b --all
silent
run 6 "$mq" receive -n
complains "'/a'"

it 'with --queue every argument is a message, one with a slash too'
run 0 "$mq" send -q /b /b /tmp
run 0 "$mq" receive /b --all --lines
prints '/b\n/tmp\n'
run 0 "$mq" send --queue b x
run 0 "$mq" receive b
prints x

it 'a message that looks like a queue is never taken for MQUEUE message'
run 3 "$mq" send /nowhere x
complains "'/nowhere'"

it 'MQUEUE can create and remove'
MQUEUE=/c
run 0 "$mq" create -c 2
run 0 "$mq" list / --names
prints '/a\n/b\n/c\n'
run 0 "$mq" remove
run 0 "$mq" list / --names
prints '/a\n/b\n'

it 'without MQUEUE, or with an empty one, a queue must be named'
for value in unset empty; do
  export MQUEUE=
  [ "$value" = empty ] || unset MQUEUE
  for command in create receive peek info check remove send; do
    run 64 "$mq" "$command" </dev/null
    complains 'no queue: name one, or set MQUEUE'
  done
  run 64 "$mq" send hello
  complains "'hello' has no slash in front and so is a message" "'/hello'" '-q hello'
done

it 'one queue is enough'
run 64 "$mq" info /a /b
run 64 "$mq" receive /a -q /b
