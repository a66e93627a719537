// What guard.cpp needs of its port. All of it is called from the signal's handler, but for prepare_zeros().
#pragma once

#include <cstddef>

namespace mqxx::os {

/// Called before each guard. false: out of something.
bool prepare_zeros() noexcept;
std::size_t page_bytes() noexcept;
/// Puts zeros that belong to this process alone in place of a page.
bool put_zeros(void* page, std::size_t size) noexcept;
/// The system's own action for a signal again, past whoever stands in front of sigaction(2).
void restore_default(int signal) noexcept;

}  // namespace mqxx::os
