# terminal.sh: sourced after support.sh by tests of what people see. A terminal of a fixed size, in tmux.
#
#   terminal WIDTH HEIGHT COMMAND   the command runs in a new terminal
#   close                           ends it
#   type KEY...                     as tmux send-keys takes them
#   screen                          what the terminal shows, without blanks at the ends of lines
#   shown TEXT                      it shows that now; for `eventually shown TEXT`
# shellcheck shell=sh

command -v tmux >/dev/null || {
  echo 'there is no tmux'
  exit 77
}
# What people have set for themselves is not what the test is about.
unset TMUX NO_COLOR
export LC_ALL=C.UTF-8

terminals=0
in_tmux() { timeout --kill-after=5 20 tmux -S "$scratch/tmux.$terminals" -f /dev/null -u "$@"; }
close() { in_tmux kill-server; }

# shellcheck disable=SC2317  # called by the trap
close_terminal() {
  ended=$?
  close 2>/dev/null || true
  finish
}
trap close_terminal EXIT

# Each has a server of its own, since one that is ending would take the next with it.
terminal() {
  terminals=$((terminals + 1))
  in_tmux new-session -d -x "$1" -y "$2" "$3"
}
type() { in_tmux send-keys "$@"; }
screen() { in_tmux capture-pane -p 2>/dev/null | sed 's/ *$//'; }
shown() { screen | grep -qF -- "$1"; }

# eventually_shown TEXT: or a failure that shows the screen.
eventually_shown() {
  for _ in $(seq 200); do
    ! shown "$1" || return 0
    sleep 0.05
  done
  screen >"$scratch/out"
  : >"$scratch/err"
  fail "the screen never shows: $1"
}
