#!/bin/sh
# mq create: what it makes, and what it leaves alone.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

it 'create says nothing and makes a queue of ten messages of 8192 bytes for its owner only'
run 0 "$mq" create /plain
silent
run 0 "$mq" info /plain
shows '0 of 10 messages' '8192 bytes' 0600

it 'sizes have units'
for row in 64:64 64K:65536 64KiB:65536 64kB:64000 1M:1048576 1MiB:1048576 2MB:2000000; do
  run 0 "$mq" create /sized --message-size "${row%%:*}"
  run 0 "$mq" info /sized --json
  shows "\"message_size\": ${row#*:},"
  run 0 "$mq" remove /sized
done

it 'long and short names of the options mean the same'
run 0 "$mq" create /a -c 3 -s 16
run 0 "$mq" create /b --maxmsg 3 --msgsize 16
run 0 "$mq" create /c --capacity=3 --message-size=16
for name in a b c; do
  run 0 "$mq" info "/$name" --json
  shows '"capacity": 3,' '"message_size": 16,'
done

it 'the mode is octal and less the umask'
umask 027
run 0 "$mq" create /open --mode 666
run 0 "$mq" info /open
shows 0640
umask 022

it 'an existing queue is left as it is, and a different wish is answered with what it has'
run 0 "$mq" create /a
silent
run 0 "$mq" create /a -c 3 -s 16
silent
run 0 "$mq" create /a -c 4
complains "create '/a': it exists already and keeps its capacity 3 and message size 16"

it 'exclusive refuses an existing queue'
run 4 "$mq" create /a --exclusive
complains "create '/a': the queue exists already (EEXIST)"
run 0 "$mq" create /new -x
silent

it 'a name without its slash gets one'
run 0 "$mq" create bare
run 0 "$mq" list / --names
shows /bare

it '255 bytes after the slash are a name'
name=$(printf '%255s' '' | tr ' ' n)
run 0 "$mq" create "/$name"
run 0 "$mq" send "/$name" hello
run 0 "$mq" receive "/$name"
prints hello
run 0 "$mq" remove "/$name"

it 'a million messages and 64 MiB each need no privilege and no memory yet'
run 0 "$mq" create /deep -c 1000000 -s 64
run 0 "$mq" create /wide -c 10 -s 64MiB
for name in deep wide; do
  run 0 "$mq" info "/$name" --json
  memory=$(sed -n 's/.*"memory_bytes": \([0-9]*\),/\1/p' "$scratch/out")
  [ "$memory" -lt 1048576 ] || fail "$name takes $memory bytes"
done
