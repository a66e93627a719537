#!/bin/sh
# mq exec: a command for each message, and what becomes of the message when the command fails or mq is ended.
# shellcheck disable=SC2016  # what stands in single quotes is for the inner shell
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 64 -s 64
cd "$scratch"

depth_is() { "$mq" info "${2-/q}" --json | grep -q "\"depth\": $1,"; }
# shellcheck disable=SC2317  # called by name
on_loan() { "$mq" info /q | grep -q "^on loan: *$1\$"; }

it 'each message is the standard input of a run, the most urgent first'
"$mq" send /q low 'two
lines'
"$mq" send /q --priority 9 high
run 0 "$mq" exec /q --all -- sh -c 'echo "<$(cat)>"'
prints '<high>\n<low>\n<two\nlines>\n'
eventually depth_is 0

it 'or stands where {} is, in every place, and the standard input is empty then'
"$mq" send /q 'a b' '*' "it's"
run 0 "$mq" exec /q --all -- sh -c 'echo "$1|$2|$(cat)"' sh '{}' '<{}{}>'
prints '%s\n' 'a b|<a ba b>|' '*|<**>|' "it's|<it'sit's>|"

it 'the command finds queue and priority in its environment'
"$mq" send /q --priority 7 x
run 0 "$mq" exec /q --count 1 -- sh -c 'echo "$MQUEUE $MQ_PRIORITY $MQ_TRY"'
prints '/q 7 1\n'

it 'options of the command are its own, and a second marker too'
"$mq" send /q x
run 0 "$mq" exec --all -q /q -- echo --count 5 -- -q
prints '%s\n' '--count 5 -- -q'
"$mq" send /q x
run 0 env MQUEUE=/q "$mq" exec --all -- echo 'done'
prints 'done\n'

it 'a failure puts the message back into its place and stops'
"$mq" send /q one two
run 1 "$mq" exec /q --all -- sh -c 'exit 3'
complains "exec '/q': 'sh' ended with status 3; the message is back in the queue"
run 1 "$mq" exec /q --all -- sh -c 'kill -9 $$'
complains "'sh' was ended by signal 9"
run 1 "$mq" exec /q --all -- ./nothing-here
complains "cannot run './nothing-here': No such file or directory"
run 0 "$mq" receive /q --all --lines
prints 'one\ntwo\n'

it 'what went well before the failure is done with'
"$mq" send /q good bad later
run 1 "$mq" exec /q --all -- sh -c 'text=$(cat); echo "$text"; [ "$text" != bad ]'
prints 'good\nbad\n'
run 0 "$mq" receive /q --all --lines
prints 'bad\nlater\n'

it 'retry runs the command again, with a rest before'
"$mq" send /q x
before=$(date +%s%N)
run 0 "$mq" exec /q --all --retry 2 --delay 100ms -- sh -c 'echo "$MQ_TRY $(cat)"; [ "$MQ_TRY" -eq 3 ]'
prints '1 x\n2 x\n3 x\n'
[ $(($(date +%s%N) - before)) -ge 200000000 ] || fail 'there was no rest'
"$mq" send /q x
run 1 "$mq" exec /q --all --retry 1 -- sh -c 'echo "$MQ_TRY"; exit 1'
prints '1\n2\n'
"$mq" drain /q --quiet

it 'dead: what fails goes to another queue with its priority, and the rest goes on'
"$mq" create /dead -c 2 -s 64
"$mq" send /q --priority 5 bad1
"$mq" send /q good bad2 bad3
run 5 "$mq" exec /q --all --dead /dead -- sh -c 'case $(cat) in good) ;; *) exit 1 ;; esac'
sed -n '1p' "$scratch/err" | grep -qxF "mq: exec '/q': 'sh' ended with status 1; the message is in '/dead'" || fail 'it is not told'
sed -n '3p' "$scratch/err" | grep -qF "and '/dead' is full; the message is back in the queue (EAGAIN)" || fail 'full is not told'
run 0 "$mq" receive /dead --all --format json
prints '%s\n' '{"priority":5,"text":"bad1"}' '{"priority":0,"text":"bad2"}'
run 0 "$mq" receive /q --all --lines
prints 'bad3\n'
run 3 "$mq" exec /q --dead /nowhere -- true
complains "'/nowhere'"
run 64 "$mq" exec /q --dead q -- true
complains 'the same queue'

it 'jobs run at the same time, and every message once'
seq 1 40 >"$scratch/numbers"
"$mq" send /q --lines <"$scratch/numbers"
mkfifo "$scratch/meet"
# Two of the first runs meet, one writing and one reading the FIFO: neither could end alone.
run 0 "$mq" exec /q --all --jobs 4 -- sh -c 'case $1 in 1) echo met >meet ;; 2) cat meet >/dev/null ;; esac; echo "$1"' sh '{}'
sort -n "$scratch/out" | cmp -s - "$scratch/numbers" || fail 'not every message once'
depth_is 0 || fail 'the queue is not empty'

