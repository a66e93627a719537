#!/bin/sh
# Habits: help for a command, words that are mistyped, --quiet, --all, and the options of other tools.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /orders

it 'help COMMAND is COMMAND --help'
run 0 "$mq" create --help
cp "$scratch/out" "$scratch/help"
run 0 "$mq" help create
cmp -s "$scratch/out" "$scratch/help" || fail 'they differ'
run 64 "$mq" help conjure
complains "no such command: 'conjure'"

it 'a mistyped command, option or queue has its neighbour told'
run 64 "$mq" lsit
complains "no such command: 'lsit', did you mean 'list'; see 'mq --help'"
run 64 "$mq" recieve
complains "did you mean 'receive'"
run 64 "$mq" create /q --capacty 3
complains "no such option: '--capacty', did you mean '--capacity'; see 'mq create --help'"
for command in info attr receive peek wait check remove stats; do
  run 3 "$mq" "$command" /odrers
  complains "'/odrers'" ENOENT "did you mean '/orders'"
done

it 'what is near nothing has no neighbour'
run 64 "$mq" conjure
! grep -q 'did you mean' "$scratch/err" || fail 'it guesses'
run 3 "$mq" info /x
! grep -q 'did you mean' "$scratch/err" || fail 'it guesses'

it 'quiet: nothing but results, and the status'
run 3 "$mq" info /nowhere --quiet
silent
run 3 "$mq" --quiet info /nowhere
silent
run 0 "$mq" --quiet create /orders -c 99
silent
run 64 "$mq" --quiet conjure
silent
run 0 "$mq" attr /orders --quiet
shows maxmsg=10

it 'the options of posix-mq-rb and posixmqcontrol'
run 0 "$mq" create -q /old -x -m 600 -c 3 -s 64
run 0 "$mq" create -q /free -d 3 -s 64 -m 600
for name in /old /free; do
  run 0 "$mq" attr "$name"
  shows maxmsg=3 msgsize=64
done
export MQUEUE=/old
run 0 "$mq" send -p 3 -t 1.5 hello
run 0 "$mq" receive -p -n
prints hello
run 2 "$mq" receive -t 0.05
run 0 "$mq" unlink
run 3 "$mq" attr
unset MQUEUE

it 'all queues of a home are removed at once, and each is told'
run 0 "$mq" create /b
run 0 "$mq" remove --all / --verbose
prints 'removed /b\nremoved /free\nremoved /orders\n'
run 0 "$mq" list /
silent
run 64 "$mq" remove --all everything
complains --all 'kernel: or sysv:'
run 64 "$mq" remove --all
complains --all
