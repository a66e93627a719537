// Death at a step: with step_hook = die_at_step a process is killed at the step number g_countdown from then on.
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

}  // namespace mqxx::test
