// Bytes that change at the same time: another thread makes the input's patches over and over, through a mapping of its
// own, while this one makes the input's calls. So a value may change between the look at it and its use.
#include <atomic>
#include <thread>
#include <vector>

#include "fuzz/image.hpp"
#include "fuzz/operations.hpp"

namespace mqxx::fuzz {
namespace {

constexpr std::size_t kMostPatches = 16;
constexpr int kMostCalls = 32;

class Scribbler {
 public:
  Scribbler(const Image& image, std::vector<Poke> pokes)
      : thread_([this, &image, pokes = std::move(pokes)] {
          while (!done_.load(std::memory_order_relaxed)) {
            for (const Poke& poke : pokes) image.poke(poke);
          }
        }) {}
  Scribbler(const Scribbler&) = delete;
  Scribbler& operator=(const Scribbler&) = delete;
  ~Scribbler() {
    done_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

 private:
  std::atomic<bool> done_{false};
  std::thread thread_;
};

}  // namespace
}  // namespace mqxx::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mqxx::fuzz;
  Bytes input(data, size);
  const Image& image = Image::fresh(input.below(std::size(kKinds)));
  Operations operations;
  operations.all();
  std::vector<Poke> pokes;
  // There and back again: what was checked is right, and what is used is wrong.
  for (std::size_t count = 1 + input.below(kMostPatches); count > 0; --count) {
    const Poke poke = image.next_poke(input);
    const Poke undone = image.as_it_is(poke);
    pokes.push_back(poke);
    if (input.byte() % 2 == 0) pokes.push_back(undone);
  }
  const Scribbler scribbler(image, std::move(pokes));
  for (int i = 0; i < kMostCalls && !input.empty(); ++i) operations.next(input);
  return 0;
}
