#!/bin/sh
# mq's help, version, and what it says when it is called wrongly.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

it 'help names every command, the exit statuses and the environment'
run 0 "$mq" --help
shows create send receive peek wait list info attr stats watch top limits check layout remove 'Exit status' 'MQUEUE' 'MQXX_DIR' Examples
cp "$scratch/out" "$scratch/help"
run 0 "$mq" -h
cmp -s "$scratch/out" "$scratch/help" || fail '-h and --help differ'
run 0 "$mq" help
cmp -s "$scratch/out" "$scratch/help" || fail 'help and --help differ'

it 'the help of each command shows examples of that command'
commands=$("$mq" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p')
[ "$(echo "$commands" | wc -l)" -gt 20 ] || fail 'help does not name them'
for command in $commands; do
  run 0 "$mq" "$command" --help
  shows "Usage: mq $command" "Examples:" "  mq $command" '-h,--help'
done

it 'aliases are the commands'
for pair in recv:receive ls:list rm:remove unlink:remove cat:info; do
  run 0 "$mq" "${pair%%:*}" --help
  shows "Usage: mq ${pair#*:}"
done

it 'the version is a number'
run 0 "$mq" --version
grep -qE '^mq [0-9]+\.[0-9]+\.[0-9]+$' "$scratch/out" || fail 'no version'

it 'no command, an unknown one, an unknown option: status 64 and the way to help'
run 64 "$mq"
complains 'no command' "see 'mq --help'"
run 64 "$mq" conjure
complains "no such command: 'conjure'" "see 'mq --help'"
run 64 "$mq" --frobnicate
complains "'--frobnicate'"
for command in create send receive peek wait list info attr stats watch top limits check layout remove; do
  run 64 "$mq" "$command" --frobnicate
  complains "$command: " --frobnicate "see 'mq $command --help'"
done

it 'options that contradict each other are refused'
run 64 "$mq" send /q -t 1 -n x
complains --timeout --nonblock
run 64 "$mq" receive /q -t 1 -n
complains --timeout --nonblock
run 64 "$mq" receive /q --all --count 2
complains --all --count
run 64 "$mq" list --json --names
complains --json --names

it 'a full disk under standard output is told'
if [ -w /dev/full ]; then
  status=0
  "$mq" --help >/dev/full 2>"$scratch/err" || status=$?
  : >"$scratch/out"
  [ "$status" -eq 1 ] || fail "status $status"
  complains 'write standard output: No space left on device'
fi
