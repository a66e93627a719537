#!/bin/sh
# mq top in a real terminal: the screen as it is, each key, and the terminal given back.
set -eu
. "$(dirname "$0")/support.sh"
. "$(dirname "$0")/terminal.sh"
mq=$1
"$mq" create /empty -c 8 -s 16
"$mq" create /full -c 2 -s 16
"$mq" send /full a b
"$mq" create /half -c 4 -s 16
"$mq" send /half a b

# The shell stays, so that what is left on the terminal can be seen, and the status.
# Ctrl-C is for both, and the shell waits for mq.
start() { terminal "$1" "$2" "sh -c 'trap : INT; $mq top / --interval 100ms $3; echo status \$?; exec sleep 60'"; }

it 'the screen is the one that was drawn for it'
start 100 8 ''
# Twenty looks later the history is full, and nothing changes any more.
cat >"$scratch/wanted" <<'END'
3 queues, 4 messages, 0 sent/s, 0 received/s   by name
NAME                    DEPTH  CAPACITY  FULL  SENT/s  RECV/s SENDERS RECEIVERS DEPTH OVER TIME
/empty                      0         8    0%       0       0       0         0
/full                       2         2  100%       0       0       0         0 ████████████████████
/half                       2         4   50%       0       0       0         0 ████████████████████


q quit  s sort  r reverse  / filter  space pause  + - interval  h help
END
# shellcheck disable=SC2317  # called by name
as_wanted() { screen | cmp -s - "$scratch/wanted"; }
eventually as_wanted
as_wanted || screen | diff "$scratch/wanted" - || true

it 'it is sorted, reversed, filtered and paused by keys'
type s
eventually_shown 'by depth'
type s
eventually_shown 'by full'
[ "$(screen | sed -n '3s/ .*//p')" = /full ] || fail 'the fullest is not at the top'
type r
eventually_shown 'by full, reversed'
type /
eventually_shown 'filter: _'
type half Enter
eventually_shown '/half (1 shown)'
! shown /empty || fail 'the filter lets everything through'
type / Escape
eventually_shown /empty
type p
eventually_shown PAUSED
"$mq" send /empty x
sleep 0.3
shown '4 messages' || fail 'it goes on while it is paused'
type Space
eventually_shown '5 messages'

it 'help is shown, and goes'
type h
eventually_shown 'Any key goes back'
type x
eventually_shown 'DEPTH OVER TIME'

it 'a terminal that is too small is told, and one that grows again is used'
in_tmux resize-window -x 40 -y 5
eventually_shown '40 x 5 is too small'
in_tmux resize-window -x 70 -y 8
eventually_shown 'q quit'
! shown 'DEPTH OVER TIME' || fail 'there is no room for the history'
close

it 'q gives the terminal back'
start 80 10 ''
eventually_shown 'q quit'
type q
eventually_shown 'status 0'
! shown 'q quit' || fail 'the screen is left over'
close

it 'Ctrl-C gives the terminal back, and the status says so'
start 80 10 ''
eventually_shown 'q quit'
type C-c
eventually_shown 'status 130'
! shown 'q quit' || fail 'the screen is left over'
close

it 'a terminal that cannot be drawn upon gets lines'
terminal 80 20 "sh -c 'TERM=none $mq top / --interval 100ms --count 1; echo status \$?; exec sleep 60'"
eventually_shown 'status 0'
shown ' /half' || fail 'no lines'
close

it 'colours only where they are wanted'
start 80 10 ''
eventually_shown '/full'
in_tmux capture-pane -e -p | grep '/full' | grep -qF "$(printf '\033[')" || fail 'a full queue does not stand out'
in_tmux capture-pane -e -p | grep '/full' | grep -qE "$(printf '\033')\[[0-9;]*31m" || fail 'it is not red'
close
terminal 80 10 "sh -c 'NO_COLOR=1 exec $mq top / --interval 100ms'"
eventually_shown '/full'
! in_tmux capture-pane -e -p | grep '/full' | grep -qE "$(printf '\033')\[[0-9;]*31m" || fail 'it is red all the same'
