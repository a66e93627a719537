/* mqxx/mqueue.h: the mq_* calls over mqxx queues, for programs that link libmqxx-posix (CMake mqxx::posix, pkg-config
   mqxx-posix) instead of preloading it. They are those of the system's <mqueue.h>, by the same names and types:
   1. -1 and errno on failure; outputs are untouched then. A call that succeeds leaves errno alone.
   2. No exception crosses this line; a thread that is cancelled in a blocked call unwinds through it.
   3. Where POSIX leaves a choice Linux's is taken. docs/posix.md has every rule, and the differences first.
   4. Link this library before the C library, as every linker does with what is named: then also the descriptor calls
      (close, dup, poll, select, epoll_ctl, ...) know what a queue is. */
#ifndef MQXX_MQUEUE_H
#define MQXX_MQUEUE_H

#include <mqueue.h>

#endif
