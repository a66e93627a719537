#!/bin/sh
# mqxx-run, the main job, on small and odd files; and what it leaves behind when it is interrupted.
set -eu
. "$(dirname "$0")/support.sh"
main_job=$1

nameless() { [ -z "$(ls -A "$MQXX_DIR")" ]; }
nothing_left() { nameless || fail "left over: $(ls -A "$MQXX_DIR")"; }

it 'a text comes through both kinds of queue whole, and the rates are told'
seq 1 2000 >"$scratch/text"
run 0 "$main_job" "$scratch/text" --repeat 2 --rounds 1
shows 'mqxx   round 1 of 1  4000 messages' 'byte by byte' 'M messages/s'
nothing_left

it 'a file without a last newline, with empty lines, with all byte values, with lines longer than the kernel takes'
printf 'x' >"$scratch/one"
printf '\n\n\na\n\nb' >"$scratch/empty-lines"
head -c 200000 "$main_job" >"$scratch/binary"
{
  head -c 100000 /dev/zero | tr '\0' z
  printf '\nshort\n'
} >"$scratch/long"
for file in one empty-lines binary long; do
  run 0 "$main_job" "$scratch/$file" --repeat 3 --rounds 1
  shows 'byte by byte'
done
nothing_left

it 'any number of processes, priorities and slots'
for options in '--producers 1 --consumers 1' '--producers 5 --consumers 1' '--producers 1 --consumers 4' \
  '--priorities 1' '--priorities 32768' '--capacity 1' '--capacity 1000 --no-kernel'; do
  # shellcheck disable=SC2086  # words
  run 0 "$main_job" "$scratch/text" --repeat 1 --rounds 1 $options
  shows 'byte by byte'
done

it 'what cannot be sent is told'
: >"$scratch/empty"
run 1 "$main_job" "$scratch/empty"
grep -q "read '$scratch/empty': it is empty" "$scratch/err" || fail 'it does not say that the file is empty'
run 1 "$main_job" "$scratch/missing"
grep -q "No such file" "$scratch/err" || fail 'it does not say that there is no such file'
run 1 "$main_job" "$scratch"
run 1 "$main_job" "$scratch/text" --repeat 1000000
grep -q "would need" "$scratch/err" || fail "it does not say how much memory it would take"

# shellcheck disable=SC2317  # called by name
has_four_workers() { [ "$(children_of "$job" | wc -l)" -eq 4 ]; }

it 'wrong options have the status of wrong use'
run 64 "$main_job" "$scratch/text" --consumers 0

# interrupted SIGNAL STATUS TARGET: the job would run for long; TARGET (job or worker) gets SIGNAL.
interrupted() {
  env --default-signal=INT "$main_job" "$scratch/text" --repeat 10000 --no-kernel >"$scratch/out" 2>"$scratch/err" &
  job=$!
  eventually has_four_workers
  workers=$(children_of "$job")
  if [ "$3" = job ]; then kill "-$1" "$job"; else kill "-$1" "$(children_of "$job" | tail -n 1)"; fi
  status=0
  wait "$job" || status=$?
  [ "$status" -eq "$2" ] || fail "status $status instead of $2"
  for worker in $workers; do
    ! kill -0 "$worker" 2>/dev/null || fail "worker $worker is still there"
  done
  nothing_left
}

it 'Ctrl-C ends the job and all its processes, and no queue stays'
interrupted INT 130 job
interrupted TERM 143 job

it 'the death of a worker ends the job with a failure that names it'
interrupted KILL 1 worker
grep -qE 'mqxx-run: (producer|consumer) [0-9]+ was ended by signal 9' "$scratch/err" || fail 'it does not say who died'

it 'no worker outlives a job that is killed, and the name of its queue is gone since the start'
env "$main_job" "$scratch/text" --repeat 10000 --no-kernel >"$scratch/out" 2>"$scratch/err" &
job=$!
eventually has_four_workers
eventually nameless
workers=$(children_of "$job")
kill -KILL "$job"
wait "$job" || true
# shellcheck disable=SC2317  # called by name
all_gone() { for worker in $workers; do ! kill -0 "$worker" 2>/dev/null || return 1; done; }
eventually all_gone
nothing_left

it 'a worker that stands still is noticed'
env "$main_job" "$scratch/text" --repeat 10000 --no-kernel --patience 1 --consumers 2 \
  >"$scratch/out" 2>"$scratch/err" &
job=$!
eventually has_four_workers
sleep 0.5 # all of them work
for worker in $(children_of "$job"); do kill -STOP "$worker"; done
status=0
wait "$job" || status=$?
[ "$status" -eq 1 ] || fail "status $status"
grep -q 'nothing moved for 1 s' "$scratch/err" || fail 'the watchdog does not say so'
nothing_left
