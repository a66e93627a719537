#!/bin/sh
# The models hold, and each planted mistake is found: spin_test.sh MODEL. Spin makes a C program of a model, which visits
# every state that can be reached.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
model=$1
if ! command -v spin >/dev/null; then
  echo 'spin is not installed'
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# verdict safety|live DEFINE...: prints "holds" or "error", and what was explored to `said`.
verdict() {
  kind=$1
  shift
  rm -f pan*
  case $kind in
    safety) set -- -DSAFETY "$@" && for_pan=-n ;;
    live) set -- -DLIVENESS "$@" && for_pan='-a -f -n' ;;
  esac
  spin "$@" -a "$here/$model.pml" >spin.said 2>&1 || return 1
  if [ "$kind" = safety ]; then set -- -DSAFETY; else set -- -DNFAIR=3; fi
  cc -O2 -w "$@" -o pan pan.c || return 1
  # shellcheck disable=SC2086  # the options are words
  timeout 60 ./pan $for_pan -m1000000 >said 2>&1 || return 1
  if grep -q 'max search depth too small\|out of memory' said; then return 1; fi
  if grep -q 'errors: 0' said; then echo holds; else grep -q 'errors: [1-9]' said && echo error; fi
}

# expect holds|error safety|live DEFINE...
expect() {
  wanted=$1
  shift
  found=$(verdict "$@") || found='no verdict'
  if [ "$found" != "$wanted" ]; then
    echo "$model $*: expected '$wanted', but: $found"
    cat spin.said said 2>/dev/null || true
    exit 1
  fi
  echo "$model $*: $found, $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' said) states"
}

case $model in
  lock)
    for version in '' -DNARROW; do
      expect holds safety -DROUNDS=2 $version
      expect holds safety -DCRASHES=2 -DLOOK_UP -DTHREADS=2 $version
      expect holds live -DCRASHES=1 -DLOOK_UP -DTHREADS=2 $version
    done
    expect holds safety -DCRASHES=1 -DLOOK_UP -DSLOW=0 -DNARROW
    expect error safety -DSLOW=0 -DNO_MEMBARRIER
    expect error safety -DSLOW=0 -DTHREADS=2 -DROUNDS=2 -DCONTENDED_FIRST
    expect error safety -DSLOW=0 -DFORGETS_OTHERS
    expect error safety -DSLOW=0 -DCLEAR_BEHIND
    expect error live -DCRASHES=1 -DLOOK_UP -DTHREADS=2 -DNO_PENDING
    expect error live -DCRASHES=1 -DLOOK_UP -DTHREADS=2 -DPENDING_FIRST
    ;;
  sleep)
    expect holds safety
    expect holds safety -DCANCELS=1 -DSENDERS=1
    expect error safety -DCANCELS=1 -DSENDERS=1 -DCANCEL_BY_COUNT
    expect error safety -DONE_LOCK
    expect error safety -DUNCHECKED
    expect error safety -DWORD_STAYS
    expect error safety -DCRASHES=1 -DSENDERS=1
    ;;
esac
