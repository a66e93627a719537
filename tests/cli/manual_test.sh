#!/bin/sh
# The manual pages of commands: each knows every option of its command, and its examples run.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
pages=$2
mkdir "$scratch/bin"
ln -s "$mq" "$scratch/bin/mq"
PATH=$scratch/bin:$PATH

for page in "$pages"/mq-*.1.scd; do
  command=$(basename "$page" .1.scd)
  command=${command#mq-}

  it "the page of mq $command names every option"
  run 0 "$mq" "$command" --help
  sed -n '/^Options:/,/^$/p' "$scratch/out" | grep -oE -- '^ +(-.,)?--[a-z-]+' | sed 's/.*--/--/' | grep -vxe --help -e --quiet | while read -r option; do
    grep -qF -- "*$option" "$page" || fail "it does not name $option"
  done

  it "the examples of mq $command run"
  sed -n '/^# EXAMPLES/,/^# /{/^```$/,/^```$/p}' "$page" | grep -v '^```$' >"$scratch/examples" || fail 'there are none'
  mkdir "$scratch/here"
  cd "$scratch/here"
  printf 'a line\nand another\n' >access.log
  run 0 sh -eu "$scratch/examples"
  cd "$scratch"
  rm -rf "$scratch/here" "$MQXX_DIR"
  mkdir "$MQXX_DIR"
done
