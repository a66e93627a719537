#!/bin/sh
# mq with queues of the kernel: the same commands, and clear words for what the kernel cannot do.
set -eu
# In an IPC namespace of its own, where this user may have one; else under a name of its own.
. "$(dirname "$0")/private_ipc.sh"
. "$(dirname "$0")/support.sh"
mq=$1
posix=$2
name=kernel:/mqxx-cli-$$
trap '"$mq" remove --force "$name" 2>/dev/null || :; finish' EXIT

status=0
"$mq" create "$name" -c 3 -s 64 -m 640 2>"$scratch/err" || status=$?
if grep -q ENOSYS "$scratch/err"; then
  echo 'skipped: this system has no POSIX message queues'
  exit 77
fi

it 'create, send, receive'
[ "$status" -eq 0 ] || fail 'it cannot be created'
run 4 "$mq" create "$name" --exclusive
complains "'$name'" EEXIST
run 0 "$mq" send "$name" one two
silent
run 0 "$mq" send -q "$name" --priority 9 urgent
run 5 "$mq" send "$name" --nonblock 'no room'
complains EAGAIN
run 2 "$mq" send "$name" --timeout 5ms 'no room'
complains ETIMEDOUT
run 0 "$mq" receive "$name" --priority
prints urgent
run 0 "$mq" receive "$name" --all --lines
prints 'one\ntwo\n'
run 6 "$mq" receive "$name" --nonblock
run 2 "$mq" receive "$name" --timeout 5ms

it 'a text that begins with kernel: is a message, where another queue is named'
run 0 env "MQUEUE=$name" "$mq" send 'kernel: oops'
run 0 env "MQUEUE=$name" "$mq" receive
prints 'kernel: oops'

it 'info tells what the kernel knows and no statistics'
"$mq" send "$name" 12345
run 0 "$mq" info "$name"
shows "$name" '1 of 3 messages' '64 bytes' '5 bytes' '0640'
! grep -qE 'recoveries|memory' "$scratch/out" || fail 'it tells what it cannot know'
run 0 "$mq" info "$name" --json
shows '"capacity": 3' '"depth": 1' '"queued_bytes": 5'
! grep -qE 'statistics|pollers|memory_bytes' "$scratch/out" || fail 'it tells what it cannot know'

it 'list shows it, or says what an ordinary user needs for that'
if "$mq" list kernel: >/dev/null 2>&1; then
  run 0 "$mq" list kernel: --names
  grep -qxF "$name" "$scratch/out" || fail 'it is not in the list'
  run 0 "$mq" list kernel:
  shows NAME "$name"
else
  run 7 "$mq" list kernel:
  complains 'mount -t mqueue none /dev/mqueue' EPERM
fi
run 64 "$mq" list elsewhere:
complains "'elsewhere:' is no home" "kernel: and sysv:"
run 0 "$mq" list /
silent

it 'it is the kernel'"'"'s also where libmqxx-posix stands in front of mq_open'
if LD_PRELOAD=$posix "$mq" --version >/dev/null 2>&1; then
  run 0 env "LD_PRELOAD=$posix" "$mq" send "$name" preloaded
  run 0 "$mq" info "$name"
  shows '2 of 3 messages'
  run 0 "$mq" list /
  silent
fi

it 'what the kernel cannot do is said'
run 1 "$mq" peek "$name"
complains peek "$name" docs/homes.md ENOTSUP
run 1 "$mq" check "$name"
complains check "$name" ENOTSUP

it 'a hard limit is told with its value'
run 64 "$mq" create "$name-large" -c 65537
complains 'capacity is 65537' 65536 EINVAL

it 'remove'
run 0 "$mq" remove "$name"
run 3 "$mq" remove "$name"
complains "$name" ENOENT
run 0 "$mq" remove --force "$name"
run 3 "$mq" info "$name"
complains "$name" ENOENT
