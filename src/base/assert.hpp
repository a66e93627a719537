// MQXX_ASSERT: our own mistakes stop the program in checked builds. What another process wrote is never asserted.
#pragma once

#ifdef MQXX_CHECKED
#include <cstdio>
#include <cstdlib>
#define MQXX_ASSERT(condition) \
  ((condition) ? void()        \
               : (std::fprintf(stderr, "%s:%d: mqxx: broken: %s\n", __FILE__, __LINE__, #condition), std::abort()))
#else
#define MQXX_ASSERT(condition) void(sizeof(!(condition)))
#endif
