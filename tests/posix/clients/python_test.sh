#!/bin/sh
# A Python program that speaks to libc through ctypes.
set -eu
. "$(dirname "$0")/support.sh"
# The system's own rather than what a version manager put in front of it.
python=/usr/bin/python3
[ -x "$python" ] || python=$(command -v python3) || skip 'there is no python3'
"$python" -c 'import ctypes' 2>/dev/null || skip 'this python3 has no ctypes'

it 'poll, epoll, asyncio, signals, descriptors that travel, errors'
same "$python" "$(dirname "$0")/client.py"
shows 'the end'
