#!/bin/sh
# What the documents say of mq is true: the README's commands run, the man page knows every option. Their programs are
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

it 'the man pages name every command, option and exit status'
manual=$root/docs/man/mq.1.scd
"$mq" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' >"$scratch/names"
[ -s "$scratch/names" ] || fail 'help names no command'
while read -r command; do
  grep -q "^## .*mq $command" "$manual" || fail "mq $command is missing"
  # A page of its own is looked at in manual_test.sh.
  [ ! -e "$root/docs/man/mq-$command.1.scd" ] || continue
  "$mq" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u | while read -r option; do
    grep -qF -- "*$option" "$manual" || echo "$command $option"
  done >"$scratch/missing"
  [ ! -s "$scratch/missing" ] || fail "not in the man page: $(cat "$scratch/missing")"
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
