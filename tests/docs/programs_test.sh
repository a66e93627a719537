#!/bin/sh
# programs_test.sh ROOT CXX LIBRARY: every C++ block of every document and man page compiles, and every program among
# them runs and prints what the comments behind its `std::cout` say.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/support.sh"
root=$1
cxx=$2
library=$3

# The System V queues of the examples are nobody else's, where this user may have an IPC namespace.
alone=
if unshare --ipc true 2>/dev/null; then alone='unshare --ipc'; fi

it 'every C++ block compiles'
cd "$root"
: >"$scratch/list"
awk -f "$here/programs.awk" -v list="$scratch/list" README.md docs/*.md docs/man/*.scd >"$scratch/programs.cpp"
[ "$(wc -l <"$scratch/list")" -ge 10 ] || fail "only $(wc -l <"$scratch/list") programs found: $(cat "$scratch/list")"
slow_run 0 "$cxx" -std=c++20 -O0 -Wall -Wextra -Werror -I"$root/include" "$scratch/programs.cpp" \
  -L"$library" -lmqxx "-Wl,-rpath,$library" -o "$scratch/programs"

# expected PLACE: what stands as a comment behind its lines with std::cout.
expected() {
  file=${1%:*}
  awk -v start="${1##*:}" '
    NR > start && /^```/ { exit }
    NR > start && /std::cout.*\/\/ / { sub(/.*\/\/ +/, ""); print }' "$root/$file"
}

while read -r number place only; do
  [ -z "$only" ] || continue
  it "the program at $place"
  rm -rf "$MQXX_DIR"
  mkdir "$MQXX_DIR"
  # shellcheck disable=SC2086  # words, or none
  run 0 $alone "$scratch/programs" "$number"
  expected "$place" >"$scratch/wanted"
  awk 'FILENAME == ARGV[1] { wanted[++count] = $0; next }
    $0 == wanted[met + 1] { met++ }
    END { if (met < count) { print "it does not print: " wanted[met + 1]; exit 1 } }' \
    "$scratch/wanted" "$scratch/out" >"$scratch/why" || fail "$(cat "$scratch/why")"
done <"$scratch/list"
