#!/bin/sh
# The models hold, and each planted mistake is found: spin_test.sh MODEL [full]. Spin makes a C program of a model, which
# visits every state that can be reached.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
model=$1
effort=${2-}
if ! command -v spin >/dev/null; then
  echo 'spin is not installed'
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

# verdict OPTIMISE safety|live DEFINE...: prints "holds" or "error", and what was explored to `said`.
verdict() {
  optimise=$1
  kind=$2
  shift 2
  rm -f pan*
  case $kind in
    safety) set -- -DSAFETY "$@" && for_pan=-n ;;
    live) set -- -DLIVENESS "$@" && for_pan='-a -f -n' ;;
  esac
  spin "$@" -a "$here/$model.pml" >spin.said 2>&1 || return 1
  if [ "$kind" = safety ]; then set -- -DSAFETY; else set -- -DNFAIR=3; fi
  cc "$optimise" -w -DCOLLAPSE "$@" -o pan pan.c || return 1
  # shellcheck disable=SC2086  # the options are words
  timeout 600 ./pan $for_pan -m2000000 >said 2>&1 || return 1
  if grep -q 'max search depth too small\|out of memory' said; then return 1; fi
  if grep -q 'errors: 0' said; then echo holds; else grep -q 'errors: [1-9]' said && echo error; fi
}

# expect holds|error safety|live DEFINE...
expect() {
  wanted=$1
  shift
  # Most are explored in less time than the compiler takes to optimise.
  if [ "$effort" = full ]; then optimise=-O2; else optimise=-O0; fi
  found=$(verdict $optimise "$@") || found='no verdict'
  if [ "$found" != "$wanted" ]; then
    echo "$model $*: expected '$wanted', but: $found"
    cat spin.said said 2>/dev/null || true
    exit 1
  fi
  echo "$model $*: $found, $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' said) states"
}

# expect_in_full ...: by hand only, for it takes minutes, and gigabytes.
expect_in_full() {
  if [ "$effort" = full ]; then expect "$@"; fi
}

case $model in
  lock)
    expect holds safety -DROUNDS=2
    expect holds safety -DCRASHES=2 -DLOOK_UP -DTHREADS=2
    expect_in_full holds safety -DCRASHES=1 -DLOOK_UP -DSLOW=0
    expect holds live -DCRASHES=1 -DLOOK_UP -DTHREADS=2 -DROUNDS=2
    expect error safety -DSLOW=0 -DNO_MEMBARRIER
    expect error safety -DSLOW=0 -DFORGETS_OTHERS
    expect error safety -DSLOW=0 -DCLEAR_BEHIND
    expect error safety -DSLOW=0 -DTHREADS=2 -DROUNDS=2 -DCONTENDED_FIRST
    expect error live -DCRASHES=1 -DLOOK_UP -DTHREADS=2 -DNO_PENDING
    expect error live -DCRASHES=1 -DLOOK_UP -DTHREADS=2 -DPENDING_FIRST
    ;;
  sleep)
    expect holds safety
    expect holds safety -DCANCELS=1 -DSENDERS=1
    expect holds safety -DCRASHES=1 -DLOOK_UP -DSENDERS=1
    expect holds safety -DCRASHES=1 -DLOOK_UP -DRECEIVERS=1
    expect_in_full holds safety -DCRASHES=1 -DLOOK_UP -DSENDERS=1 -DCANCELS=1
    expect_in_full holds safety -DCRASHES=2 -DLOOK_UP -DSENDERS=1
    expect_in_full holds safety -DCRASHES=1 -DLOOK_UP -DLATE
    expect error safety -DCANCELS=1 -DSENDERS=1 -DCANCEL_BY_COUNT
    expect error safety -DONE_LOCK
    expect error safety -DUNCHECKED
    expect error safety -DWORD_STAYS
    expect error safety -DCRASHES=1 -DSENDERS=1
    expect error safety -DCRASHES=1 -DLOOK_UP -DSENDERS=1 -DLOOKS_ONLY
    ;;
  watch)
    expect holds safety
    expect holds safety -DCRASHES=1 -DCALLS=1 -DREGISTRANTS=0
    expect holds safety -DCRASHES=1 -DCALLS=1 -DPOLLERS=0
    expect_in_full holds safety -DPOLLERS=2 -DROUNDS=2
    expect_in_full holds safety -DCRASHES=2 -DREGISTRANTS=0
    expect_in_full holds safety -DCRASHES=2 -DPOLLERS=0
    expect_in_full holds safety -DCRASHES=1 -DCALLS=1 -DREGISTRANTS=0 -DPOLLERS=2
    expect_in_full holds safety -DCRASHES=1 -DCALLS=1
    expect error safety -DNO_SECOND_LOOK
    expect error safety -DBELL_BEHIND
    expect error safety -DCRASHES=1 -DREGISTRANTS=0 -DNO_RESYNC
    expect error safety -DCRASHES=1 -DREGISTRANTS=0 -DPOLLERS=2 -DCALLS=1 -DFIRST_ONLY
    expect error safety -DCRASHES=1 -DPOLLERS=0 -DRECOVERY_IS_SILENT
    expect error safety -DCRASHES=1 -DPOLLERS=0 -DFORGET_FIRST
    ;;
  recovery)
    expect holds safety -DCRASHES=1 -DMESSAGES=2
    expect holds safety
    expect_in_full holds safety -DCRASHES=1
    expect_in_full holds safety -DCRASHES=2 -DMESSAGES=2
    expect error safety -DENTRY_FIRST
    expect error safety -DCRASHES=1 -DMESSAGES=2 -DKEEPS_RETURNED
    expect error safety -DCRASHES=1 -DMESSAGES=2 -DNOT_ABANDONED
    expect error safety -DCRASHES=1 -DLISTED_TWICE
    ;;
esac
