#!/bin/sh
# What the documents say is out of a preload's reach: raw system calls, and programs that run with raised privileges.
set -eu
. "$(dirname "$0")/support.sh"

it 'a program that asks the kernel itself, past libc, gets what the kernel says'
run 0 "$under" "$library" "$programs/owner" raw
prints 'ENOSYS\n'

it 'the loader drops the preload of a setuid program, which then has the queues of the kernel'
[ "$(id -u)" -eq 0 ] || skip 'only root can make a setuid program of another user'
# Not where the other files of tests are: /dev/shm is often mounted so that setuid means nothing.
folder=$(mktemp -d)
trap 'rm -rf "$folder"; finish' EXIT
chmod 755 "$folder"
cp "$programs/owner" "$folder/owner"
chown 65534 "$folder/owner"
chmod 4755 "$folder/owner"
[ "$("$folder/owner" user)" -eq 65534 ] || skip "setuid means nothing in $folder"
run 0 "$under" "$library" "$folder/owner"
prints 'ENOSYS\n'
