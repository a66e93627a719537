/* A stranger's program in C. It succeeds where the mq_* calls that it got are those of libmqxx-posix: then its queue is
   a file in MQXX_DIR, and poll() says of the descriptor what the queue is. */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mqxx/mqueue.h>

static const char kName[] = "/mqxx-installed";

static void expect(int holds, const char* what) {
  if (holds) return;
  perror(what);
  mq_unlink(kName);
  exit(1);
}

static int queue_files(void) {
  DIR* directory = opendir(getenv("MQXX_DIR"));
  expect(directory != NULL, "MQXX_DIR");
  int count = 0;
  for (const struct dirent* entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
    if (strncmp(entry->d_name, "mqxx.", 5) == 0) ++count;
  }
  closedir(directory);
  return count;
}

static short polled(mqd_t queue) {
  struct pollfd one = {.fd = queue, .events = POLLIN | POLLOUT};
  expect(poll(&one, 1, 0) >= 0, "poll");
  return one.revents;
}

int main(void) {
  struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 16};
  const mqd_t queue = mq_open(kName, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  expect(queue >= 0, "mq_open");
  expect(queue_files() == 1, "no file of a queue in MQXX_DIR: these calls are the kernel's");

  expect(polled(queue) == POLLOUT, "empty: writable only");
  expect(mq_send(queue, "installed", 9, 3) == 0, "mq_send");
  expect(polled(queue) == POLLIN, "full: readable only");
  char text[16];
  unsigned priority = 0;
  expect(mq_receive(queue, text, sizeof text, &priority) == 9, "mq_receive");
  expect(memcmp(text, "installed", 9) == 0 && priority == 3, "what was sent arrives");

  expect(close(queue) == 0, "close is mq_close");
  expect(mq_unlink(kName) == 0, "mq_unlink");
  expect(queue_files() == 0, "nothing is left behind");
  return 0;
}
