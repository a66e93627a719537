#!/bin/sh
# play_test.sh ROOT CXX LIBRARY MQ DOCUMENT: who follows the document from top to bottom sees what it shows.
# In what a document shows, "..." stands for any text in a line.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
. "$here/support.sh"
root=$1
cxx=$2
library=$3
mq=$4
document=$5

# What an installed mqxx would give: mq, a compiler and pkg-config that know where it is.
mkdir "$scratch/bin" "$scratch/stage"
ln -s "$mq" "$scratch/bin/mq"
printf '#!/bin/sh\nexec "%s" "$@" "-Wl,-rpath,%s"\n' "$cxx" "$library" >"$scratch/bin/c++"
printf 'Name: mqxx\nDescription: built\nVersion: 0\nCflags: -I%s/include\nLibs: -L%s -lmqxx\n' "$root" "$library" \
  >"$scratch/mqxx.pc"
chmod +x "$scratch/bin/c++"
export PATH="$scratch/bin:$PATH" PKG_CONFIG_PATH="$scratch"

it "$document can be read as a play"
run 0 awk -f "$here/play.awk" -v folder="$scratch" "$root/$document"
cp "$scratch/out" "$scratch/play.sh"
[ "$(grep -c '^echo' "$scratch/play.sh")" -ge 3 ] || fail 'it runs almost nothing'

it "$document runs from top to bottom"
cd "$scratch/stage"
slow_run 0 sh "$scratch/play.sh"
step=$(cat "$scratch/step")
[ "$status" -eq 0 ] || fail "it stops in the block at line $step: $(cat "$scratch/$step.out")"

for wanted in "$scratch"/*.wanted; do
  step=$(basename "$wanted" .wanted)
  it "the block at $document:$step writes what is shown"
  [ -e "$scratch/$step.out" ] || continue
  awk '
    function pattern(s) {
      gsub(/[][\\.^$*+?(){}|]/, "\\\\&", s)
      gsub(/\\\.\\\.\\\./, ".*", s)
      return "^" s "$"
    }
    FILENAME == ARGV[1] { wanted[++count] = $0; next }
    { if (FNR > count || $0 !~ pattern(wanted[FNR])) { print "line " FNR " is: " $0; bad = 1; exit 1 } seen = FNR }
    END { if (!bad && seen < count) { print "line " seen + 1 " is missing: " wanted[seen + 1]; exit 1 } }' \
    "$wanted" "$scratch/$step.out" >"$scratch/why" || fail "$(cat "$scratch/why")"
done
