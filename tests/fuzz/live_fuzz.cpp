// Bytes that change under a queue that is open: calls and patches in any order, in one thread, so that what was found
// is found again.
#include "fuzz/image.hpp"
#include "fuzz/operations.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mqxx::fuzz;
  constexpr int kMostActs = 96;
  Bytes input(data, size);
  const Image& image = Image::fresh(input.below(std::size(kKinds)));
  Operations operations;
  operations.all();
  for (int i = 0; i < kMostActs && !input.empty(); ++i) {
    if (input.byte() % 2 == 0) {
      image.poke(image.next_poke(input));
    } else {
      operations.next(input);
    }
  }
  operations.all();
  return 0;
}
