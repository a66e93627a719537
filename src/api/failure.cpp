#include "api/failure.hpp"

#include <optional>
#include <utility>

#include "backend/kernel_limits.hpp"
#include "backend/sysv_limits.hpp"
#include "base/address.hpp"
#include "base/error.hpp"
#include "shm/layout.hpp"
#include "shm/segment.hpp"

namespace mqxx {

Error::Error(std::error_code code, std::string sentence, std::string queue)
    : std::system_error(code), sentence_(std::move(sentence)), queue_(std::move(queue)) {}

namespace api {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

// Two causes look alike to the system; the directory tells them apart.
std::string missing() {
  const std::string directory = shm::directory();
  if (os::directory_exists(directory)) return "there is no such queue in '" + directory + "'";
  return "the queue directory '" + directory + "' does not exist; create it, or set MQXX_DIR";
}

std::string mismatch(int format, std::string_view name) {
  const std::string way_out = "; use the same build, or remove it with 'mq remove " + std::string(name) + "'";
  if (format != 0) {
    return "layout is format " + number(static_cast<std::uint32_t>(format)) + ", this build reads format " +
           number(shm::kFormat) + way_out;
  }
  return "made by a build for another C library or word size" + way_out;
}

std::string fact(Failure failure, std::string_view name, const Facts& f) {
  const std::string quoted(name);
  if (!f.words.empty()) return std::string(f.words);
  if (name.starts_with(kKernelPrefix)) {
    std::optional<std::string> words = backend::kernel_words(failure, f.capacity, f.message_size);
    if (words) return std::move(*words);
  }
  if (name.starts_with(kSysvPrefix)) {
    std::optional<std::string> words = backend::sysv_words(failure, name, f.capacity, f.message_size);
    if (words) return std::move(*words);
  }
  switch (failure.code) {
    case Errc::message_too_big:
      return "message is " + number(f.size) + " bytes, the queue takes at most " + number(f.limit);
    case Errc::buffer_too_small:
      return "buffer is " + number(f.size) + " bytes, the queue's messages have up to " + number(f.limit) +
             "; the message stays queued";
    case Errc::invalid_priority:
      return "priority is " + number(f.priority) + ", the highest is " + number(kMaxPriority);
    case Errc::invalid_capacity:
      return "capacity is " + number(f.capacity) + ", it must be 1 to " + number(kMaxCapacity) + " messages";
    case Errc::invalid_message_size:
      return "message size is " + number(f.message_size) + ", it must be 1 to " + number(kMaxMessageSize) + " bytes";
    case Errc::queue_too_large:
      return "capacity " + number(f.capacity) + " times message size " + number(f.message_size) +
             " needs more than the " + number(shm::kMaxFileBytes) + " bytes that one queue may span";
    case Errc::type_mismatch: return "its messages have " + number(f.limit) + " bytes, the type has " + number(f.size);
    case Errc::not_found: return missing();
    case Errc::permission_denied: return "permission denied for '" + shm::file_of(quoted) + "'";
    case Errc::no_space: return "no space left in '" + shm::directory() + "'; nothing was changed";
    case Errc::layout_mismatch: return mismatch(failure.detail, name);
    case Errc::not_a_queue:
      return "not a queue of mqxx: '" + shm::file_of(quoted) + "'; remove the file if nobody needs it";
    case Errc::queue_damaged: return "the queue holds bytes that no mqxx wrote; look with 'mq check " + quoted + "'";
    case Errc::system_error:
      return std::generic_category().message(failure.detail) + ": '" + shm::file_of(quoted) + "'";
    default: return std::string(error_row(failure.code).sentence);
  }
}

std::string symbol(Failure failure) {
  if (failure.code != Errc::system_error) return std::string(error_row(failure.code).symbol);
  return std::string(errno_symbol(failure.detail));
}

/// Why an address is none: by its home, or that there is no such home.
std::string address_words(Failure failure, std::string_view text) {
  if (text.starts_with(kSysvPrefix)) return backend::sysv_grammar();
  const std::size_t colon = text.find(':');
  const bool schemed = colon != text.npos && colon != 0 && text.find('/') > colon && text.find('/') != text.npos;
  if (schemed && !text.starts_with(kKernelPrefix)) {
    return "there is no home '" + std::string(text.substr(0, colon)) +
           ":'; a queue is '/orders', 'kernel:/orders' or 'sysv:0x4d2'";
  }
  return std::string(error_row(failure.code).sentence);
}

// A name may hold any byte: what would break the line or the terminal is shown in octal, as C writes it.
std::string printable(std::string_view name) {
  std::string text;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f) {
      text += c;
    } else {
      text += '\\';
      for (const unsigned shift : {6U, 3U, 0U}) text += static_cast<char>('0' + (byte >> shift & 7U));
    }
  }
  return text;
}

}  // namespace

std::string sentence(Failure failure, std::string_view operation, std::string_view name, const Facts& facts) {
  const bool no_address = failure.code == Errc::invalid_name || failure.code == Errc::name_too_long;
  const std::string words = no_address ? address_words(failure, name) : fact(failure, name.empty() ? "/" : name, facts);
  return std::string(operation) + " '" + printable(name) + "': " + printable(words) + " (" + symbol(failure) + ")";
}

void throw_failure(Failure failure, std::string_view operation, std::string_view name, const Facts& facts) {
  throw Error(code_of(failure), sentence(failure, operation, name, facts), std::string(name));
}

}  // namespace api
}  // namespace mqxx
