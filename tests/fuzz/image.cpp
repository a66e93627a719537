#include "fuzz/image.hpp"

#include <array>
#include <atomic>
#include <memory>

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shm/queue.hpp"
#include "shm/segment.hpp"
#include "support/private_directory.hpp"

namespace mqxx::fuzz {
namespace {

// Writable for others, so that nobody raises a signal on the word of its bytes: the fuzzer would end other programs.
constexpr std::uint32_t kMode = 0666;

/// Leaves the queue as its kind says. What it has on loan stays on loan as long as `loans` lives.
struct Loans {
  std::vector<SendLoan> sent;
  std::vector<ReceiveLoan> received;
};

void fill(Queue& queue, State state, Loans& loans) {
  const std::size_t size = queue.attributes().message_size;
  const std::size_t capacity = queue.attributes().capacity;
  const std::string text(size, 'm');
  const auto message = [&](std::size_t number) { return std::string_view(text).substr(0, 1 + number * 7 % size); };
  for (std::size_t i = 0; i < capacity - capacity / 4; ++i) {
    const bool one = state == State::run || state == State::watched;
    (void)queue.try_send(message(i), one ? 3 : static_cast<Priority>(i % 3 * 600));
  }
  if (capacity > 2) (void)queue.try_receive();
  if (state == State::on_loan) {
    loans.received.push_back(queue.try_receive_loan());
    loans.sent.push_back(queue.try_loan(1));
  }
  if (state == State::full) {
    while (queue.try_send(text, kMaxPriority)) {
    }
  }
  if (state == State::run || state == State::on_loan) (void)queue.try_send(message(5), 3);
}

}  // namespace

Image& Image::fresh(std::size_t kind) {
  static const test::PrivateDirectory directory;
  static std::unique_ptr<Image> image;
  static std::size_t image_kind = 0;
  if (image == nullptr || image_kind != kind || !image->still_named()) {
    image.reset();
    image.reset(new Image(kKinds[kind]));
    image_kind = kind;
  }
  image->restore();
  return *image;
}

Image::Image(const Kind& kind) : geometry_(*shm::make_geometry(kind.capacity, kind.message_size)) {
  std::error_code ignored;
  Queue::unlink(kName, ignored);
  ::umask(0);
  Queue queue = Queue::create(kName, {.capacity = kind.capacity, .message_size = kind.message_size, .mode = kMode});
  Loans loans;
  fill(queue, kind.state, loans);
  auto inside = std::move(*shm::Queue::join(std::move(*shm::attach(kName))));
  if (kind.state == State::watched) {
    require(static_cast<bool>(inside->begin_poll(shm::Edges::yes)), "a healthy queue can be polled");
    require(static_cast<bool>(inside->register_notice({shm::Notice::thread, 0, 0})), "and waited for");
  }
  fd_ = ::open(shm::file_of(kName).c_str(), O_RDWR | O_CLOEXEC);
  require(fd_ >= 0, "the queue's file can be opened");
  void* const memory = ::mmap(nullptr, geometry_.file_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  require(memory != MAP_FAILED, "the queue's file can be mapped");
  memory_ = static_cast<std::byte*>(memory);
  read_parts();  // while all that is on loan still is, as if its owners had died after this moment
}

Image::~Image() {
  ::munmap(memory_, geometry_.file_bytes);
  ::close(fd_);
}

bool Image::still_named() const {
  struct stat named {};
  struct stat ours {};
  return ::stat(shm::file_of(kName).c_str(), &named) == 0 && ::fstat(fd_, &ours) == 0 && named.st_ino == ours.st_ino;
}

void Image::read_parts() {
  off_t hole = 0;
  for (;;) {
    const off_t data = ::lseek(fd_, hole, SEEK_DATA);
    if (data < 0) return;  // only a hole is left
    hole = ::lseek(fd_, data, SEEK_HOLE);
    const auto* from = reinterpret_cast<const char*>(memory_ + data);
    parts_.push_back({static_cast<std::uint64_t>(data), std::string(from, from + (hole - data))});
  }
}

void Image::restore() {
  // Never shorter on the way: a helper thread of mq_notify may still look into it.
  const auto size = static_cast<off_t>(geometry_.file_bytes);
  require(::ftruncate(fd_, size) == 0, "the file has its size again");
  require(::fallocate(fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, size) == 0, "the file is a hole again");
  for (const Part& part : parts_) {
    const auto written = ::pwrite(fd_, part.bytes.data(), part.bytes.size(), static_cast<off_t>(part.offset));
    require(written == static_cast<ssize_t>(part.bytes.size()), "the file has its bytes again");
  }
}

void Image::claim_geometry(std::uint32_t capacity, std::uint32_t message_size) {
  const Result<shm::Geometry> claimed = shm::make_geometry(capacity, message_size);
  if (!claimed) return;
  poke({offsetof(shm::Identity, capacity), 4, capacity});
  poke({offsetof(shm::Identity, message_size), 4, message_size});
  poke({offsetof(shm::Identity, file_bytes), 8, claimed->file_bytes});
  require(::ftruncate(fd_, static_cast<off_t>(claimed->file_bytes)) == 0, "the file has another size");
}

// ---- Patches

std::uint64_t Image::next_offset(Bytes& input, std::uint32_t width) const {
  const shm::Geometry& g = geometry_;
  const auto within = [&](std::uint64_t begin, std::uint32_t bytes) {
    return begin + std::uint64_t{input.below(bytes / width)} * width;
  };
  switch (input.below(8)) {
    case 0: return within(0, sizeof(shm::Identity));
    case 1: return within(offsetof(shm::Header, sender), sizeof(shm::SenderSide));
    case 2: return within(offsetof(shm::Header, receiver), sizeof(shm::ReceiverSide));
    case 3: return within(offsetof(shm::Header, common), sizeof(shm::Common) + sizeof(shm::Watch));
    case 4: return within(g.arrived, static_cast<std::uint32_t>(g.next - g.arrived));
    case 5: return within(g.next, static_cast<std::uint32_t>(shm::round_up(g.capacity * sizeof(std::uint32_t), 8)));
    case 6:
      if (input.byte() % 2 == 0) return within(g.users, 4 * sizeof(shm::User));
      return within(g.index + input.below(3) * std::uint64_t{sizeof(shm::IndexPage)}, 256);
    default: return within(g.slots + input.below(g.capacity) * g.stride, sizeof(shm::SlotHeader) + 8);
  }
}

std::uint64_t Image::at(std::uint64_t offset, std::uint32_t width) const {
  std::uint64_t value = 0;
  for (std::uint32_t i = width; i-- > 0;) value = value << 8 | static_cast<std::uint64_t>(memory_[offset + i]);
  return value;
}

std::uint64_t Image::next_value(Bytes& input, std::uint64_t before) const {
  const auto a_little = [&] { return static_cast<std::uint64_t>(static_cast<std::int64_t>(input.byte()) - 128); };
  switch (input.below(9)) {
    case 0: return input.number(8);
    case 1: return input.byte();
    case 2: return ~std::uint64_t{input.byte()};
    case 3: return geometry_.capacity + a_little();
    case 4: return geometry_.message_size + a_little();
    case 5: return before + a_little();
    case 6: return before ^ (std::uint64_t{1} << input.byte() % 64);
    case 7: return std::uint64_t{1} << input.byte() % 64;
    default:  // an entry of a ring, with the lap of its first round or the second
      return shm::RingEntry::make(static_cast<std::uint16_t>(1 + input.byte() % 2), input.below(4) * 400,
                                  input.below(geometry_.capacity + 1))
          .bits;
  }
}

Poke Image::next_poke(Bytes& input) const {
  Poke poke;
  poke.width = 1U << input.below(4);
  poke.offset = next_offset(input, poke.width);
  poke.value = next_value(input, at(poke.offset, poke.width));
  return poke;
}

Poke Image::as_it_is(const Poke& poke) const { return {poke.offset, poke.width, at(poke.offset, poke.width)}; }

namespace {

// A lock in the name of a thread is waited for, 200 ms if it is a stranger's and for ever if it is that of a user, who
// might have it: that is tested elsewhere. Here it has no owner, or a dead one, whatever is written.
bool poke_lock(std::byte* memory, std::uint64_t offset, const Poke& poke) {
  if (poke.offset + poke.width <= offset || poke.offset >= offset + sizeof(std::uint32_t)) return false;
  const auto marks = static_cast<std::uint32_t>(poke.value) & (FUTEX_OWNER_DIED | FUTEX_WAITERS);
  reinterpret_cast<std::atomic<std::uint32_t>*>(memory + offset)->store(marks, std::memory_order_relaxed);
  return true;
}

template <class Word>
void store(std::byte* at, std::uint64_t value) {
  reinterpret_cast<std::atomic<Word>*>(at)->store(static_cast<Word>(value), std::memory_order_relaxed);
}

}  // namespace

void Image::poke(const Poke& poke) const {
  if (poke_lock(memory_, offsetof(shm::Header, sender), poke)) return;
  if (poke_lock(memory_, offsetof(shm::Header, receiver), poke)) return;
  std::byte* const to = memory_ + poke.offset;
  switch (poke.width) {
    case 1: return store<std::uint8_t>(to, poke.value);
    case 2: return store<std::uint16_t>(to, poke.value);
    case 4: return store<std::uint32_t>(to, poke.value);
    default: return store<std::uint64_t>(to, poke.value);
  }
}

}  // namespace mqxx::fuzz
