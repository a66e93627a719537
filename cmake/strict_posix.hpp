// In front of every file where MQXX_STRICT_POSIX is on: the compiler then sees what POSIX.1-2008 has (with XSI), and no
// extension. libstdc++ itself wants a few, whatever the program asked for; they are declared for it, and are nobody
// else's to use.
#pragma once

#include <pthread.h>
#include <time.h>

extern "C" {
long syscall(long number, ...) noexcept;
int pthread_cond_clockwait(pthread_cond_t* condition, pthread_mutex_t* mutex, clockid_t clock, const timespec* time);
int pthread_mutex_clocklock(pthread_mutex_t* mutex, clockid_t clock, const timespec* time) noexcept;
}
