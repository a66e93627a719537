#!/bin/sh
# mq chmod and mq chown: by numbers and names, of several queues, of every home; and who may not.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1

# mode_of QUEUE, owner_of QUEUE: as mq list says.
mode_of() { "$mq" list / --output name,mode --noheadings | sed -n "s|^$1 *||p"; }
owner_of() { "$mq" list / --output name,owner,group --numeric --noheadings | sed -n "s|^$1  *\\([0-9]*\\)  *|\\1:|p"; }

it 'the mode is that which was asked for, whatever the umask'
"$mq" create /a
"$mq" create /b
run 0 sh -c 'umask 777 && "$1" chmod 666 /a' sh "$mq"
silent
[ "$(mode_of /a)" = 0666 ] || fail "it is $(mode_of /a)"
run 0 "$mq" chmod 0640 a --verbose
prints 'mode 0640 a\n'
[ "$(mode_of /a)" = 0640 ] || fail "it is $(mode_of /a)"

it 'several queues, by --queue and MQUEUE too; one that is missing does not keep the others as they are'
run 3 "$mq" chmod 660 /a /missing /b
complains "chmod '/missing'" ENOENT
[ "$(mode_of /a) $(mode_of /b)" = '0660 0660' ] || fail 'they are not both changed'
run 0 "$mq" chmod 600 -q /a -q /b
run 0 env MQUEUE=/a "$mq" chmod 620
[ "$(mode_of /a) $(mode_of /b)" = '0620 0600' ] || fail 'it is not the queue of MQUEUE alone'
run 3 "$mq" chmod 600 /missing --quiet
silent

it 'what is no mode, and no queue, is wrong use'
for mode in 888 1777 rw -1 ''; do
  run 64 "$mq" chmod "$mode" /a
done
run 64 "$mq" chmod 600x /a
complains "'600x'" 'octal mode'
run 64 "$mq" chmod
run 64 "$mq" chmod 600
complains 'no queue'
[ "$(mode_of /a)" = 0620 ] || fail 'it was changed'

it 'what is no user or group is wrong use'
for owner in nobody-at-all :nobody-at-all 4294967295 ':' '' '5:' 1:2:3; do
  run 64 "$mq" chown "$owner" /a
done
run 64 "$mq" chown nobody-at-all /a
complains "there is no user 'nobody-at-all'" "see 'mq chown --help'"
run 3 "$mq" chown "$(id -u)" /missing
complains "chown '/missing'" ENOENT

it 'an owner may give a queue what it has already, by name or by number'
run 0 "$mq" chown "$(id -un):$(id -gn)" /a /b
run 0 "$mq" chown "+$(id -u)" /a
run 0 "$mq" chown ":$(id -g)" /a --verbose
prints "owner :$(id -g) /a\n"

it 'System V queues'
if "$mq" create sysv:private >"$scratch/private" 2>/dev/null; then
  private=$(cat "$scratch/private")
  run 0 "$mq" chmod 640 "$private"
  run 0 "$mq" list sysv: --output name,mode --noheadings
  grep -qE "^$private +0640$" "$scratch/out" || fail 'the mode is another'
  run 0 "$mq" remove "$private"
fi

it 'queues of the kernel'
name=kernel:/mqxx-permissions-$$
if "$mq" create "$name" -c 1 -s 8 2>/dev/null; then
  run 0 "$mq" chmod 640 "$name"
  run 0 "$mq" info "$name" --json
  shows '"mode": "0640"'
  run 0 "$mq" chown "$(id -u):$(id -g)" "$name"
  run 0 "$mq" remove "$name"
fi

# As another user there is more to see, but only root can be one.
chmod 1777 "$MQXX_DIR"
chmod 755 "$scratch"
stranger='setpriv --reuid=65534 --regid=65534 --clear-groups --'
# shellcheck disable=SC2086  # words
if [ "$(id -u)" -ne 0 ] || ! $stranger test -x "$mq" 2>/dev/null; then exit; fi

it 'a stranger may not, and is told who may'
# shellcheck disable=SC2086  # words
for command in 'chmod 777' 'chown 65534'; do
  run 7 $stranger "$mq" $command /a
  complains "'/a'" 'its owner (user 0)' EACCES
done

it 'root gives a queue away, and its new owner has it'
run 0 "$mq" chown 65534:7 /a
[ "$(owner_of /a)" = 65534:7 ] || fail "it is $(owner_of /a)"
# shellcheck disable=SC2086
run 0 $stranger "$mq" chmod 600 /a
# shellcheck disable=SC2086
run 0 $stranger "$mq" send /a mine
run 0 "$mq" chown 0 /a
[ "$(owner_of /a)" = 0:7 ] || fail "it is $(owner_of /a)"
# shellcheck disable=SC2086
run 7 $stranger "$mq" receive /a -n
