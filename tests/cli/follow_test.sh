#!/bin/sh
# mq follow: messages as they come, until somebody ends it.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 8 -s 64

# shellcheck disable=SC2317  # called by name
written() { cmp -s "$scratch/wanted" "$scratch/followed"; }
wants() {
  # shellcheck disable=SC2059
  printf "$@" >"$scratch/wanted"
  eventually written
}

it 'what is there and what comes is written at once, a line each'
"$mq" send /q one two
env --default-signal=INT "$mq" follow /q >"$scratch/followed" &
follower=$!
wants 'one\ntwo\n'
"$mq" send /q three
wants 'one\ntwo\nthree\n'
echo four | "$mq" send /q --lines
wants 'one\ntwo\nthree\nfour\n'

it 'Ctrl-C ends it, and nothing is lost'
# shellcheck disable=SC2317  # called by name
waits() { "$mq" info /q | grep -q '1 to receive'; }
eventually waits
kill -INT "$follower"
status=0
wait "$follower" || status=$?
[ "$status" -eq 130 ] || fail "status $status"
"$mq" send /q five
run 0 "$mq" receive /q
prints five

it 'it ends when nobody reads any more, and the message that nobody got stays'
"$mq" send /q first
"$mq" follow /q 2>"$scratch/err" | head -n 1 >"$scratch/out" &
pipeline=$!
# shellcheck disable=SC2317
first_read() { [ -s "$scratch/out" ]; }
eventually first_read
# head has gone when the follower alone is left of the pipeline.
# shellcheck disable=SC2317
reader_is_gone() { ! children_of $$ | xargs -r -I{} cat /proc/{}/comm 2>/dev/null | grep -qx head; }
eventually reader_is_gone
"$mq" send /q second
wait "$pipeline"
prints 'first\n'
run 0 "$mq" receive /q --nonblock
prints second

it 'formats and priorities as in receive'
"$mq" send /q --priority 4 x
run 0 "$mq" follow /q --format json --timeout 100ms
prints '{"priority":4,"text":"x"}\n'
"$mq" send /q --priority 4 x
run 0 "$mq" follow /q --priority --timeout 100ms
prints 'x\n'
[ "$(cat "$scratch/err")" = priority=4 ] || fail 'the priority is wrong'

it 'there is no such queue'
run 3 "$mq" follow /nowhere
complains "open '/nowhere'" ENOENT
