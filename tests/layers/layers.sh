#!/bin/sh
# layers.sh [ROOT]: no file under src, include, examples or bench includes upward. The rules are the include table
# in ROOT/docs/design.md.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "${1:-$here/../..}"

folders=
for folder in include src examples bench; do
  [ ! -d "$folder" ] || folders="$folders $folder"
done
# shellcheck disable=SC2046,SC2086  # lists of words: file names in the project have no blanks
exec awk -f "$here/layers.awk" docs/design.md $(find $folders -type f \
  \( -name '*.hpp' -o -name '*.cpp' -o -name '*.h' -o -name '*.c' -o -name '*.inc' \) | LC_ALL=C sort)
