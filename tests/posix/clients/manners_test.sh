#!/bin/sh
# The library prints nothing, and leaves signals, descriptors and errno alone.
set -eu
. "$(dirname "$0")/support.sh"

it 'the actions of all signals, the mask, the descriptors and errno are as they were'
same "$programs/manners"
shows '0 descriptors more than at first' 'our handler stands'
! grep -E 'CHANGED|errno' "$scratch/out" >/dev/null || fail 'something changed'

it 'also with limits and a directory that make no sense'
run 1 env MQXX_DIR=/no/such/directory "$under" "$library" "$programs/manners"
prints 'at first: 10:set 15:blocked\n'
run 0 env MQXX_COMPAT=nonsense MQXX_MSG_MAX=-5 MQXX_QUOTA= "$under" "$library" "$programs/manners"
[ ! -s "$scratch/err" ] || fail 'somebody complained'
