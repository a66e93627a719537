#!/bin/sh
# mq wait: until there is a message, which stays.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

# of_home NAME: the same in each home.
of_home() {
  name=$1
  run 0 "$mq" create "$name" -c 2 -s 64

  it "$name: nothing comes"
  run 2 "$mq" wait "$name" -t 100ms
  complains "wait '$name': the queue stayed empty for 100ms (ETIMEDOUT)"
  run 6 "$mq" wait "$name" --nonblock
  complains "wait '$name': the queue is empty (EAGAIN)"

  it "$name: a message is there, and stays"
  run 0 "$mq" send "$name" hello
  run 0 "$mq" wait "$name"
  silent
  run 0 "$mq" wait "$name" -t 0
  run 0 "$mq" receive "$name" -n
  prints hello

  it "$name: several wait, and one message wakes them all"
  "$mq" wait "$name" -t 20s &
  first=$!
  "$mq" wait "$name" -t 20s &
  second=$!
  sleep 0.2
  run 0 "$mq" send "$name" hello
  wait "$first" || fail 'the first was not woken'
  wait "$second" || fail 'the second was not woken'
  run 0 "$mq" remove "$name"
}

of_home "/q"
sysv=sysv:$((0x4d510000 + $$))
"$mq" remove --force "$sysv"
of_home "sysv:0x$(printf %08x "${sysv#sysv:}")"
kernel=kernel:/mqxx-cli-wait-$$
if "$mq" create "$kernel" -s 64 2>/dev/null; then
  run 0 "$mq" remove "$kernel"
  of_home "$kernel"
fi

it 'Ctrl-C ends it'
run 0 "$mq" create /q
env --default-signal=INT "$mq" wait /q &
waiting=$!
# shellcheck disable=SC2317  # called by name
sleeps() { "$mq" info /q | grep -q "^open in: *$waiting mq" && grep -q '^[0-9]* (mq) S' "/proc/$waiting/stat"; }
eventually sleeps
kill -INT "$waiting"
status=0
wait "$waiting" || status=$?
[ "$status" -eq 130 ] || fail "status $status"

it 'there is no such queue'
run 3 "$mq" wait /nowhere
complains ENOENT
