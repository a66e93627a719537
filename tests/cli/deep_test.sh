#!/bin/sh
# Queues that are far larger than the memory that mq may have: peek, copy and save need a part of them at a time.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
memory=12288 # KiB, of data; a mapped queue is none
if ! (ulimit -d "$memory" && exec "$mq" --version) >/dev/null 2>&1; then
  echo 'this mq does not start with so little memory: it has a sanitizer'
  ended=77
  exit 77
fi
messages=10000
"$mq" create /deep -c "$messages" -s 4096
head -c "$((messages * 4096))" /dev/zero | tr '\0' 'x' | fold -w 4096 | "$mq" send /deep --lines
# shellcheck disable=SC2016  # the inner shell's
little() { timeout 20 sh -c 'ulimit -d "$1" && shift && exec "$@"' sh "$memory" "$@"; }

it 'peek'
[ "$(little "$mq" peek /deep --all | wc -c)" -eq "$((messages * 4096))" ] || fail 'not all was shown'
[ "$(little "$mq" peek /deep --all --format json | grep -c '^{"priority":0,"text":"xxx')" -eq "$messages" ] ||
  fail 'not all was shown as JSON'

it 'save, from which load makes as many'
[ "$(little "$mq" save /deep | wc -c)" -eq "$((40 + (messages + 1) * 12 + messages * 4096 + 8))" ] ||
  fail 'not all was saved'

it 'copy'
"$mq" create /narrow -c 8 -s 4096
"$mq" receive /narrow --count "$messages" --timeout 20s >/dev/null &
receiver=$!
little "$mq" copy /deep /narrow >"$scratch/out" || fail "status $?"
prints '%s messages copied\n' "$messages"
wait "$receiver" || fail 'not all was copied'

it 'none was taken'
run 0 "$mq" info /deep --json
shows "\"depth\": $messages,"
