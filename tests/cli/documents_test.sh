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

it 'the man page names every command, option and exit status'
page=$root/docs/man/mq.1.scd
for command in create send receive peek info list check remove; do
  grep -q "^## mq $command" "$page" || fail "mq $command is missing"
  "$mq" "$command" --help | grep -oE -- '--[a-z-]+' | sort -u | while read -r option; do
    grep -qF -- "*$option" "$page" || echo "$command $option"
  done >"$scratch/missing"
  [ ! -s "$scratch/missing" ] || fail "not in the man page: $(cat "$scratch/missing")"
done
"$mq" --help | sed -n 's/^ *\([0-9]\{1,3\}\)  .*/\1/p' | while read -r status; do
  grep -q "^|  *\*$status\*" "$page" || grep -q "^\\*$status\\*" "$page" || echo "$status"
done >"$scratch/missing"
[ ! -s "$scratch/missing" ] || fail "statuses that are not in the man page: $(cat "$scratch/missing")"

it 'scdoc can read the man page'
if command -v scdoc >/dev/null; then
  run 0 sh -c "scdoc <'$page'"
fi
