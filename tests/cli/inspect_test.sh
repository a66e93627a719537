#!/bin/sh
# mq info, mq list, mq check.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

it 'no queues: list is empty in every form'
run 0 "$mq" list /
silent
run 0 "$mq" list / --names
silent
run 0 "$mq" list / --json
prints '[]\n'
run 0 "$mq" check --all
silent

it 'info tells attributes and statistics'
"$mq" create /b -c 5 -s 32
"$mq" create /a
"$mq" send /b 12345 678
"$mq" receive /b >/dev/null
run 0 "$mq" info /b
shows 'name:           /b' '1 of 5 messages' '32 bytes' '2 messages, 8 bytes' '1 messages, 5 bytes' \
  'greatest depth: 2' 'open in:        no process'

it 'info names who has the queue open'
"$mq" receive /a >"$scratch/late" &
receiver=$!
# shellcheck disable=SC2317  # called by name
open_in_receiver() { "$mq" info /a | grep -q "^open in: *$receiver mq\$"; }
eventually open_in_receiver
# shellcheck disable=SC2317
one_waits() { "$mq" info /a | grep -q '1 to receive'; }
eventually one_waits
"$mq" send /a enough
wait "$receiver"

it 'info as JSON has numbers for programs'
run 0 "$mq" info /b --json
shows '"name": "/b"' '"capacity": 5' '"depth": 1' '"queued_bytes": 3' '"mode": "0600"' '"messages_sent": 2' \
  '"last_receive": "20' '"users": []'
if command -v python3 >/dev/null; then
  python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$scratch/out" || fail 'it is not JSON'
fi

it 'list shows every queue, by name'
run 0 "$mq" list /
shows 'NAME' 'DEPTH' 'CAPACITY'
run 0 "$mq" list / --names
prints '/a\n/b\n'
run 0 "$mq" ls / --json
shows '"name": "/a"' '"name": "/b"'

it 'a name cannot break the lines of the list, and JSON stays UTF-8'
odd=$(printf '/odd\nname\033[2J\377')
run 0 "$mq" create "$odd"
run 0 "$mq" list /
shows '/odd\x0aname\x1b[2J'
run 0 "$mq" list / --json
shows '/odd\nname\u001b[2J'
run 0 "$mq" remove "$odd"

it 'check says that all is well'
run 0 "$mq" check /a /b
prints '/a: all invariants hold\n/b: all invariants hold\n'
run 0 "$mq" check --all
prints '/a: all invariants hold\n/b: all invariants hold\n'

it 'check goes on after a failure, and its status is that of the first'
run 3 "$mq" check /nowhere /b
prints '/b: all invariants hold\n'
complains "'/nowhere'" ENOENT

it 'there is no such queue'
run 3 "$mq" info /nowhere
complains "'/nowhere'" ENOENT
