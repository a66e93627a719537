#!/bin/sh
# mq save and mq load: all messages as a file and back, and what happens to half a file and on a full disk.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 8 -s 64
cd "$scratch"

fill() {
  printf 'a\0b\n\377' | "$mq" send /q --priority 3
  "$mq" send /q '' last
}
depth_is() { "$mq" info "$1" --json | grep -q "\"depth\": $2," || fail "the depth of $1 is not $2"; }
only_file_is() { [ "$(find . -type f -name '*save*')" = "$1" ] || fail "files: $(find . -type f -name '*save*')"; }

it 'save takes nothing, and load makes the same queue of it'
fill
run 0 "$mq" save /q q.save
prints '3 messages saved\n'
only_file_is ./q.save
depth_is /q 3
run 3 "$mq" load /copy q.save
complains "'/copy'" ENOENT
run 0 "$mq" load /copy q.save --create
prints '3 messages loaded\n'
run 0 "$mq" info /copy --json
shows '"capacity": 8,' '"message_size": 64,' '"depth": 3,'
"$mq" peek /q --all --format json >wanted.json
run 0 "$mq" receive /copy --all --format json
cmp -s wanted.json "$scratch/out" || fail 'it is not the same'

it 'through pipes, and by MQUEUE'
"$mq" save /q | cat | run 0 "$mq" load /copy -
prints '3 messages loaded\n'
run 0 env MQUEUE=/copy "$mq" save
cp "$scratch/out" piped.save
cmp -s piped.save q.save || fail 'the file is not the same'
run 0 "$mq" drain /copy
rm piped.save

it 'take takes the messages when the file is whole'
run 0 "$mq" save /q q.save --take --json
prints '{"messages":3}\n'
depth_is /q 0
run 0 "$mq" load /q q.save --quiet
silent
depth_is /q 3
run 0 sh -c '"$1" save /q --take >taken.save' sh "$mq"
silent
cmp -s taken.save q.save || fail 'the file is not the same'
rm taken.save
run 0 "$mq" load /q q.save

it 'a new file has the mode of new files, and one that was there keeps its own'
umask 022
run 0 "$mq" save /q mode.save
[ "$(stat -c %a mode.save)" = 644 ] || fail 'not 644'
chmod 600 mode.save
run 0 "$mq" save /q mode.save
[ "$(stat -c %a mode.save)" = 600 ] || fail 'not 600'
rm mode.save

it 'an empty queue is a file, too'
"$mq" create /empty -c 2 -s 4
run 0 "$mq" save /empty e.save
prints '0 messages saved\n'
run 0 "$mq" load /again e.save --create
prints '0 messages loaded\n'
run 0 "$mq" info /again --json
shows '"capacity": 2,' '"message_size": 4,'
rm e.save

it 'the file is as it is documented'
if command -v python3 >/dev/null; then
  python3 - q.save <<'END' || fail 'another program reads something else'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
magic, version, zero, capacity, size, zero2, check = struct.unpack_from("<8sIIQQII", data)
assert (magic, version, zero, capacity, size, zero2) == (b"mqxxsave", 1, 0, 8, 64, 0)
assert check == zlib.crc32(data[:36])
at, messages = 40, []
while True:
    length, priority, check = struct.unpack_from("<III", data, at)
    end = length == 0xffffffff
    body = data[at + 12:at + 12 + (8 if end else length)]
    assert check == zlib.crc32(body, zlib.crc32(data[at:at + 8]))
    at += 12 + len(body)
    if end:
        break
    messages.append((priority, body))
assert at == len(data) and struct.unpack("<Q", body)[0] == 3 and priority == 0
assert messages == [(3, b"a\0b\n\xff"), (0, b""), (0, b"last")]
END
fi

it 'a full queue: what was sent is told'
run 0 "$mq" load /q q.save --nonblock
run 5 "$mq" load /q q.save --nonblock
complains "load '/q': the queue is full; 2 messages were sent before (EAGAIN)"
run 2 "$mq" load /q q.save --timeout 20ms
complains "load '/q': the queue stayed full for 20ms (ETIMEDOUT)"
run 0 "$mq" drain /q
"$mq" create /little -c 8 -s 4
run 1 "$mq" load /little q.save
complains 'record 1 at byte 40 is 5 bytes, the queue takes at most 4 (EMSGSIZE)'
depth_is /little 0

