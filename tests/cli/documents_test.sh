#!/bin/sh
# What the documents say of mq is true: the README's commands run, each command has its page. Their programs are
# tests/docs.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
root=$2

it 'the commands of the README run'
mkdir "$scratch/bin"
ln -s "$mq" "$scratch/bin/mq"
PATH=$scratch/bin:$PATH
grep '^mq ' "$root/README.md" | sed 's/ *#.*//' >"$scratch/commands"
[ -s "$scratch/commands" ] || fail 'there are none'
echo 'a line' >"$scratch/access.log"
cd "$scratch"
while read -r command; do
  run 0 sh -c "$command"
done <"$scratch/commands"

it 'each command that help names has a page, and a place in that of mq; each exit status is there, too'
manual=$root/docs/man/mq.1.scd
"$mq" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' >"$scratch/names"
[ "$(wc -l <"$scratch/names")" -gt 20 ] || fail 'help does not name the commands'
while read -r command; do
  # What is on it, manual_test.sh looks at.
  [ -s "$root/docs/man/mq-$command.1.scd" ] || fail "there is no page mq-$command(1)"
  grep -q "^## .*mq $command" "$manual" || fail "mq(1) says nothing of mq $command"
  grep -qF "*mq-$command*(1)" "$manual" || fail "mq(1) does not name mq-$command(1)"
done <"$scratch/names"
"$mq" --help | sed -n 's/^ *\([0-9]\{1,3\}\)  .*/\1/p' | while read -r status; do
  grep -q "^|  *\*$status\*" "$manual" || grep -q "^\\*$status\\*" "$manual" || echo "$status"
done >"$scratch/missing"
[ ! -s "$scratch/missing" ] || fail "statuses that are not in the man page: $(cat "$scratch/missing")"

it 'scdoc can read the man pages'
if command -v scdoc >/dev/null; then
  for page in "$root"/docs/man/mq*.1.scd; do
    run 0 sh -c "scdoc <'$page'"
  done
fi
