#!/bin/sh
# lines.sh MQ [LINES [ROUNDS]]: lines of 100 bytes through `mq send --lines` and `mq receive --lines`, beside a pipe, in turns,
# so that the machine's moods meet all of them. Prints the median of the rounds.
#
#   pipe      cat FILE | cat | wc -l
#   1024      mq send --lines <FILE, and at the same time mq receive --lines | wc -l, through a queue of that capacity
#   8192      likewise: more room, and so fewer waits
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
for capacity in 1024 8192; do "$mq" create "/$capacity" --capacity "$capacity" --message-size 128; done

through_pipe() {
  # shellcheck disable=SC2002  # cat is what is measured
  cat "$scratch/lines" | cat | wc -l
}

through_queue() {
  "$mq" send "$1" --lines <"$scratch/lines" &
  "$mq" receive "$1" --count "$lines" --lines | wc -l
  wait $!
}

through() { if [ "$1" = pipe ]; then through_pipe; else through_queue "/$1"; fi; }

# rate WAY: millions of lines a second
rate() {
  before=$(date +%s%N)
  [ "$(through "$1")" -eq "$lines" ] || {
    echo "lines.sh: lines were lost: $1" >&2
    exit 1
  }
  echo "$lines $before $(date +%s%N)" | awk '{ printf "%.3f\n", $1 * 1000 / ($3 - $2) }'
}

median() { sort -n "$1" | awk '{ value[NR] = $1 } END { print value[int((NR + 1) / 2)] }'; }

for _ in $(seq "$rounds"); do
  for way in pipe 1024 8192; do rate "$way" >>"$scratch/rates-$way"; done
done
pipe=$(median "$scratch/rates-pipe")
echo "way    M lines/s   of the pipe   (a third of it is wanted, or 2 M lines/s)"
for way in pipe 1024 8192; do
  echo "$way $(median "$scratch/rates-$way") $pipe" | awk '{ printf "%-6s %9.2f %13.2f\n", $1, $2, $2 / $3 }'
done
