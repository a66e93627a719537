# Reads source files and prints each header and each name of Linux's own that stands outside a comment. Exit status:
# 0 there is none, 1 there are some.

function complain(text) {
  print FILENAME ":" FNR ": " text
  failed = 1
}

BEGIN {
  header = "^(linux|asm|asm-generic)/|^(malloc|mntent|features|syscall)\\.h$|" \
    "^sys/(auxv|epoll|eventfd|fanotify|inotify|klog|memfd|mount|prctl|random|rseq|sendfile|signalfd|statfs|syscall|" \
    "sysinfo|sysmacros|timerfd|vfs|xattr)\\.h$"
  # Whole words, but for those that end in "_": they begin one.
  count = split("syscall SYS_ __NR_ gettid tgkill tkill FUTEX_ futex membarrier MEMBARRIER_ epoll_ EPOLL eventfd EFD_ " \
    "signalfd timerfd_ inotify_ memfd_create O_TMPFILE O_PATH AT_EMPTY_PATH fallocate FALLOC_FL_ F_OFD_ " \
    "F_SETPIPE_SZ F_GETPIPE_SZ F_SETSIG F_ADD_SEALS MAP_ANONYMOUS MAP_POPULATE MADV_ mremap pipe2 dup3 ppoll accept4 " \
    "getrandom prctl sched_getcpu sched_setaffinity CLOCK_REALTIME_COARSE CLOCK_MONOTONIC_COARSE getresuid getresgid " \
    "unshare setns clone3 process_vm_readv splice vmsplice __linux__ rt_sigqueueinfo rt_tgsigqueueinfo fsopen", names, " ")
  for (i = 1; i <= count; i++) {
    if (names[i] ~ /_$/) begins[names[i]] = 1
    else whole[names[i]] = 1
  }
}

FNR == 1 {
  files++
  in_comment = 0
}

{
  line = $0
  if (in_comment) {
    if (!sub(/^.*\*\//, "", line)) next
    in_comment = 0
  }
  gsub(/\/\*[^*]*\*\//, "", line)
  if (sub(/\/\*.*$/, "", line)) in_comment = 1
  sub(/(^|[ \t])\/\/.*$/, "", line)
}

line ~ /^[ \t]*#[ \t]*include[ \t]*</ {
  name = line
  sub(/^[^<]*</, "", name)
  sub(/>.*/, "", name)
  if (name ~ header) complain("<" name "> is Linux's own")
  next
}

{
  if (line ~ /"[^"]*\/(proc|sys)\//) complain("a path below /proc or /sys is Linux's own")
  gsub(/"[^"]*"/, "\"\"", line)
  count = split(line, words, /[^A-Za-z0-9_]+/)
  for (i = 1; i <= count; i++) {
    found = words[i] in whole
    for (name in begins) found = found || index(words[i], name) == 1
    if (found) complain("'" words[i] "' is Linux's own")
  }
}

END {
  if (failed) exit 1
  print "portable: " files + 0 " files, no name of Linux's own"
}
