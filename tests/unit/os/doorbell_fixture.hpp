// Doorbell: one in a directory of its own, and what poll says of it.
#pragma once

#include <array>
#include <string>
#include <utility>

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include "os/doorbell.hpp"
#include "support/private_directory.hpp"
#include "support/watchdog.hpp"

namespace mqxx::os {

inline constexpr std::array kStates{Bell::empty, Bell::some, Bell::full};

inline int events_of(Bell state) {
  switch (state) {
    case Bell::empty: return POLLOUT;
    case Bell::some: return POLLIN | POLLOUT;
    case Bell::full: return POLLIN;
  }
  return 0;
}

/// All that poll() says of it now, asked for or not.
inline int events(int bell) {
  pollfd state{bell, POLLIN | POLLOUT, 0};
  ::poll(&state, 1, 0);
  return state.revents;
}

class Doorbell : public testing::Test {
 protected:
  Doorbell() { EXPECT_TRUE(make_doorbell(path_)); }

  [[nodiscard]] UniqueFd opened() const { return std::move(*open_doorbell(path_, Blocking::no, geteuid())); }

  test::Watchdog watchdog_{std::chrono::seconds(30)};
  test::PrivateDirectory directory_;
  std::string path_ = directory_.path() / "bell";
};

}  // namespace mqxx::os
