#!/bin/sh
# The examples of mq_notify(3), written anew.
set -eu
. "$(dirname "$0")/support.sh"

it 'a thread with the attributes that were asked for reads the message and ends the program'
same "$programs/notify_thread"
shows 'a thread with a stack of 262144 bytes' 'read 5 bytes of priority 7: hello'

it 'a signal for each burst, with its sender and value, and poll that agrees'
same "$programs/notify_poll"
prints '50 signals, the sender ended with 0\n'
