#!/bin/sh
# What moves messages works on the queues of the kernel as well, as far as they can, and says what they cannot.
set -eu
# In an IPC namespace of its own, where this user may have one; else under names of its own.
. "$(dirname "$0")/private_ipc.sh"
. "$(dirname "$0")/support.sh"
mq=$1
cd "$scratch"
"$mq" create /ours -c 100 -s 64
kernel=kernel:/mqxx-cli-homes-$$
sysv=sysv:$(printf '0x%08x' $((0x51000000 + $$)))
trap '"$mq" remove --force "$kernel" "$sysv" 2>/dev/null || :; finish' EXIT
tested=0

for name in "$kernel" "$sysv"; do
  status=0
  "$mq" create "$name" -c 8 -s 64 2>"$scratch/err" || status=$?
  if grep -q ENOSYS "$scratch/err"; then continue; fi
  tested=$((tested + 1))

  it "$name: formats, there and back"
  [ "$status" -eq 0 ] || fail 'it cannot be created'
  printf '%s\n' '{"priority":9,"text":"high"}' '{"priority":0,"base64":"/w=="}' >two.json
  run 0 "$mq" send "$name" --format json <two.json
  run 0 "$mq" receive "$name" --all --format length
  cp "$scratch/out" two.length
  run 0 "$mq" send "$name" --format length <two.length
  run 0 "$mq" follow "$name" --timeout 100ms --format json
  cmp -s two.json "$scratch/out" || fail 'it is not the same'

  it "$name: what the output does not take goes back"
  if [ -w /dev/full ]; then
    "$mq" send "$name" one two
    status=0
    "$mq" receive "$name" --all >/dev/full 2>"$scratch/err" || status=$?
    [ "$status" -eq 1 ] || fail "status $status"
    "$mq" receive "$name" --all --lines | sort >"$scratch/out"
    prints 'one\ntwo\n'
  fi

  it "$name: exec, and a failure that puts the message back"
  "$mq" send "$name" one two
  run 0 "$mq" exec "$name" --count 1 -- sh -c 'echo "<$(cat)>"'
  prints '<one>\n'
  run 1 "$mq" exec "$name" --count 1 -- false
  complains 'is back in the queue'
  run 0 "$mq" receive "$name" --all
  prints two

  it "$name: move and drain"
  "$mq" send "$name" one two three
  run 0 "$mq" move "$name" /ours --count 2
  prints '2 messages moved\n'
  run 0 "$mq" drain "$name"
  prints '1 message thrown away\n'
  run 0 "$mq" move /ours "$name"
  run 0 "$mq" receive "$name" --all --lines
  prints 'one\ntwo\n'

  it "$name: save with --take, and load"
  run 0 "$mq" send "$name" --format json <two.json
  run 0 "$mq" save "$name" home.save --take
  prints '2 messages saved and taken\n'
  run 0 "$mq" load "$name" home.save
  run 0 "$mq" receive "$name" --all --format json
  cmp -s two.json "$scratch/out" || fail 'it is not the same'

  it "$name: what has to look is done, or refused with the reason"
  "$mq" send "$name" x
  for command in "copy $name /ours" "save $name looked.save"; do
    status=0
    # shellcheck disable=SC2086  # words
    "$mq" $command >"$scratch/out" 2>"$scratch/err" || status=$?
    [ "$status" -eq 0 ] || complains "peek '$name'" docs/homes.md ENOTSUP
    [ "$name" != "$kernel" ] || [ "$status" -eq 1 ] || fail 'the kernel shows its messages?'
  done
  [ "$name" != "$kernel" ] || [ ! -e looked.save ] || fail 'there is a file'
  run 0 "$mq" copy /ours "$name"

  it "$name: bench"
  run 0 "$mq" bench "${name%%:*}:" --time 10ms --json
  shows "\"home\": \"${name%%:*}:\""
done

if [ "$tested" -eq 0 ]; then
  echo 'skipped: this system has no other message queues'
  exit 77
fi
