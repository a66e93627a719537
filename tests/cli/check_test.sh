#!/bin/sh
# mq check --repair: what can be made anew is, and what cannot is told.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
# Offsets of docs/layout.md: of the senders' side, behind its lock, and of the receivers'.
"$mq" create /q -c 4 -s 16
"$mq" send /q one two
"$mq" send /q -p 9 three
"$mq" peek /q >/dev/null  # what was sent is in the index then
file="$MQXX_DIR/mqxx.q"

# overwrite OFFSET BYTES: as printf writes them.
overwrite() {
  # shellcheck disable=SC2059  # bytes
  printf "$2" | dd of="$file" bs=1 seek="$1" conv=notrunc 2>/dev/null
}
# The count of messages that were sent: the second word of the senders' second line.
sent=$((384 + 64 + 8))

it 'a queue that is well is left alone'
run 0 "$mq" check --repair /q
prints '/q: all invariants hold\n'
run 0 "$mq" info /q
shows 'recoveries:     0'

it 'a miscount is found, and repaired with every message in its place'
overwrite "$sent" '\011'
run 8 "$mq" check /q
shows '/q: I7: '
run 0 "$mq" check --repair /q
shows '/q: I7: ' '/q: repaired, all invariants hold'
run 0 "$mq" check /q
prints '/q: all invariants hold\n'
run 0 "$mq" receive /q --all --lines
prints 'three\none\ntwo\n'

it 'as JSON'
"$mq" send /q four
overwrite "$sent" '\000'
run 8 "$mq" check /q --json
shows '"invariant": "I7"' '"name": "/q"'
run 0 "$mq" check /q --repair --json
shows '"repaired": true' '"messages_dropped": 0' '"left": []'

it 'a file that is cut is beyond repair'
"$mq" create /cut -s 64K
truncate -s 4096 "$MQXX_DIR/mqxx.cut"
run 8 "$mq" check --repair /cut
complains "'/cut'" EBADMSG
echo nothing >"$MQXX_DIR/mqxx.none"
run 8 "$mq" check --repair /none
complains "'/none'" EBADMSG

it 'it goes on after a failure'
overwrite "$sent" '\000'
run 8 "$mq" check --repair /none /q
shows '/q: '

it 'what is in the kernel needs no repair'
run 1 "$mq" check --repair kernel:/q
complains repair ENOTSUP