it 'a failure stops the other jobs after what they have in hand'
"$mq" send /q bad a b c d e
run 1 "$mq" exec /q --all --jobs 2 -- sh -c '[ "$(cat)" != bad ]'
complains 'status 1'
"$mq" peek /q --all --lines | grep -qx bad || fail 'the message is not back'
"$mq" drain /q --quiet

it 'a command that does not read its input, and a message that is too large for a pipe, are no trouble'
"$mq" create /large -c 4 -s 1MiB
head -c 1048576 /dev/zero | "$mq" send /large
head -c 1048576 /dev/zero | "$mq" send /large
run 0 "$mq" exec /large --count 1 -- true
run 0 "$mq" exec /large --count 1 -- sh -c 'wc -c | tr -d " "'
prints '1048576\n'
printf 'a\0b' | "$mq" send /large
run 1 "$mq" exec /large --all -- echo '{}'
complains 'holds a NUL'
depth_is 1 /large || fail 'the message is lost'

it 'an empty queue: --all is content, a timeout has its status, or is content with --all'
run 0 "$mq" exec /q --all -- false
silent
run 2 "$mq" exec /q --timeout 50ms -- false
complains "exec '/q': the queue stayed empty for 50ms (ETIMEDOUT)"
run 0 "$mq" exec /q --all --timeout 50ms -- false

it 'Ctrl-C lets the running command end, takes nothing more, and then ends mq'
"$mq" send /q one two
env --default-signal=INT "$mq" exec /q -- sh -c 'trap "" INT; : >started; until [ -e go ]; do sleep 0.05; done; cat >done' &
worker=$!
eventually test -e started
kill -INT "$worker"
sleep 0.2
touch go
status=0
wait "$worker" || status=$?
[ "$status" -eq 130 ] || fail "status $status"
[ "$(cat "$scratch/done")" = one ] || fail 'the command did not end'
run 0 "$mq" receive /q --all --lines
prints 'two\n'

it 'Ctrl-C at a terminal interrupts the command as well: its message comes back'
rm -f started
"$mq" send /q one
env --default-signal=INT "$mq" exec /q -- sh -c 'echo $$ >pid; : >started; exec sleep 20' 2>"$scratch/err" &
worker=$!
eventually test -e started
kill -INT "$worker" "$(cat "$scratch/pid")"
status=0
wait "$worker" || status=$?
[ "$status" -eq 130 ] || fail "status $status"
: >"$scratch/out"
complains "'sh' was ended by signal 2; the message is back in the queue"
run 0 "$mq" receive /q --nonblock
prints one

it 'a second Ctrl-C does not wait, and the message comes back'
rm -f started go
"$mq" send /q one
env --default-signal=INT "$mq" exec /q -- sh -c 'trap "" INT; echo $$ >pid; : >started; exec sleep 20' &
worker=$!
eventually test -e started
kill -INT "$worker"
# shellcheck disable=SC2317  # called by name
second_ends() {
  kill -INT "$worker" 2>/dev/null || return 0
  ! [ -d "/proc/$worker" ] || grep -q '^[0-9]* (mq) Z' "/proc/$worker/stat"
}
eventually second_ends
wait "$worker" || true
kill "$(cat "$scratch/pid")"
run 0 "$mq" receive /q --timeout 5s
prints one

it 'killed in the middle, nothing is lost'
rm -f started
"$mq" send /q one
"$mq" exec /q -- sh -c 'echo $$ >pid; : >started; exec sleep 20' &
worker=$!
eventually test -e started
eventually on_loan 1
kill -KILL "$worker"
wait "$worker" || true
kill "$(cat "$scratch/pid")"
run 0 "$mq" receive /q --timeout 5s
prints one
run 0 "$mq" check /q

it 'wrong use'
run 64 "$mq" exec /q
complains 'no command' "'--'"
run 64 "$mq" exec /q --
complains 'no command'
run 64 "$mq" exec /q /r -- true
complains "'/r'"
run 64 "$mq" exec /q --frobnicate -- true
complains --frobnicate
run 64 "$mq" exec /q --jobs 0 -- true
complains --jobs '1 to 1024'
run 64 "$mq" exec /q --retry x -- true
complains --retry
run 64 "$mq" exec /q --delay x -- true
complains --delay
run 64 "$mq" exec -- true
complains 'no queue'
run 3 "$mq" exec /nowhere -- true
complains "'/nowhere'" ENOENT
