#!/bin/sh
# What an ordinary user may not do. Root gives its rights up for it.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
chmod 755 "$scratch"

if [ "$(id -u)" -eq 0 ]; then
  as_user() { setpriv --reuid=65534 --regid=65534 --clear-groups -- "$@"; }
  if ! as_user test -x "$mq" 2>/dev/null; then
    echo 'skipped: an ordinary user cannot reach mq here'
    exit 77
  fi
  chown 65534:65534 "$MQXX_DIR"
  user='setpriv --reuid=65534 --regid=65534 --clear-groups --'
else
  user=
fi

# shellcheck disable=SC2086  # user is words
mq_as_user() {
  wanted=$1
  shift
  run "$wanted" $user "$mq" "$@"
}

it 'no permission to read or write the queue'
mq_as_user 0 create /none -m 000
for command in info receive peek check; do
  mq_as_user 7 "$command" /none
  complains '/none' EACCES
done
mq_as_user 7 send /none x
complains '/none' EACCES

it 'list still shows it, with the reason'
mq_as_user 0 list /
shows /none ermission

it 'its owner may remove it'
mq_as_user 0 remove /none
silent

it 'the directory may not be written'
chmod 555 "$MQXX_DIR"
mq_as_user 7 create /q
complains "$MQXX_DIR" EACCES

it 'the directory may not be entered'
chmod 000 "$MQXX_DIR"
for command in 'info /q' list; do
  # shellcheck disable=SC2086  # words
  mq_as_user 7 $command
  complains "$MQXX_DIR" EACCES
done
chmod 755 "$MQXX_DIR"
