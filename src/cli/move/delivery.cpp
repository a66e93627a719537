#include "cli/move/delivery.hpp"

#include <algorithm>
#include <climits>

#include <fmt/format.h>

#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/status.hpp"

namespace mqxx::cli {
namespace {

constexpr std::size_t kLarge = std::size_t{64} << 10U;  // bytes from which on a copy costs more than a write of its own

/// Half of a small queue, so that its senders need not wait for the write.
std::size_t batch_of(const Queue& queue, std::size_t most) {
  if (!lends_slots(queue.name())) return 1;
  return std::clamp<std::size_t>(queue.attributes().capacity / 2, 1, most);
}

}  // namespace

void Delivery::Held::release(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) loans_[i].release();
  loans_.erase(loans_.begin(), loans_.begin() + static_cast<std::ptrdiff_t>(count));
}

void Delivery::Held::put_back() noexcept {
  for (ReceiveLoan& loan : loans_) loan.put_back();
  loans_.clear();
}

Delivery::Delivery(Queue& queue, Format format, bool print_priorities)
    : queue_(queue), format_(format), print_priorities_(print_priorities), batch_(batch_of(queue, Held::kMost)) {
  if (print_priorities_) batch_ = 1;
}

std::size_t Delivery::deliver(const Wait& wait, std::uint64_t most) {
  static constexpr Wait kNone = Wait::none();
  const std::size_t wanted = std::min<std::uint64_t>(batch_, most);
  std::size_t count = 0;
  text_.clear();
  ends_.clear();
  try {
    // A large message is not in the text, and so the last.
    while (count < wanted && text_.size() < PIPE_BUF && ends_.size() == count && take(count == 0 ? wait : kNone))
      ++count;
    if (count > 0) write_held();
  } catch (...) {
    held_.put_back();
    throw;
  }
  return count;
}

bool Delivery::take(const Wait& wait) {
  ReceiveLoan loan = queue_.receive_loan(wait);
  if (!loan) return false;
  const std::span<const std::byte> bytes = loan.bytes();
  const Priority priority = loan.priority();
  held_.add(std::move(loan));
  if (format_ != Format::json && bytes.size() >= kLarge) return true;
  encode(format_, bytes, priority, text_);
  ends_.push_back(text_.size());
  return true;
}

/// The text in one write, or in two where its last message made it too much for one.
void Delivery::write_held() {
  require_intact();
  const Priority priority = held_.last().priority();
  const std::size_t small = ends_.size();
  const std::size_t together = text_.size() > PIPE_BUF && small > 1 ? small - 1 : small;
  write_text(0, together);
  write_text(together, small);
  if (held_.size() > 0) write_large();
  if (print_priorities_) write_error(fmt::format("priority={}\n", priority));
}

/// Writes the messages first .. last - 1; those that were written whole are gone, even if the next could not be.
void Delivery::write_text(std::size_t first, std::size_t last) {
  if (first == last) return;
  const std::size_t begin = first == 0 ? 0 : ends_[first - 1];
  const Written written = try_write_out({std::string_view(text_).substr(begin, ends_[last - 1] - begin)});
  const auto unwritten = std::upper_bound(ends_.begin() + static_cast<std::ptrdiff_t>(first),
                                          ends_.begin() + static_cast<std::ptrdiff_t>(last), begin + written.size);
  held_.release(static_cast<std::size_t>(unwritten - ends_.begin()) - first);
  if (written.error != 0) fail_to_write(written.error);
}

void Delivery::write_large() {
  const std::span<const std::byte> bytes = held_.last().bytes();
  const Surroundings around = surroundings(format_, bytes.size(), held_.last().priority());
  const Written written =
      try_write_out({around.before(), {reinterpret_cast<const char*>(bytes.data()), bytes.size()}, around.trailer});
  if (written.error != 0) fail_to_write(written.error);
  held_.release(1);
}

void Delivery::require_intact() const {
  if (held_.last().intact()) return;
  throw Complaint(Status::damaged,
                  fmt::format("receive '{}': the queue's file was cut short (EBADMSG)", queue_.name()));
}

}  // namespace mqxx::cli
