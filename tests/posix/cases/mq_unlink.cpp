// mq_unlink: the name goes at once, the queue with its last descriptor. Names are names.cpp.

#include "strangers.hpp"
#include "trace.hpp"

POSIX_TEST(mq_unlink, 1, "the name is gone at once: open gives ENOENT, a second unlink ENOENT") {
  ::mq_close(open_queue());
  traced("unlink", ::mq_unlink(queue_name()));
  traced_descriptor("open", ::mq_open(queue_name(), O_RDWR));
  traced("unlink", ::mq_unlink(queue_name()));
}

POSIX_TEST(mq_unlink, 2, "a queue that is open lives on without its name, for all who have it open") {
  const mqd_t queue = open_queue();
  const mqd_t other = ::mq_open(queue_name(), O_RDWR | O_NONBLOCK);
  ::mq_send(queue, "before", 6, 1);
  traced("unlink", ::mq_unlink(queue_name()));
  ::mq_send(queue, "after", 5, 2);
  trace_attributes("attributes", other);
  trace_receive(other);
  trace_receive(other);
  trace_receive(other);
}

POSIX_TEST(mq_unlink, 3, "the name can be used again at once, for a queue of another size") {
  const mqd_t old_queue = open_queue(O_RDWR, 4, 16);
  traced("unlink", ::mq_unlink(queue_name()));
  const mqd_t new_queue = open_queue(O_RDWR, 2, 64);
  trace_attributes("old", old_queue);
  trace_attributes("new", new_queue);
  ::mq_send(old_queue, "x", 1, 0);
  traced("depth of the new one", depth(new_queue));
  traced("unlink", ::mq_unlink(queue_name()));
  trace_attributes("new", new_queue);
}

POSIX_TEST(mq_unlink, 4, "it needs no rights on the queue itself: the owner removes one of mode 0") {
  as_ordinary_user([] {
    open_queue(O_RDWR, 4, 16, 0);
    traced("unlink", ::mq_unlink(queue_name()));
    traced_descriptor("open", ::mq_open(queue_name(), O_RDWR));
  });
}

POSIX_TEST(mq_unlink, 5, "another user's queue: EACCES, also if everybody may read and write it, and it stays") {
  if (::geteuid() != 0) return trace("only for root");
  ::umask(0);
  const mqd_t queue = open_queue(O_RDWR, 4, 16, 0666);
  as_ordinary_user([] {
    traced("unlink", ::mq_unlink(queue_name()));
    traced("send", ::mq_send(::mq_open(queue_name(), O_WRONLY), "x", 1, 0));
  });
  traced("depth", depth(queue));
}

POSIX_TEST(mq_unlink, 6, "nobody is woken: a receiver goes on waiting, and gets what is sent later") {
  const mqd_t queue = open_queue();
  const pid_t child = start_child([queue] {
    trace_receive(queue);
    return 0;
  });
  wait_until_sleeping(child);
  traced("unlink", ::mq_unlink(queue_name()));
  wait_until_sleeping(child);
  trace("still waits");
  ::mq_send(queue, "later", 5, 1);
  traced("child", finish(child));
}

POSIX_TEST(mq_unlink, 7, "a success leaves errno alone") {
  open_queue();
  errno = kStale;
  trace_errno("unlink", ::mq_unlink(queue_name()));
}

POSIX_TEST(mq_unlink, 8, "an unlinked queue is inherited, and ends with the last process that has it") {
  const mqd_t queue = open_queue();
  ::mq_unlink(queue_name());
  const pid_t child = start_child([queue] { return ::mq_send(queue, "child", 5, 0) == 0 ? 0 : 1; });
  traced("child", finish(child));
  trace_receive(queue);
}
