#!/bin/sh
# A Ruby program that speaks to libc through Fiddle.
set -eu
. "$(dirname "$0")/support.sh"
command -v ruby >/dev/null || skip 'there is no ruby'
ruby -rfiddle -e '' 2>/dev/null || skip 'this ruby has no Fiddle'

it 'IO.select, traps, threads, fork'
same ruby "$(dirname "$0")/client.rb"
shows 'the end'
