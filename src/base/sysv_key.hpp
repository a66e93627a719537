// SysvKey: what stands behind "sysv:", taken apart and checked. Knows nothing of files and queues.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace mqxx {

struct SysvKey {
  enum class Kind : std::uint8_t {
    key,         ///< "0xdeadc0de", "1234"
    fresh,       ///< "private": a new queue without a key each time
    identifier,  ///< "id=5": a queue that exists, by the number that the kernel gave it
    file,        ///< "/path:P": the key that ftok(3) makes of a file and a project
  };
  Kind kind = Kind::key;
  std::uint32_t number = 0;  ///< the key, the identifier, or the project, 1 .. 255
  std::string path;          ///< of the file
};

/// A key is 1 .. 0xffffffff, in decimals or behind 0x; 0 is IPC_PRIVATE and has its word. The project is one character,
/// which stands for its code, as in ftok("/path", 'P'), also where it is a digit; or a number of 2 or 3 digits or
/// behind 0x. Fails with invalid_name.
Result<SysvKey> parse_sysv_key(std::string_view text);

/// The one text of a key: as ipcs(1) writes it, in eight hexadecimal digits.
std::string text_of(const SysvKey& key);

}  // namespace mqxx
