// Allocations: memory that ends after so many allocations of this thread.
#pragma once

namespace mqxx::test {

/// While it lives, `count` allocations by operator new succeed, and those after them fail.
class Allocations {
 public:
  explicit Allocations(long count);
  Allocations(const Allocations&) = delete;
  Allocations& operator=(const Allocations&) = delete;
  ~Allocations();

  /// Whether one was refused.
  [[nodiscard]] bool failed() const;
};

}  // namespace mqxx::test
