#!/bin/sh
# The preload is really in use, in the program and in what it starts.
set -eu
. "$(dirname "$0")/support.sh"

it 'a preload that is not in use fails: the other tests here cannot pass on the kernel by mistake'
run 0 "$under" nobody "$programs/owner"
prints 'ENOSYS\n'

it 'preloaded, a program has our queues'
run 0 "$under" "$library" "$programs/owner"
prints 'mqxx\n'

it 'so has what it starts'
# shellcheck disable=SC2016  # for the inner shell, which stays there while its child runs
run 0 "$under" "$library" sh -c '"$1"; :' sh "$programs/owner"
prints 'mqxx\n'

it 'programs without queues do not notice'
printf 'b\na\n' >"$scratch/lines"
run 0 "$under" "$library" sort "$scratch/lines"
prints 'a\nb\n'
[ ! -s "$scratch/err" ] || fail 'somebody complained'

it 'nothing is left behind'
run 0 ls -A "$MQXX_DIR"
silent

it 'each of the ten calls and the fortified one is taken over: a missing one would go to the kernel'
for name in mq_open __mq_open_2 mq_close mq_unlink mq_send mq_timedsend mq_receive mq_timedreceive mq_notify mq_getattr \
  mq_setattr; do
  nm -D --defined-only "$library" | grep -q " T $name\$" || fail "not exported without a version: $name"
done
