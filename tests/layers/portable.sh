#!/bin/sh
# portable.sh [ROOT]: nothing outside the port to Linux, and the drop-in that stands in front of its C library, knows
# Linux. What the port `generic` does not compile (mq) is looked at as well.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "${1:-$here/../..}"

# shellcheck disable=SC2046  # a list of words: file names in the project have no blanks
exec awk -f "$here/portable.awk" $(find include src -type f \( -name '*.hpp' -o -name '*.cpp' -o -name '*.h' \) \
  ! -path 'src/os/linux/*' ! -path 'src/posix/*' | LC_ALL=C sort)
