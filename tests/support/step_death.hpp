// Death at a step: with step_hook = die_at_step a process is killed at the step number g_countdown from then on. And a
// stop: with step_hook = stop_at_step it stops itself at the first g_stop_at.
#pragma once

#include <csignal>

#include <unistd.h>

#include "base/step.hpp"

namespace mqxx::test {

inline int g_countdown = 0;
inline void die_at_step(Step /*step*/) {
  if (g_countdown-- > 0) return;
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

inline Step g_stop_at{};
inline void stop_at_step(Step step) {
  if (step != g_stop_at) return;
  step_hook = nullptr;
  ::kill(::getpid(), SIGSTOP);
}

}  // namespace mqxx::test
