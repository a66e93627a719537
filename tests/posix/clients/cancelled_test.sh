#!/bin/sh
# A pending cancellation ends a thread in the calls that may wait, and in no other.
set -eu
. "$(dirname "$0")/support.sh"

it 'only calls that may wait are cancellation points'
same "$programs/cancelled"
shows 'mq_send: ends the thread' 'mq_open: goes on, well' '1 message left'