it 'half a file, at every length: nothing half is sent, and what was sent is told'
size=$(wc -c <q.save)
for length in 0 1 7 8 11 12 20 39 40 41 51 52 56 57 60 68 69 80 84 85 $((size - 1)); do
  head -c "$length" q.save >half.save
  run 1 "$mq" load /q half.save
  complains "load '/q': half.save" EBADMSG
  case $length in
    85 | $((size - 1))) complains '3 messages were sent before' ;;
    69 | 8[04]) complains '2 messages were sent before' ;;
    57 | 6[08]) complains '1 message was sent before' ;;
    *) ! grep -q 'sent before' "$scratch/err" || fail "sent from $length bytes" ;;
  esac
  "$mq" receive /q --all --format json >half.json
  head -n "$(wc -l <half.json)" wanted.json | cmp -s - half.json || fail "not the first messages at $length"
done

it 'a changed byte, anywhere, is noticed'
if command -v python3 >/dev/null; then
  mkdir changed
  python3 - <<'END'
data = open("q.save", "rb").read()
for at in range(0, len(data), 3):
    changed = bytearray(data)
    changed[at] ^= 0x10
    open(f"changed/{at}", "wb").write(changed)
END
  for file in changed/*; do
    run 1 "$mq" load /q "$file" --nonblock
    complains "load '/q': "
    "$mq" drain /q --quiet
  done
fi

it 'files of a later version, and other files, are told apart'
{
  printf 'mqxxsave\002\0\0\0'
  tail -c +13 q.save
} >half.save
run 1 "$mq" load /q half.save
complains 'has version 2, this mq reads version 1'
run 1 "$mq" load /q "$mq"
complains 'was not written by'
cat q.save q.save >half.save
run 1 "$mq" load /q half.save
complains 'half.save goes on behind its end; 3 messages were sent before (EBADMSG)'
rm half.save
run 1 "$mq" load /q nothing.save
complains "open 'nothing.save': No such file"
run 1 "$mq" load /q .
complains 'Is a directory'
run 0 "$mq" drain /q

it 'the disk is full: nothing is lost, no file is left, and an old one stays'
fill
cp q.save old.save
# Files may not grow beyond a size, which is to a program as a disk that is full: sooner than the file is whole.
"$mq" create /large -c 4 -s 1MiB
for _ in 1 2 3; do head -c 1000000 /dev/zero | "$mq" send /large; done
for file in old.save new.save; do
  for take in '' --take; do
    # shellcheck disable=SC2086,SC2016  # words; the inner shell's
    run 1 sh -c 'ulimit -f 1000; exec "$@"' sh "$mq" save /large $file $take
    complains "write '$file': File too large"
    depth_is /large 3
  done
done
cmp -s old.save q.save || fail 'the old file is gone'
[ ! -e new.save ] || fail 'there is half a file'
rm old.save
only_file_is ./q.save
if [ -w /dev/full ]; then
  status=0
  "$mq" save /large --take >/dev/full 2>"$scratch/err" || status=$?
  : >"$scratch/out"
  [ "$status" -eq 1 ] || fail "status $status"
  complains 'write standard output: No space left on device'
  run 1 "$mq" save /large /dev/full --take
  complains "write '/dev/full': No space left"
  depth_is /large 3
fi
run 1 "$mq" save /q nowhere/q.save
complains "create 'nowhere/q.save': No such file"
run 0 "$mq" check /large

it 'Ctrl-C while the file is written: no file, and the messages are back'
# Each write of a slowed mq takes a while, so that there is a middle.
slowly="env --default-signal=INT strace -q -o $scratch/trace -e trace=write -e inject=write:delay_enter=20000"
if $slowly true 2>/dev/null; then
  mkdir slow
  "$mq" create /many -c 10000 -s 4096
  head -c 40960000 /dev/zero | tr '\0' 'x' | fold -w 4096 | "$mq" send /many --lines
  depth_is /many 10000
  $slowly "$mq" save /many slow/m.save --take &
  saver=$!
  # shellcheck disable=SC2317  # called by name
  writes() { [ -n "$(find slow -type f -size +100k)" ]; }
  eventually writes
  for child in $(children_of "$saver"); do kill -INT "$child"; done
  status=0
  wait "$saver" || status=$?
  [ "$status" -eq 130 ] || fail "status $status"
  [ -z "$(ls -A slow)" ] || fail "left over: $(ls -A slow)"
  depth_is /many 10000
fi

it 'there is no such queue'
run 3 "$mq" save /nowhere x.save
complains "'/nowhere'" ENOENT
[ ! -e x.save ] || fail 'there is a file'
