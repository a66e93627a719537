// manners: uses every call, in every manner of waiting, and prints what a library must not change: the actions of all
// signals, the signal mask, the open descriptors, and errno after success. Anything else on its output is not its own.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sem_t notified;

static void die(const char* what) {
  perror(what);
  exit(1);
}

#define WELL(call)                                     \
  do {                                                 \
    errno = ERANGE;                                    \
    if ((call) < 0) die(#call);                        \
    if (errno != ERANGE) printf("errno: " #call "\n"); \
  } while (0)

static int open_descriptors(void) {
  DIR* stream = opendir("/proc/self/fd");
  if (stream == NULL) die("/proc/self/fd");
  int count = 0;
  while (readdir(stream) != NULL) ++count;
  closedir(stream);
  return count;
}

// Where the programs and libraries lie differs from run to run, so addresses are compared and not shown.
static void read_actions(struct sigaction* actions) {
  for (int number = 1; number < NSIG; ++number) {
    if (sigaction(number, NULL, &actions[number]) != 0) memset(&actions[number], 0, sizeof actions[number]);
  }
}

static void show_state(const char* when) {
  static struct sigaction first[NSIG];
  static int known = 0;
  struct sigaction now[NSIG];
  read_actions(now);
  if (!known) memcpy(first, now, sizeof first);
  known = 1;
  printf("%s:", when);
  for (int number = 1; number < NSIG; ++number) {
    const int same =
        now[number].sa_handler == first[number].sa_handler && now[number].sa_flags == first[number].sa_flags;
    if (now[number].sa_handler != SIG_DFL)
      printf(" %d:%s", number, now[number].sa_handler == SIG_IGN ? "ignored" : "set");
    if (!same) printf(" %d:CHANGED", number);
  }
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, NULL, &mask);
  for (int number = 1; number < NSIG; ++number) {
    if (sigismember(&mask, number) == 1) printf(" %d:blocked", number);
  }
  putchar('\n');
  fflush(stdout);
}

static void on_signal(int number) { (void)number; }

static void on_notification(union sigval value) {
  (void)value;
  sem_post(&notified);
}

static struct timespec soon(void) {
  struct timespec when;
  clock_gettime(CLOCK_REALTIME, &when);
  when.tv_nsec += 20 * 1000 * 1000;
  if (when.tv_nsec >= 1000000000) {
    when.tv_nsec -= 1000000000;
    ++when.tv_sec;
  }
  return when;
}

static void send_and_receive(mqd_t queue) {
  char buffer[16];
  struct timespec when = soon();
  WELL(mq_send(queue, "one", 3, 0));
  WELL(mq_timedsend(queue, "two", 3, 1, &when));
  WELL(mq_receive(queue, buffer, sizeof buffer, NULL));
  WELL(mq_timedreceive(queue, buffer, sizeof buffer, NULL, &when));
  when = soon();
  if (mq_timedreceive(queue, buffer, sizeof buffer, NULL, &when) != -1 || errno != ETIMEDOUT) die("timeout");
}

static void wait_for_child(mqd_t queue) {
  char buffer[16];
  fflush(stdout);
  const pid_t child = fork();
  if (child < 0) die("fork");
  if (child == 0) {
    usleep(50 * 1000);  // so that the parent probably sleeps; nothing depends on it
    _exit(mq_send(queue, "child", 5, 0) != 0);
  }
  WELL(mq_receive(queue, buffer, sizeof buffer, NULL));
  int status = 0;
  if (waitpid(child, &status, 0) != child || status != 0) die("child");
}

static void poll_for_it(mqd_t queue) {
  char buffer[16];
  struct pollfd polled = {.fd = queue, .events = POLLIN};
  WELL(poll(&polled, 1, 0));
  WELL(mq_send(queue, "poll", 4, 0));
  WELL(poll(&polled, 1, -1));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event event = {.events = EPOLLIN};
  WELL(epoll_ctl(epoll, EPOLL_CTL_ADD, queue, &event));
  WELL(epoll_wait(epoll, &event, 1, -1));
  WELL(mq_receive(queue, buffer, sizeof buffer, NULL));
  WELL(close(epoll));
}

static void be_notified(mqd_t queue, struct sigevent* event) {
  char buffer[16];
  WELL(mq_notify(queue, event));
  WELL(mq_send(queue, "notify", 6, 0));
  if (event->sigev_notify == SIGEV_THREAD && sem_wait(&notified) != 0) die("sem_wait");
  WELL(mq_receive(queue, buffer, sizeof buffer, NULL));
  WELL(mq_notify(queue, event));
  WELL(mq_notify(queue, NULL));
}

int main(void) {
  char name[40];
  snprintf(name, sizeof name, "/mqxx-manners-%d", (int)getpid());
  sem_init(&notified, 0, 0);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  sigset_t some;
  sigemptyset(&some);
  sigaddset(&some, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &some, NULL);
  show_state("at first");
  const int descriptors = open_descriptors();

  struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 16};
  mqd_t queue = -1;
  WELL(queue = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes));
  WELL(mq_getattr(queue, &attributes));
  WELL(mq_setattr(queue, &attributes, NULL));
  send_and_receive(queue);
  show_state("messages");
  wait_for_child(queue);
  poll_for_it(queue);
  show_state("waiting");
  WELL(mq_unlink(name));
  WELL(mq_close(queue));
  show_state("closed");
  printf("%d descriptors more than at first\n", open_descriptors() - descriptors);

  mqd_t watched = -1;
  WELL(watched = mq_open(name, O_CREAT | O_EXCL | O_RDWR, 0600, &attributes));
  WELL(mq_unlink(name));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  be_notified(watched, &event);
  event.sigev_notify = SIGEV_NONE;
  be_notified(watched, &event);
  show_state("told by signal");
  event.sigev_notify = SIGEV_THREAD;
  event.sigev_notify_function = on_notification;
  event.sigev_notify_attributes = NULL;
  be_notified(watched, &event);
  WELL(mq_close(watched));
  if (mq_close(watched) != -1) puts("closed twice");
  struct sigaction after[NSIG];
  read_actions(after);
  puts(after[SIGUSR1].sa_handler == on_signal ? "told by thread: our handler stands"
                                              : "told by thread: our handler is gone");
  return 0;
}
