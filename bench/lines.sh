#!/bin/sh
# lines.sh MQ [LINES [ROUNDS]]: lines of 100 bytes through `mq send --lines` and `mq receive --lines`, beside a pipe, in turns,
# so that the machine's moods meet all of them. Prints the median of the rounds in millions of lines a second, and the ratio.
#
#   pipe      cat FILE | cat | wc -l
#   mq        mq send --lines <FILE, and at the same time mq receive --lines | wc -l, through a queue of 1024
set -eu

mq=$1
lines=${2-2000000}
rounds=${3-5}
scratch=$(mktemp -d /dev/shm/mqxx-lines-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
export MQXX_DIR="$scratch"

yes 'a line that is ninety-nine bytes long, and so a message of that size; with its newline a hundred...' |
  head -n "$lines" >"$scratch/lines"
[ "$(head -n 1 "$scratch/lines" | wc -c)" -eq 100 ] || {
  echo 'lines.sh: the line is not 100 bytes' >&2
  exit 1
}
"$mq" create /lines --capacity 1024 --message-size 128

through_pipe() {
  # shellcheck disable=SC2002  # cat is what is measured
  cat "$scratch/lines" | cat | wc -l
}

through_mq() {
  "$mq" send /lines --lines <"$scratch/lines" &
  "$mq" receive /lines --count "$lines" --lines | wc -l
  wait $!
}

# rate WAY: millions of lines a second
rate() {
  before=$(date +%s%N)
  [ "$("through_$1")" -eq "$lines" ] || {
    echo "lines.sh: lines were lost: $1" >&2
    exit 1
  }
  echo "$lines $before $(date +%s%N)" | awk '{ printf "%.3f\n", $1 * 1000 / ($3 - $2) }'
}

median() { sort -n "$1" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

for _ in $(seq "$rounds"); do
  for way in pipe mq; do rate "$way" >>"$scratch/$way"; done
done
pipe=$(median "$scratch/pipe")
through=$(median "$scratch/mq")
echo "pipe  $pipe M lines/s"
echo "mq    $through M lines/s"
echo "ratio $(echo "$through $pipe" | awk '{ printf "%.2f", $1 / $2 }') (a third is wanted, or 2 M lines/s)"
