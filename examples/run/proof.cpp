#include "proof.hpp"

#include <cstring>
#include <stdexcept>

#include <fmt/format.h>

namespace run {
namespace {

class Prover {
 public:
  explicit Prover(const Plan& plan)
      : plan_(plan), seen_(plan.messages(), false), copy_(plan.repeat() * plan.text().size(), '\0') {}

  void read(const Log& log, std::size_t consumer) {
    // The number of the last message, plus one, of each producer and level.
    std::vector<std::uint64_t> last(std::size_t{plan_.producers()} * plan_.priorities(), 0);
    log.for_each([&](const Log::Record& record) {
      const Header header = checked_header(record, consumer);
      if (seen_[header.number]) broken("P1", consumer, fmt::format("message {} arrived twice", header.number));
      seen_[header.number] = true;

      const std::size_t stream = std::size_t{header.producer} * plan_.priorities() + plan_.level_of(header.number);
      if (header.number < last[stream]) {
        broken("P3", consumer,
               fmt::format("message {} of producer {} and priority {} arrived after its message {}", header.number,
                           header.producer, header.priority, last[stream] - 1));
      }
      last[stream] = header.number + 1;
      put_together(header.number, record);
    });
  }

  void conclude() const {
    for (std::uint64_t number = 0; number < seen_.size(); ++number) {
      if (!seen_[number]) throw std::runtime_error(fmt::format("P1 is broken: message {} did not arrive", number));
    }
    for (std::uint64_t round = 0; round < plan_.repeat(); ++round) {
      const std::string_view again = std::string_view(copy_).substr(round * plan_.text().size(), plan_.text().size());
      if (again != plan_.text()) {
        throw std::runtime_error(
            fmt::format("P4 is broken: the file differs from itself after repetition {}", round + 1));
      }
    }
  }

 private:
  [[noreturn]] static void broken(const char* claim, std::size_t consumer, const std::string& fact) {
    throw std::runtime_error(fmt::format("{} is broken at consumer {}: {}", claim, consumer, fact));
  }

  /// P2, and everything that later steps index by.
  [[nodiscard]] Header checked_header(const Log::Record& record, std::size_t consumer) const {
    Header header{};
    if (record.size < sizeof header) broken("P2", consumer, fmt::format("a message has {} bytes", record.size));
    std::memcpy(&header, record.message, sizeof header);
    if (header.number >= plan_.messages()) {
      broken("P2", consumer, fmt::format("there is no message {}", header.number));
    }
    const std::size_t size = sizeof header + plan_.piece(header.number).size();
    if (record.size != size) {
      broken("P2", consumer, fmt::format("message {} has {} bytes, not {}", header.number, record.size, size));
    }
    const std::uint32_t priority = plan_.priority_of(header.number);
    if (record.priority != priority || header.priority != priority) {
      broken("P2", consumer,
             fmt::format("message {} came with priority {}, not {}", header.number, record.priority, priority));
    }
    if (header.producer != plan_.producer_of(header.number)) {
      broken("P2", consumer, fmt::format("message {} came from producer {}", header.number, header.producer));
    }
    return header;
  }

  void put_together(std::uint64_t number, const Log::Record& record) {
    const std::string_view piece = plan_.piece(number);
    const auto offset = static_cast<std::size_t>(piece.data() - plan_.text().data());
    const std::size_t begin = number / plan_.pieces() * plan_.text().size() + offset;
    std::memcpy(copy_.data() + begin, record.message + sizeof(Header), piece.size());
  }

  const Plan& plan_;
  std::vector<bool> seen_;
  std::string copy_;
};

}  // namespace

void prove(const Plan& plan, const std::vector<Log>& logs) {
  Prover prover(plan);
  for (std::size_t consumer = 0; consumer < logs.size(); ++consumer) prover.read(logs[consumer], consumer);
  prover.conclude();
}

}  // namespace run
