#!/bin/sh
# habits_test.sh ROOT MQ: what docs/coming-from.md has for the command lines of others runs, from top to bottom.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# It removes all queues of the kernel, so it needs some that are nobody else's.
if [ -z "${MQXX_ALONE-}" ]; then
  unshare --ipc true 2>/dev/null || {
    echo 'skipped: this user may not have an IPC namespace'
    exit 77
  }
  MQXX_ALONE=yes exec unshare --ipc sh "$0" "$@"
fi
. "$here/support.sh"
root=$1
mq=$2
mkdir "$scratch/bin" "$scratch/stage"
ln -s "$mq" "$scratch/bin/mq"
export PATH="$scratch/bin:$PATH"
cd "$scratch/stage"
echo 'a line' >file

it 'the right side of each row is commands of mq'
# What is no option of a command's, but the name of one, has no blank in it.
sed -n '/^## Command lines/,/^What differs/p' "$root/docs/coming-from.md" | sed -n 's/^|.*| \(.*\) |$/\1/p' |
  grep -oE '`([A-Z]+=[^ ]* )?mq [^`]* [^`]*`|`mq [a-z]+`' | tr -d '`' >"$scratch/commands"
rows=$(sed -n '/^## Command lines/,/^What differs/p' "$root/docs/coming-from.md" | grep -c '^| .* | .*`mq .* |$')
[ "$(wc -l <"$scratch/commands")" -ge "$rows" ] && [ "$rows" -gt 25 ] || fail "$rows rows, and these commands: $(cat "$scratch/commands")"

it 'each of them succeeds'
while read -r command; do
  it "$command"
  run 0 sh -eu -c "$command" </dev/null
done <"$scratch/commands"

it 'what was created is removed'
run 0 mq list
[ ! -s "$scratch/out" ] || fail 'some are left'
