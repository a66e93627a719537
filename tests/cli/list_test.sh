#!/bin/sh
# mq list, info, attr and stats: what they show of a queue, in every form.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /b -c 4 -s 32 -m 640
"$mq" create /a -c 2
"$mq" send /b -p 3 12345 678

it 'the columns are those that were asked for, in that order'
run 0 "$mq" list / --output name,depth,bytes,capacity
prints 'NAME DEPTH BYTES CAPACITY\n/a       0     0        2\n/b       2     8        4\n'
run 0 "$mq" list / -o depth,NAME --noheadings
prints '0 /a\n2 /b\n'

it 'every column of the help is one'
columns=$("$mq" list --help | sed -n '/^Columns:/,/^$/s/^  \([A-Z]*\) .*/\1/p' | tr '\n' , | sed 's/,$//')
run 0 "$mq" list / --output "$columns" --noheadings
[ "$(wc -l <"$scratch/out")" -eq 2 ] || fail 'not a line each'
run 64 "$mq" list / --output name,colour
complains "there is no column 'colour'" "see 'mq list --help'"

it 'owner and group are names, or numbers'
run 0 "$mq" list / --output name,owner,group --noheadings
shows "/a $(id -un) $(id -gn)"
run 0 "$mq" list / --output name,owner,group --noheadings --numeric
shows "/a $(id -u) $(id -g)"

it 'a waiting receiver is counted and named'
"$mq" receive /a >"$scratch/received" &
receiver=$!
# shellcheck disable=SC2317  # called by name
it_waits() { "$mq" list / -o name,senders,receivers,users --noheadings | grep -qx "/a 0 1 $receiver mq"; }
eventually it_waits
run 0 "$mq" list / --json
shows '"waiting_receivers": 1' '"command": "mq"' "\"pid\": $receiver"
"$mq" send /a x
wait "$receiver"

it 'a queue that cannot be read has its reason behind its name, whatever the columns'
echo 'no queue' >"$MQXX_DIR/mqxx.c"
run 0 "$mq" list / -o depth,name,mode --noheadings
shows '/c (the file is not a queue of mqxx)'
run 0 "$mq" list / --names
prints '/a\n/b\n/c\n'
run 0 "$mq" remove /c

it 'without a home it is the queues of all homes'
run 0 "$mq" create sysv:private
private=$(cat "$scratch/out")
run 0 "$mq" list --names
grep -qx /a "$scratch/out" || fail 'no queue of shared memory'
grep -qxF "$private" "$scratch/out" || fail 'no System V queue'
run 0 "$mq" list --output name,home --noheadings
grep -qE "^$private +sysv:$" "$scratch/out" || fail 'its home is not told'
run 0 "$mq" remove "$private"

it 'attr is for a shell to evaluate'
run 0 "$mq" attr /b
prints 'flags=0\nmaxmsg=4\nmsgsize=32\ncurmsgs=2\n'
eval "$("$mq" attr /b)"
# shellcheck disable=SC2154  # evaluated
[ "$curmsgs of $maxmsg" = '2 of 4' ] || fail 'it does not evaluate'
run 0 "$mq" attr /b --json
shows '"maxmsg": 4'
run 3 "$mq" attr /nowhere
complains ENOENT

it 'stats are numbers'
run 0 "$mq" stats /b
shows '/b capacity=4 message_size=32 depth=2 queued_bytes=8' ' messages_sent=2 bytes_sent=8 messages_received=0 '
run 0 "$mq" stats /a /b --json
shows '"messages_sent": 2' '"bytes_received": 0' '"last_receive": null'
run 3 "$mq" stats /nowhere /b
shows '/b capacity=4'
complains "'/nowhere'" ENOENT
run 0 "$mq" stats --all
shows '/a capacity=2' '/b capacity=4'
if command -v python3 >/dev/null; then
  "$mq" stats --all --json | python3 -c '
import json, sys
for queue in json.load(sys.stdin):
    assert all(type(queue[key]) is int for key in ("capacity", "message_size", "depth", "queued_bytes")), queue' ||
    fail 'the numbers are no numbers'
fi
