// Worker: what each process of a storm does until it is killed or the storm is over. What it sees that must not be goes
// into the ledger, which outlives it.
#pragma once

#include <cstdint>

#include "storm/face.hpp"
#include "storm/ledger.hpp"

namespace mqxx::test {

struct Job {
  Face face = Face::cpp;
  std::uint32_t seat = 0;
  std::size_t place = 0;  ///< of a receiver
  std::uint64_t seed = 0;
  Sending* inherited = nullptr;  ///< what the parent of a passer-by had open when it forked, to be used instead
};

/// Sends until the senders are told to stop.
void work_as_sender(const Ledger& ledger, const Job& job);

/// A sender of a fork bomb: opens, or inherits, sends a few messages, and is gone, in half of the cases without closing
/// anything.
void work_as_passer_by(const Ledger& ledger, const Job& job);

/// Receives until the receivers are told to stop, or by an end mark.
void work_as_receiver(const Ledger& ledger, const Job& job);

}  // namespace mqxx::test
