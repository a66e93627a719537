#!/bin/sh
# mq with System V queues: the same commands, by key, number, or file and project.
set -eu
# In an IPC namespace of its own, where this user may have one; else under a key of its own.
. "$(dirname "$0")/private_ipc.sh"
. "$(dirname "$0")/support.sh"
mq=$1
key=$(printf '0x%08x' $((0x50000000 + $$)))
name=sysv:$key
private=
trap '"$mq" remove --force "$name" $private 2>/dev/null || :; finish' EXIT

status=0
"$mq" create "$name" -c 3 -s 8 -m 640 2>"$scratch/err" || status=$?
if grep -q ENOSYS "$scratch/err"; then
  echo 'skipped: this system has no System V message queues'
  exit 77
fi

it 'create, send, receive'
[ "$status" -eq 0 ] || fail 'it cannot be created'
[ ! -s "$scratch/err" ] || fail 'it complains about its own queue'
run 4 "$mq" create "$name" --exclusive
complains "'$name'" EEXIST
run 0 "$mq" create "$name" -c 9 -s 9
complains 'exists already' '24 bytes'
run 0 "$mq" send "$name" one two
silent
run 0 "$mq" send -q "sysv:$((key))" --priority 9 urgent
run 5 "$mq" send "$name" --nonblock 'no room for all of this'
complains EAGAIN
run 2 "$mq" send "$name" --timeout 5ms 'no room for all of this'
complains ETIMEDOUT
run 1 "$mq" send "$name" 'more than it will ever have room for'
complains '36 bytes' 24 EMSGSIZE
run 0 "$mq" receive "$name" --priority
prints urgent
run 0 "$mq" receive "$name" --all --lines
prints 'one\ntwo\n'
run 6 "$mq" receive "$name" --nonblock
run 2 "$mq" receive "$name" --timeout 5ms

it 'a text that begins with sysv: is a message where it is no key'
run 0 env "MQUEUE=$name" "$mq" send 'sysv: oops'
run 0 env "MQUEUE=$name" "$mq" receive
prints 'sysv: oops'

it 'info tells what the kernel knows, in bytes'
"$mq" send "$name" 12345
run 0 "$mq" info "$name"
shows "$name" '1 messages' '5 of 24 bytes' '0640' 'last send' 'last receive'
! grep -qE 'recoveries|memory|open in' "$scratch/out" || fail 'it tells what it cannot know'
run 0 "$mq" info "$name" --json
shows '"most_bytes": 24' '"depth": 1' '"queued_bytes": 5' '"last_sender_pid"'
! grep -qE 'users|memory_bytes|recoveries' "$scratch/out" || fail 'it tells what it cannot know'

it 'peek shows in the order of receiving and takes nothing'
"$mq" send "$name" --priority 3 first
status=0
"$mq" peek "$name" --all --lines >"$scratch/out" 2>"$scratch/err" || status=$?
if [ "$status" -eq 0 ]; then
  prints 'first\n12345\n'
else
  complains peek "$name" docs/homes.md ENOTSUP
fi
run 0 "$mq" receive "$name" --all
prints first12345

it 'a private queue says how it is called'
run 0 "$mq" create sysv:private
private=$(cat "$scratch/out")
run 0 "$mq" send "$private" 'found by its number'
run 0 "$mq" receive "$private"
prints 'found by its number'
run 3 "$mq" send -q sysv:private x
complains 'id=5' ENOENT
run 1 "$mq" create "$private" --exclusive
complains "$private" sysv:private EINVAL

it 'list shows all of them, also those without a key'
run 0 "$mq" list sysv: --names
grep -qxF "$name" "$scratch/out" || fail 'it is not in the list'
grep -qxF "$private" "$scratch/out" || fail 'the private one is not in the list'
run 0 "$mq" list sysv:
shows NAME "$name"
run 0 "$mq" list /
silent

it 'a file and a project are a key'
touch "$scratch/file"
run 0 "$mq" create "sysv:$scratch/file:A"
run 0 "$mq" send "sysv:$scratch/file:A" 'by ftok'
run 0 "$mq" receive "sysv:$scratch/file:65"
prints 'by ftok'
run 0 "$mq" remove "sysv:$scratch/file:A"
run 3 "$mq" create "sysv:$scratch/missing:A"
complains "$scratch/missing" ftok 'No such file' ENOENT

it 'what is no address is told in one line, with an example'
for bad in sysv: sysv:orders sysv:0 sysv:010 sysv:-1 sysv:/file sysv:id=x; do
  run 64 "$mq" create "$bad"
  complains "'$bad'" 0x4d2 EINVAL
done
run 64 "$mq" create nats://host/orders
complains 'no home' /orders kernel:/orders EINVAL

it 'a removed queue ends a receive that waits'
"$mq" receive "$name" >"$scratch/out" 2>"$scratch/err" &
waiting=$!
sleep 0.1
"$mq" remove "$name"
status=0
wait "$waiting" || status=$?
[ "$status" -eq 3 ] || fail "status $status instead of 3"
complains removed EIDRM

it 'what System V queues cannot do is said'
run 0 "$mq" create "$name"
run 1 "$mq" check "$name"
complains check "$name" ENOTSUP

it 'remove'
run 0 "$mq" remove "$name" "$private"
run 3 "$mq" remove "$name"
complains "$name" ENOENT
run 0 "$mq" remove --force "$name"
run 3 "$mq" info "$name"
complains "$name" ENOENT
