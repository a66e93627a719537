#!/bin/sh
# build.sh SCDOC ROOT SOURCE TARGET: makes one man page.
set -eu
scdoc=$1
reference=$2/docs/reference
headers=$2/include/mqxx
source=$3
target=$4

mkdir -p "$(dirname "$target")"
trap 'rm -f "$target.scd"' EXIT
awk -f "$reference/paragraphs.awk" -f "$reference/manual.awk" -v headers="$headers" "$source" >"$target.scd"

# Identifiers are not hyphenated: scdoc says so before .TH, which begins anew. Classes have their colons back.
"$scdoc" <"$target.scd" | sed '/^\.TH /{
  /"3"/s/\([a-z]\)\.\([A-Za-z]\)/\1::\2/g
  a .nr HY 0
  a .hy 0
}' >"$target"
