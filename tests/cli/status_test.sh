#!/bin/sh
# The exit statuses: each that help lists is met once, by what it stands for, so that none stands there for nothing.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /empty
"$mq" create /full -c 1 -s 8
"$mq" send /full x
echo 'no queue' >"$MQXX_DIR/mqxx.other"

# status_N: brings mq to end with it.
status_0() { run 0 "$mq" list; }
status_1() { run 1 "$mq" send /empty --format json <"$0"; }
status_2() {
  run 2 "$mq" receive /empty --timeout 1ms
  run 2 "$mq" wait /empty --timeout 1ms
  run 2 "$mq" send /full --timeout 1ms y
}
status_3() {
  for command in info attr receive peek wait drain remove check 'chmod 600' 'chown +1'; do
    # shellcheck disable=SC2086  # words
    run 3 "$mq" $command /missing
  done
  run 3 "$mq" send /missing x
  run 3 "$mq" copy /missing /empty
}
status_4() { run 4 "$mq" create /empty --exclusive; }
status_5() { run 5 "$mq" send /full --nonblock y; }
status_6() {
  run 6 "$mq" receive /empty --nonblock
  run 6 "$mq" wait /empty --nonblock
  run 6 "$mq" peek /empty
}
status_7() {
  stranger=
  if [ "$(id -u)" -eq 0 ]; then
    stranger='setpriv --reuid=65534 --regid=65534 --clear-groups --'
    chmod 755 "$scratch" "$MQXX_DIR"
    # shellcheck disable=SC2086
    $stranger test -x "$mq" 2>/dev/null || return 0
  else
    "$mq" chmod 0 /full
  fi
  # shellcheck disable=SC2086
  run 7 $stranger "$mq" receive /full
}
status_8() { run 8 "$mq" info /other; }
status_64() {
  run 64 "$mq" conjure
  run 64 "$mq" list --frobnicate
  run 64 "$mq" create /a/b
  run 64 "$mq" create /x --message-size 0
  run 64 "$mq" send /empty --priority 32768 x
}
# What a shell makes of an end by a signal; a test runs in the background, where a shell ignores Ctrl-C for its children.
status_130() {
  env --default-signal=INT "$mq" receive /empty &
  receiver=$!
  # shellcheck disable=SC2317  # called by name
  it_waits() { "$mq" list / -o name,receivers --noheadings | grep -qE '^/empty +1$'; }
  eventually it_waits
  kill -INT "$receiver"
  status=0
  wait "$receiver" || status=$?
  [ "$status" -eq 130 ] || fail "status $status"
}
status_141() {
  mkfifo "$scratch/unread"
  sleep 60 <"$scratch/unread" &
  reader=$!
  exec 3>"$scratch/unread"
  kill "$reader"
  wait "$reader" 2>/dev/null || true
  status=0
  env --default-signal=PIPE "$mq" list >&3 || status=$?
  exec 3>&-
  [ "$status" -eq 141 ] || fail "status $status"
}

run 0 "$mq" --help
# Two statuses may share a line: "130  interrupted by Ctrl-C; 141: nobody read the output".
sed -n '/^Exit status:/,/^$/s/; \([0-9]*\): /\n  \1  /p;/^Exit status:/,/^$/p' "$scratch/out" |
  sed -n 's/^ *\([0-9][0-9]*\)  .*/\1/p' | sort -un >"$scratch/statuses"
cp "$scratch/out" "$scratch/help"
[ "$(wc -l <"$scratch/statuses")" -ge 12 ] || fail "help lists only: $(cat "$scratch/statuses")"
while read -r number <&4; do
  it "status $number: $(sed -n "s/.*\b$number:\{0,1\}  *//p" "$scratch/help" | head -n 1)"
  "status_$number"
done 4<"$scratch/statuses"
