#!/bin/sh
# What a command line may go on with, as mq says it, and as bash, zsh and fish make of it.
set -eu
. "$(dirname "$0")/support.sh"
mq=$1
completion=$2
"$mq" create /orders
"$mq" create /outbox
"$mq" create /other

# goes_on WANTED WORD...: the words that complete the last one, with commas between them.
goes_on() {
  expected=$1
  shift
  run 0 "$mq" complete -- "$@"
  got=$(cut -f 1 "$scratch/out" | paste -sd , -)
  [ "$got" = "$expected" ] || fail "'$got' instead of '$expected': $*"
}

it 'commands, and what they mean'
goes_on list,limits li
grep -qP '^list\tList all queues$' "$scratch/out" || fail 'its meaning is missing'
run 0 "$mq" complete -- ''
"$mq" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\).*/\1/p' >"$scratch/commands"
echo help >>"$scratch/commands"
cut -f 1 "$scratch/out" | cmp -s - "$scratch/commands" || fail 'it does not know every command'
goes_on limits help lim

it 'options, of the command alone'
goes_on --capacity create --ca
goes_on '' list --ca
goes_on --priority send /orders hello --prio

it 'queues that there are, wherever one may stand'
for command in info attr receive peek wait check remove send watch stats layout; do
  run 0 "$mq" complete -- "$command" /o
  shows /orders /outbox /other
done
goes_on /orders info --queue /ord
goes_on /orders check /other /ord
goes_on /orders remove -- /ord

it 'homes, columns and errors where those are wanted'
goes_on /,kernel:,sysv: list ''
goes_on /,kernel:,sysv: remove --all ''
goes_on depth list --output dep
goes_on name,depth list --output name,dep
goes_on EMFILE limits EM

it 'each argument by its place, users, and ways to write times'
goes_on '' chmod ''
goes_on /orders chmod 600 /ord
goes_on /orders chown root --verbose /other /ord
goes_on root chown roo
goes_on '' save /orders /ord
goes_on /orders copy /outbox /ord
goes_on ago,short,full,iso list --time-format ''

it 'where nothing is known there is nothing, and it is no failure'
goes_on '' create --capacity ''
goes_on '' conjure x
goes_on '' info -- --json

it 'a name that would break the list is not offered'
odd=$(printf '/o\nd')
"$mq" create "$odd"
goes_on /orders,/other,/outbox info /o
"$mq" remove "$odd"

# ---- Shells --------------------------------------------------------------------------------------------------------

. "$(dirname "$0")/terminal.sh"
mkdir "$scratch/bin"
ln -s "$mq" "$scratch/bin/mq"
PATH=$scratch/bin:$PATH
"$mq" create sysv:private >"$scratch/sysv"
private=$(cat "$scratch/sysv")
key=${private%?}

# completes SHELL: what is typed there, and what becomes of it. The prompt is `> `.
completes() {
  it "$1 completes commands, options and queues"
  eventually_shown '>'
  for pair in 'mq inf:mq info ' 'mq create --capac:mq create --capacity ' 'mq info /ord:mq info /orders ' \
    'mq peek --queue /outb:mq peek --queue /outbox '; do
    type C-u
    type "${pair%%:*}" Tab
    type .
    eventually_shown "> ${pair#*:}."
  done
  type C-u
  type "mq info $key" Tab
  eventually_shown "> mq info $private"
  close
}

terminal 80 24 "PS1='> ' bash --norc --noprofile --rcfile /dev/null -i"
type "PS1='> '; . $completion/mq.bash; clear" Enter
completes bash

if command -v fish >/dev/null; then
  mkdir "$scratch/home"
  terminal 80 24 "env HOME=$scratch/home fish --no-config"
  type "function fish_prompt; echo '> '; end; set fish_greeting; source $completion/mq.fish; clear" Enter
  completes fish
fi

if command -v zsh >/dev/null; then
  terminal 80 24 'zsh -f'
  type "PS1='> '; fpath=($completion \$fpath); autoload -Uz compinit; compinit -u -D; clear" Enter
  completes zsh
fi
"$mq" remove "$private"
