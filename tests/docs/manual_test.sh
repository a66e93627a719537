#!/bin/sh
# manual_test.sh ROOT PAGES: man(1) has nothing to say against the pages that were made, and what they refer to is there.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/support.sh"
pages=$2
command -v man >/dev/null || {
  echo 'skipped: there is no man'
  exit 77
}

it 'each source has its page'
for source in "$1"/docs/man/*.scd; do
  [ -s "$pages/$(basename "$source" .scd)" ] || fail "no page was made of $source"
done

# page NAME.SECTION: its file, whose dots stand for colons.
page() { echo "$pages/$1" | sed 's/::/./g'; }

for file in "$pages"/*.[1-8]; do
  if grep -q '^\.so ' "$file"; then
    it "the other name $file leads to a page"
    [ -s "$(page "$(sed 's/^\.so man[0-9]\///' "$file")")" ] || fail "$(cat "$file")"
    continue
  fi
  it "man reads $file without a warning"
  MANWIDTH=80 LC_ALL=C.UTF-8 man --warnings -l "$file" >"$scratch/out" 2>"$scratch/err" || fail 'man fails'
  [ ! -s "$scratch/err" ] || fail 'it warns'
  ! grep -n '%\(description\|members\|functions\)' "$scratch/out" || fail 'the reference is not in it'

  it "what $file refers to is there"
  grep -oE '(libmqxx-posix|mqxx-posix|mqxx[A-Za-z:._-]*|mq(-[a-z]+)?)(\\fR)?\([1-8]\)' "$file" |
    sed 's/\\fR//; s/(\(.\))/.\1/; s/\\//g' | sort -u >"$scratch/wanted"
  while read -r name; do
    [ -s "$(page "$name")" ] || fail "it refers to $name, which is not made"
  done <"$scratch/wanted"
done
