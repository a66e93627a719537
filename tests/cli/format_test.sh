#!/bin/sh
# The formats of mq send, receive and peek: what is written reads back as the same messages, and what is no message is
# refused with its number, after those before it were sent.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
"$mq" create /q -c 600 -s 256
"$mq" create /copy -c 600 -s 256

depth_is() { "$mq" info "$1" --json | grep -q "\"depth\": $2," || fail "the depth of $1 is not $2"; }

# The odd messages: each file is one.
mkdir "$scratch/odd"
printf '' >"$scratch/odd/0-empty"
printf 'plain' >"$scratch/odd/1-plain"
printf 'two\nlines\n' >"$scratch/odd/2-lines"
printf 'a\0b\0' >"$scratch/odd/3-nul"
printf '\377\376\200' >"$scratch/odd/4-binary"
printf 'caf\303\251 "\\ \b\t\r\033\177' >"$scratch/odd/5-escapes"
printf '{"text":"not me"}\n' >"$scratch/odd/6-json"
printf '\355\240\200 \300\200 \364\220\200\200' >"$scratch/odd/7-nearly-utf8"
printf '\360\237\215\265\357\277\277' >"$scratch/odd/8-four-bytes"
head -c 256 "$mq" >"$scratch/odd/9-largest"

send_odd() {
  priority=10
  for file in "$scratch"/odd/*; do
    "$mq" send /q --priority "$priority" <"$file"
    priority=$((priority - 1))
  done
}

for format in json length; do
  it "$format keeps every message as it is, with its priority"
  send_odd
  "$mq" peek /q --all --format "$format" >"$scratch/peeked"
  "$mq" receive /q --all --format "$format" >"$scratch/received"
  cmp -s "$scratch/peeked" "$scratch/received" || fail 'peek and receive write different things'
  run 0 "$mq" send /copy --format "$format" <"$scratch/received"
  priority=10
  for file in "$scratch"/odd/*; do
    run 0 "$mq" receive /copy --nonblock --priority
    cmp -s "$file" "$scratch/out" || fail "not the same: $file"
    [ "$(cat "$scratch/err")" = "priority=$priority" ] || fail "the priority of $file is not $priority"
    priority=$((priority - 1))
  done
  depth_is /copy 0
done

it 'json is one object a line with stable keys, text where it is UTF-8 and base64 elsewhere'
"$mq" send /q --priority 3 'two coffees'
printf '\377\376\0\001' | "$mq" send /q --priority 2
printf '"\\\n\033' | "$mq" send /q
run 0 "$mq" receive /q --all --format json
prints '%s\n' '{"priority":3,"text":"two coffees"}' '{"priority":2,"base64":"//4AAQ=="}' \
  '{"priority":0,"text":"\"\\\n\u001b"}'
if command -v python3 >/dev/null; then
  send_odd
  "$mq" receive /q --all --format json >"$scratch/json"
  python3 - "$scratch/json" "$scratch/odd" <<'END' || fail 'another program reads something else'
import base64, json, pathlib, sys
read = []
for line in open(sys.argv[1], encoding="utf-8"):
    message = json.loads(line)
    read.append(base64.b64decode(message["base64"], validate=True) if "base64" in message else message["text"].encode())
assert read == [path.read_bytes() for path in sorted(pathlib.Path(sys.argv[2]).iterdir())]
END
fi

it 'json: a priority of its own, that of --priority without; blank lines and orders of keys do not matter'
printf '%s\n' '{"text":"b"}' '' '  { "text" : "a\u0000\ud83c\udf75", "priority" : 9 }  ' '{"priority":1,"base64":""}' |
  run 0 "$mq" send /q --format json --priority 5
run 0 "$mq" receive /q --all --format json
prints '%s\n' '{"priority":9,"text":"a\u0000🍵"}' '{"priority":5,"text":"b"}' '{"priority":1,"text":""}'

it 'json: what is no message is refused with its line and the reason'
# refused REASON TEXT
refused() {
  printf '{"text":"good"}\n\n%s\n{"text":"never"}\n' "$2" | run 1 "$mq" send /q --format json
  complains "send '/q': line 3 is no message: $1" '; 1 message was sent before (EINVAL)'
  run 0 "$mq" receive /q --all --lines
  prints 'good\n'
}
refused 'it is not JSON' 'hello'
refused 'it is not JSON' '{"text":"half'
refused 'it is not JSON' '{"text":"x"} {"text":"y"}'
refused 'it is not JSON' "$(printf '{"text":"\377"}')"
refused 'it is a list and no object' '[1]'
refused 'it is a string and no object' '"text"'
refused 'it has neither "text" nor "base64"' '{"priority":3}'
refused 'two messages in one object' '{"text":"x","base64":""}'
refused 'there is no key "prioritiy"' '{"prioritiy":3,"text":"x"}'
refused 'the priority is 32768, the highest is 32767' '{"priority":32768,"text":"x"}'
refused '"priority" is a negative number' '{"priority":-1,"text":"x"}'
refused '"priority" is a fraction' '{"priority":1.5,"text":"x"}'
refused '"priority" is a string' '{"priority":"3","text":"x"}'
refused '"text" is a number' '{"text":5}'
refused '"text" is an object' '{"text":{"text":"x"}}'
for base64 in 'AA' 'AAA=AAAA' '=AAA' 'A===' 'AB==' 'AAB=' 'A*==' 'AA==\n'; do
  refused '"base64" is not base64' "{\"base64\":\"$base64\"}"
done

it 'length is 4 bytes of length and 4 of priority, little-endian, and the bytes'
"$mq" send /q --priority 258 abc
run 0 "$mq" receive /q --format length
prints '\003\0\0\0\002\001\0\0abc'
printf '\001\0\0\0\007\0\0\0x\0\0\0\0\0\0\0\0' | run 0 "$mq" send /q --format length
run 0 "$mq" receive /q --all --format json
prints '%s\n' '{"priority":7,"text":"x"}' '{"priority":0,"text":""}'

it 'length: half a record, or an impossible one, is refused with its place'
good='\001\0\0\0\0\0\0\0x'
# shellcheck disable=SC2059  # the format is bytes
printf "$good\\001\\0\\0" | run 1 "$mq" send /q --format length
complains 'record 2 at byte 9 is no message: the input ends after 3 of 8 bytes of its header' '1 message was sent before'
# shellcheck disable=SC2059
printf "$good$good\\005\\0\\0\\0\\0\\0\\0\\0abc" | run 1 "$mq" send /q --format length
complains 'record 3 at byte 18 is no message: the input ends after 3 of 5 bytes; 2 messages were sent before (EINVAL)'
# shellcheck disable=SC2059
printf "$good\\001\\0\\0\\0\\0\\200\\0\\0x" | run 1 "$mq" send /q --format length
complains 'record 2 at byte 9' 'the priority is 32768'
printf '\001\001\0\0\0\0\0\0' | run 1 "$mq" send /q --format length
complains 'record 1 at byte 0 is longer than the 256 bytes that the queue takes (EMSGSIZE)'
printf '\377\377\377\377\0\0\0\0' | run 1 "$mq" send /q --format length
complains 'record 1 at byte 0 is longer than the 256 bytes'
run 0 "$mq" receive /q --all --lines
prints 'x\nx\nx\nx\n'

it 'nul: a NUL behind each on the way out, none needed behind the last on the way in'
printf 'a\nb\0\0c' | run 0 "$mq" send /q --format nul
run 0 "$mq" receive /q --all --format nul
prints 'a\nb\0\0c\0'
{
  printf 'ok\0'
  head -c 257 /dev/zero | tr '\0' x
} | run 1 "$mq" send /q --format nul
complains 'record 2 is longer than the 256 bytes that the queue takes; 1 message was sent before (EMSGSIZE)'
run 0 "$mq" receive /q --all --format lines
prints 'ok\n'

it 'nothing at all is no message in every format but raw'
for format in lines nul json length; do
  run 0 "$mq" send /q --format "$format" </dev/null
  silent
done
depth_is /q 0
run 0 "$mq" send /q --format raw </dev/null
depth_is /q 1
"$mq" drain /q --quiet

it 'endless input without an end of a record is refused, not gathered'
for format in raw lines nul json; do
  tr '\0' x </dev/zero | run 1 "$mq" send /q --format "$format"
  complains 'longer than the 256 bytes that the queue takes (EMSGSIZE)'
done

it 'a message of the greatest size goes through every format'
"$mq" create /large -c 4 -s 1MiB
for _ in 1 2 3 4; do cat "$mq"; done | head -c 1048576 | tr '\n\0' 'xx' >"$scratch/large"
for format in raw lines nul json length; do
  "$mq" send /large <"$scratch/large"
  "$mq" send /large 'behind it'
  "$mq" receive /large --count 2 --format "$format" >"$scratch/out"
  [ "$format" = raw ] || "$mq" send /large --format "$format" <"$scratch/out"
  [ "$format" != raw ] || head -c 1048576 "$scratch/out" | "$mq" send /large
  run 0 "$mq" receive /large --nonblock
  cmp -s "$scratch/large" "$scratch/out" || fail "it is not the same: $format"
  "$mq" drain /large --quiet
done

it 'a format that there is not, or with --lines or messages, is wrong use'
for command in 'send /q' 'receive /q' 'peek /q'; do
  # shellcheck disable=SC2086  # words
  run 64 "$mq" $command --format xml
  complains "'xml'" 'raw, lines, nul, json, length'
  # shellcheck disable=SC2086
  run 64 "$mq" $command --format json --lines
  complains --format --lines
done
run 64 "$mq" send /q --format json '{"text":"x"}'
complains 'standard input'
