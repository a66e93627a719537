#!/bin/sh
# The examples compile without a flag, and do on the library what they do on the kernel.
set -eu
. "$(dirname "$0")/support.sh"
folder=$(dirname "$0")/../../../examples/posix
compiler=$3

for example in "$folder"/*.c; do
  it "$(basename "$example")"
  run 0 "$compiler" "$example" -o "$scratch/example"
  silent
  same "$scratch/example"
done

it 'they receive what was sent'
run 0 "$under" "$library" "$scratch/example"
shows 'message 1' 'message 25'
