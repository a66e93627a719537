// A file that is not what it says: any bytes under a queue's name, and then programs that open it and use it.
//
// Input: the kind of queue that it once was, patches up to one that is none, then calls.
#include "fuzz/image.hpp"
#include "fuzz/operations.hpp"

namespace mqxx::fuzz {
namespace {

constexpr int kMostPatches = 64;
constexpr int kMostCalls = 48;

void spoil(Image& image, Bytes& input) {
  constexpr std::uint32_t kCapacities[] = {1, 3, 16, 17, 64};
  constexpr std::uint32_t kSizes[] = {1, 100, 4064, 4065, 8192};
  for (int i = 0; i < kMostPatches && !input.empty(); ++i) {
    const std::uint8_t what = input.byte();
    if (what == 0) return;
    if (what == 'g') {
      const std::uint32_t capacity = kCapacities[input.below(5)];
      image.claim_geometry(capacity, kSizes[input.below(5)]);
      return;  // the rest of the file may be shorter now than its mapping
    }
    image.poke(image.next_poke(input));
  }
}

}  // namespace
}  // namespace mqxx::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mqxx::fuzz;
  Bytes input(data, size);
  Image& image = Image::fresh(input.below(std::size(kKinds)));
  spoil(image, input);
  Operations operations;
  operations.all();
  for (int i = 0; i < kMostCalls && !input.empty(); ++i) operations.next(input);
  return 0;
}
