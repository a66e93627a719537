// notify_thread: the example of mq_notify(3), written anew. A thread is started for the message, with the attributes
// that were asked for, reads the message, and ends the program.
#define _GNU_SOURCE
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kStackBytes = 256 * 1024 };

static void die(const char* what) {
  perror(what);
  exit(EXIT_FAILURE);
}

static pid_t sender;

static void show_stack(void) {
  pthread_attr_t attributes;
  size_t bytes = 0;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) die("pthread_getattr_np");
  pthread_attr_getstacksize(&attributes, &bytes);
  pthread_attr_destroy(&attributes);
  printf("a thread with a stack of %zu bytes\n", bytes);
}

static void on_message(union sigval value) {
  const mqd_t queue = *(const mqd_t*)value.sival_ptr;
  show_stack();
  struct mq_attr attributes;
  if (mq_getattr(queue, &attributes) != 0) die("mq_getattr");
  char* buffer = malloc((size_t)attributes.mq_msgsize);
  if (buffer == NULL) die("malloc");
  unsigned priority = 0;
  const ssize_t size = mq_receive(queue, buffer, (size_t)attributes.mq_msgsize, &priority);
  if (size < 0) die("mq_receive");
  printf("read %zd bytes of priority %u: %.*s\n", size, priority, (int)size, buffer);
  free(buffer);
  if (waitpid(sender, NULL, 0) != sender) die("waitpid");
  exit(EXIT_SUCCESS);
}

int main(void) {
  static mqd_t queue;
  char name[40];
  snprintf(name, sizeof name, "/mqxx-thread-%d", (int)getpid());
  queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
  if (queue == (mqd_t)-1) die("mq_open");
  if (mq_unlink(name) != 0) die("mq_unlink");

  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD};
  event.sigev_notify_function = on_message;
  event.sigev_notify_attributes = &attributes;
  event.sigev_value.sival_ptr = &queue;
  if (mq_notify(queue, &event) != 0) die("mq_notify");
  pthread_attr_destroy(&attributes);

  fflush(stdout);
  sender = fork();
  if (sender < 0) die("fork");
  if (sender == 0) _exit(mq_send(queue, "hello", 5, 7) != 0);
  for (;;) pause();  // the thread ends the program
}
