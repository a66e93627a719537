#!/bin/sh
# mq list for other programs: raw, export and newline, and times and modes in other ways.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
export TZ=UTC0
"$mq" create /a -c 2 -m 640
"$mq" create /b -c 4 -s 32
"$mq" send /b -p 3 12345 678
# shellcheck disable=SC2016  # no command is meant to run here
odd='/o d"`echo no`$HOME\'
"$mq" create "$odd"

it 'raw: one blank between columns, none inside one'
run 0 "$mq" list / --raw --output name,depth,users
prints '%s\n' 'NAME DEPTH USERS' '/a 0 -' '/b 2 -' '/o\x20d"`echo\x20no`$HOME\x5c 0 -'
run 0 "$mq" list / -r --noheadings -o name,capacity
prints '%s\n' '/a 2' '/b 4' '/o\x20d"`echo\x20no`$HOME\x5c 10'

it 'export: a shell evaluates each line and has what was there'
run 0 "$mq" list / --export --output name,depth,registered
shows 'NAME="/a" DEPTH="0" REGISTERED=""' 'NAME="/b" DEPTH="2" REGISTERED=""'
while read -r line; do
  eval "$line"
  # shellcheck disable=SC2153  # evaluated
  echo "$NAME $DEPTH"
done <"$scratch/out" >"$scratch/evaluated" 2>&1 || fail 'it does not evaluate'
printf '%s 0\n' "$odd" >"$scratch/wanted"
tail -n 1 "$scratch/evaluated" | cmp -s - "$scratch/wanted" || fail "it evaluates to: $(cat "$scratch/evaluated")"
run 0 "$mq" list / --export --noheadings
# shellcheck disable=SC2046  # one word a column
[ "$(wc -l <"$scratch/out")" -eq 3 ] || fail 'it is not a line each'

it 'newline: each column on its own line'
run 0 "$mq" list / -n -o name,depth
prints '%s\n' 'NAME="/a"' 'DEPTH="0"' 'NAME="/b"' 'DEPTH="2"' 'NAME="/o d\"\`echo no\`\$HOME\\"' 'DEPTH="0"'
run 0 "$mq" remove "$odd"

it 'a queue that cannot be read keeps its place, and says why in a column'
echo 'no queue' >"$MQXX_DIR/mqxx.c"
run 0 "$mq" list / --raw --noheadings -o name,depth,error
shows '/a 0 -' '/c - the\x20file\x20is\x20not\x20a\x20queue\x20of\x20mqxx'
run 0 "$mq" list / --export -o name,depth,error
shows 'NAME="/c" DEPTH="" ERROR="the file is not a queue of mqxx"'
run 0 "$mq" remove /c

it 'one form at a time'
for pair in '--raw --export' '--export --newline' '--raw --json' '--newline --names' '-r -n'; do
  # shellcheck disable=SC2086  # words
  run 64 "$mq" list $pair
done

it 'permission bits are letters, or octal'
run 0 "$mq" list / -r --noheadings -o name,perms,mode
prints '/a rw-r----- 0640\n/b rw------- 0600\n'
run 0 "$mq" list / -r --noheadings -o name,perms --numeric-perms
prints '/a 0640\n/b 0600\n'

it 'sizes are numbers, with --bytes as without'
run 0 "$mq" list / -r --noheadings --bytes -o name,size,bytes
prints '/a 8192 0\n/b 32 8\n'

it 'times are how long ago, or when'
run 0 "$mq" list / -r --noheadings -o lastsend --time-format ago
grep -qE '^[0-9]+[smh]$' "$scratch/out" || fail 'it is not how long ago'
run 0 "$mq" list / -r --noheadings -o lastsend,lastreceive --time-format short
grep -qE '^([0-9]{2}:[0-9]{2}|[0-9]{4}-[0-9]{2}-[0-9]{2}) -$' "$scratch/out" || fail 'it is not short'
run 0 "$mq" list / -e -o lastsend --time-format full
grep -qE '^LASTSEND="[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2} 2[0-9]{3}"$' "$scratch/out" || fail 'it is not full'
run 0 "$mq" list / -e -o lastsend,age --time-format iso
grep -qE '^LASTSEND="2[0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\+0000" AGE="2[0-9-]*T.*\+0000"$' "$scratch/out" || fail 'it is not iso'
run 0 env TZ=UTC-5:30 "$mq" list / -e -o lastsend --time-format iso
shows '+0530"'
run 64 "$mq" list --time-format swatch
complains "'swatch'" 'ago, short, full or iso'
