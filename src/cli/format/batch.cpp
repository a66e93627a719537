#include "cli/format/batch.hpp"

#include <fmt/format.h>

namespace mqxx::cli {

std::string BatchReader::numbered_record() const {
  return fmt::format("record {} at byte {}", records_ + 1, input_.taken() + taken_);
}

}  // namespace mqxx::cli
