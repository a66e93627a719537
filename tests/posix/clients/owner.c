// owner [raw|user]: prints whose queues this program gets, "kernel" or "mqxx", or why it gets none. With `raw` it asks
// the kernel itself, past libc. With `user` it prints as whom it runs.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { kMqueueFileSystem = 0x19800202 };  // MQUEUE_MAGIC of Linux

int main(int argc, char** argv) {
  if (argc > 1 && strcmp(argv[1], "user") == 0) return printf("%d\n", (int)geteuid()) < 0;
  char name[40];
  snprintf(name, sizeof name, "/mqxx-owner-%d", (int)getpid());
  const int raw = argc > 1 && strcmp(argv[1], "raw") == 0;
  const int queue = raw ? (int)syscall(SYS_mq_open, name + 1, O_CREAT | O_RDWR, 0600, NULL)
                        : mq_open(name, O_CREAT | O_RDWR, 0600, NULL);
  if (queue < 0) {
    puts(strerrorname_np(errno));
    return 0;
  }
  struct statfs system;
  if (fstatfs(queue, &system) != 0) return 1;
  puts(system.f_type == kMqueueFileSystem ? "kernel" : "mqxx");
  if (raw) return syscall(SYS_mq_unlink, name + 1) != 0;
  return mq_unlink(name) != 0 || mq_close(queue) != 0;
}
