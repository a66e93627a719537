// under OWNER PROGRAM [ARGUMENT...]: runs a program with the queues of that owner.
//
//   kernel      libc's calls, in an IPC namespace of its own where that is allowed
//   nobody      libc's calls, and the kernel answers ENOSYS: what a preload looks like that is not in use
//   LIBRARY     preloaded; the kernel answers ENOSYS all the same, so that nothing passes by mistake
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refuse_kernel_queues(void) {
  _Static_assert(SYS_mq_getsetattr == SYS_mq_open + 5, "the six calls are neighbours");
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_mq_open, 0, 2),
      BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, SYS_mq_getsetattr, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  // Root is spared "no new privileges", which would switch setuid programs off.
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) return 0;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fputs("usage: under kernel|nobody|LIBRARY PROGRAM [ARGUMENT...]\n", stderr);
    return 2;
  }
  const char* owner = argv[1];
  unsetenv("LD_PRELOAD");
  if (strcmp(owner, "kernel") == 0) {
    (void)!unshare(CLONE_NEWIPC);  // otherwise names are unique, and limits may be somebody else's
  } else if (refuse_kernel_queues() != 0) {
    perror("under: seccomp");
    return 125;
  } else if (strcmp(owner, "nobody") != 0) {
    setenv("LD_PRELOAD", owner, 1);
  }
  execvp(argv[2], argv + 2);
  perror(argv[2]);
  return 127;
}
