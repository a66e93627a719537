// Lock rules that Clang's thread-safety analysis compiles; nothing to other compilers.
#pragma once

#if defined(__clang__)
#define MQXX_TSA(x) __attribute__((x))
#else
#define MQXX_TSA(x)
#endif

#define MQXX_CAPABILITY(name) MQXX_TSA(capability(name))
#define MQXX_GUARDED_BY(...) MQXX_TSA(guarded_by(__VA_ARGS__))
#define MQXX_REQUIRES(...) MQXX_TSA(requires_capability(__VA_ARGS__))
#define MQXX_ACQUIRE(...) MQXX_TSA(acquire_capability(__VA_ARGS__))
#define MQXX_TRY_ACQUIRE(...) MQXX_TSA(try_acquire_capability(__VA_ARGS__))
#define MQXX_RELEASE(...) MQXX_TSA(release_capability(__VA_ARGS__))
#define MQXX_NO_THREAD_SAFETY_ANALYSIS MQXX_TSA(no_thread_safety_analysis)
