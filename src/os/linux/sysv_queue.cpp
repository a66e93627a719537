#include "os/sysv_queue.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"

namespace mqxx::os {
namespace {

constexpr std::uint32_t kPermissionBits = 0777;
constexpr std::size_t kLongest = 0x7fffffff;  // kernel.msgmax and kernel.msgmnb are ints

// The C library's functions are cancellation points. Of the two that are not, msgctl is left to it: it knows how this
// machine passes a msqid_ds.
long call_send(int queue, std::byte* message, std::size_t size, int flags) noexcept {
  return syscall(SYS_msgsnd, queue, message, size, flags);
}
long call_receive(int queue, std::byte* message, std::size_t size, long type, int flags) noexcept {
  return syscall(SYS_msgrcv, queue, message, size, type, flags);
}

/// Room for a text and the type in front of it: what this thread kept from its last large message, if that is enough.
/// While somebody has it nobody else does, a signal handler included.
class LargeRoom {
 public:
  explicit LargeRoom(std::size_t text_size) noexcept : room_(std::exchange(t_kept, {})) {
    if (room_.size >= text_size) return;
    room_.memory.reset(new (std::nothrow) std::byte[kSysvTypeBytes + text_size]);
    room_.size = room_.memory == nullptr ? 0 : text_size;
  }
  LargeRoom(const LargeRoom&) = delete;
  LargeRoom& operator=(const LargeRoom&) = delete;
  ~LargeRoom() {
    if (room_.size <= kMostKept) t_kept = std::move(room_);
  }

  /// Null without memory.
  [[nodiscard]] std::byte* text() const noexcept {
    return room_.memory == nullptr ? nullptr : room_.memory.get() + kSysvTypeBytes;
  }

 private:
  static constexpr std::size_t kMostKept = std::size_t{1} << 20;  // a thread may be one of many

  struct Room {
    std::unique_ptr<std::byte[]> memory;
    std::size_t size = 0;
  };
  static thread_local Room t_kept;
  Room room_;
};
thread_local LargeRoom::Room LargeRoom::t_kept;

/// `work` gets a place for a text of that size, with room for the type in front of it.
template <class Work>
Result<void> with_room(std::size_t text_size, Work work) noexcept {
  if (text_size <= kSysvSmallText) {
    alignas(long) std::array<std::byte, kSysvTypeBytes + kSysvSmallText> room;  // not filled: that would be a copy more
    return work(room.data() + kSysvTypeBytes);
  }
  const LargeRoom room(text_size);
  if (room.text() == nullptr) return Failure{Errc::no_memory, ENOMEM};
  return work(room.text());
}

int flags_of(const SysvReceiving& how) noexcept {
  return (how.wait ? 0 : IPC_NOWAIT) | (how.except ? MSG_EXCEPT : 0) | (how.truncate ? MSG_NOERROR : 0);
}

Result<msqid_ds> status_of(int queue) noexcept {
  msqid_ds status{};
  if (msgctl(queue, IPC_STAT, &status) == 0) return status;
  if (errno == EINVAL || errno == EIDRM) return Failure{Errc::queue_removed, errno};
  return failure_from_errno(errno);
}

// EINVAL means one of three things. The kernel looks at the size before it looks for the queue.
Failure send_failure(int queue, long type, int error) noexcept {
  switch (error) {
    case EAGAIN: return {Errc::would_block, error};
    case EINTR: return {Errc::interrupted, error};
    case EIDRM: return {Errc::queue_removed, error};
    case EINVAL: break;
    default: return failure_from_errno(error);
  }
  if (type <= 0) return {Errc::invalid_argument, error};
  if (status_of(queue).is(Errc::queue_removed)) return {Errc::queue_removed, error};
  return {Errc::message_too_big, error};
}

Failure receive_failure(int error) noexcept {
  switch (error) {
    case ENOMSG:
    case EAGAIN: return {Errc::would_block, error};
    case EINTR: return {Errc::interrupted, error};
    case E2BIG: return {Errc::buffer_too_small, error};
    case EINVAL:
    case EIDRM: return {Errc::queue_removed, error};
    default: return failure_from_errno(error);
  }
}

// Queued messages may be longer than a limit that was lowered since; those the system does not show.
Failure peek_failure(int queue, int error) noexcept {
  if (error == ENOSYS) return {Errc::unsupported, error};
  if (error == EINVAL && !status_of(queue).is(Errc::queue_removed)) return {Errc::unsupported, error};
  return receive_failure(error);
}

Failure control_failure(int error) noexcept {
  if (error == EINVAL || error == EIDRM) return {Errc::queue_removed, error};
  return failure_from_errno(error);
}

/// The texts of a buffer that is larger than any message need no room.
std::size_t most_of(std::size_t buffer_size) noexcept { return buffer_size < kLongest ? buffer_size : kLongest; }

template <class Receive>
Result<void> receive_through_room(std::span<std::byte> buffer, SysvReceived& received, Receive receive) noexcept {
  return with_room(most_of(buffer.size()), [&](std::byte* text) {
    const Result<void> done = receive(std::span(text, most_of(buffer.size())));
    if (done && received.size != 0) std::memcpy(buffer.data(), text, received.size);
    return done;
  });
}

Result<void> receive_into(int queue, std::span<std::byte> text, long type, int flags, SysvReceived& received) noexcept {
  std::byte* const message = text.data() - kSysvTypeBytes;
  const long size = call_receive(queue, message, most_of(text.size()), type, flags);
  if (size < 0) return (flags & MSG_COPY) != 0 ? peek_failure(queue, errno) : receive_failure(errno);
  std::memcpy(&received.type, message, sizeof received.type);
  received.size = static_cast<std::size_t>(size);
  return {};
}

SysvFacts facts_of(int queue, const msqid_ds& status) noexcept {
  SysvFacts facts;
  facts.queue = queue;
  facts.key = status.msg_perm.__key;
  facts.uid = status.msg_perm.uid;
  facts.gid = status.msg_perm.gid;
  facts.creator_uid = status.msg_perm.cuid;
  facts.creator_gid = status.msg_perm.cgid;
  facts.mode = status.msg_perm.mode & kPermissionBits;
  facts.messages = status.msg_qnum;
  facts.queued_bytes = status.__msg_cbytes;
  facts.most_bytes = status.msg_qbytes;
  facts.last_sender_pid = status.msg_lspid;
  facts.last_receiver_pid = status.msg_lrpid;
  facts.last_send_s = status.msg_stime;
  facts.last_receive_s = status.msg_rtime;
  facts.changed_s = status.msg_ctime;
  return facts;
}

struct Info {
  msginfo numbers{};
  int highest_index = 0;
};

Result<Info> info(int command) noexcept {
  Info found;
  found.highest_index = msgctl(0, command, reinterpret_cast<msqid_ds*>(&found.numbers));
  if (found.highest_index < 0) return failure_from_errno(errno);
  return found;
}

std::uint64_t unsigned_of(int number) noexcept { return number < 0 ? 0 : static_cast<std::uint64_t>(number); }

}  // namespace

Result<int> open_sysv_queue(const SysvOpening& wanted) noexcept {
  int flags = static_cast<int>(wanted.mode & kPermissionBits);
  if (wanted.create) flags |= IPC_CREAT;
  if (wanted.create && wanted.exclusive) flags |= IPC_EXCL;
  const int queue = msgget(wanted.key, flags);
  if (queue >= 0) return queue;
  if (errno == ENOSPC) return Failure{Errc::too_many_queues, errno};
  return failure_from_errno(errno);
}

Result<void> remove_sysv_queue(int queue) noexcept {
  if (msgctl(queue, IPC_RMID, nullptr) != 0) return control_failure(errno);
  return {};
}

Result<std::int32_t> sysv_key_of(const char* path, int project) noexcept {
  const key_t key = ftok(path, project);
  if (key == -1) return failure_from_errno(errno);
  return key;
}

Result<void> send_sysv_in_place(int queue, std::span<std::byte> text, long type, bool wait) noexcept {
  std::byte* const message = text.data() - kSysvTypeBytes;
  std::memcpy(message, &type, sizeof type);
  if (call_send(queue, message, text.size(), wait ? 0 : IPC_NOWAIT) == 0) return {};
  return send_failure(queue, type, errno);
}

Result<void> send_sysv(int queue, std::span<const std::byte> text, long type, bool wait) noexcept {
  return with_room(text.size(), [&](std::byte* copy) {
    if (!text.empty()) std::memcpy(copy, text.data(), text.size());
    return send_sysv_in_place(queue, {copy, text.size()}, type, wait);
  });
}

Result<void> receive_sysv_in_place(int queue, std::span<std::byte> buffer, const SysvReceiving& how,
                                   SysvReceived& received) noexcept {
  return receive_into(queue, buffer, how.type, flags_of(how), received);
}

// A receive without room finds the message too long, and leaves it.
Result<bool> await_sysv(int queue, long type, SysvReceived& received) noexcept {
  alignas(long) std::array<std::byte, kSysvTypeBytes> message{};
  const std::span<std::byte> no_room(message.data() + kSysvTypeBytes, 0);
  const Result<void> done = receive_into(queue, no_room, type, 0, received);
  if (done.is(Errc::buffer_too_small)) return false;
  if (!done) return done.failure();
  return true;
}

Result<void> receive_sysv(int queue, std::span<std::byte> buffer, const SysvReceiving& how,
                          SysvReceived& received) noexcept {
  return receive_through_room(
      buffer, received, [&](std::span<std::byte> text) { return receive_sysv_in_place(queue, text, how, received); });
}

Result<void> peek_sysv(int queue, std::span<std::byte> buffer, std::size_t index, SysvReceived& received) noexcept {
  if (index > static_cast<std::size_t>(std::numeric_limits<long>::max())) return Failure{Errc::would_block, ENOMSG};
  return receive_through_room(buffer, received, [&](std::span<std::byte> text) {
    return receive_into(queue, text, static_cast<long>(index), MSG_COPY | IPC_NOWAIT, received);
  });
}

Result<SysvFacts> sysv_facts(int queue) noexcept {
  const Result<msqid_ds> status = status_of(queue);
  if (!status) return status.failure();
  return facts_of(queue, *status);
}

Result<void> change_sysv_queue(int queue, const SysvSettings& wanted) noexcept {
  // The kernel keeps the low 32 bits as an int, and says nothing.
  if (wanted.most_bytes > kLongest) return Failure{Errc::invalid_argument, EINVAL};
  msqid_ds status{};
  status.msg_perm.uid = wanted.uid;
  status.msg_perm.gid = wanted.gid;
  status.msg_perm.mode = static_cast<decltype(status.msg_perm.mode)>(wanted.mode & kPermissionBits);
  status.msg_qbytes = wanted.most_bytes;
  if (msgctl(queue, IPC_SET, &status) == 0) return {};
  const int error = errno;
  if (error == EINVAL && !status_of(queue).is(Errc::queue_removed)) return Failure{Errc::invalid_argument, error};
  return control_failure(error);
}

// The numbers of queues are slots of a table and MSG_STAT_ANY goes by slot. Queues come and go meanwhile: an empty slot
// is no failure.
Result<std::vector<SysvFacts>> list_sysv_queues() noexcept {
  const Result<Info> table = info(MSG_INFO);
  if (!table) return table.failure();
  return or_no_memory([&]() -> Result<std::vector<SysvFacts>> {
    std::vector<SysvFacts> queues;
    for (int index = 0; index <= table->highest_index; ++index) {
      msqid_ds status{};
      const int queue = msgctl(index, MSG_STAT_ANY, &status);
      if (queue >= 0) {
        queues.push_back(facts_of(queue, status));
      } else if (errno != EINVAL && errno != EIDRM) {
        return failure_from_errno(errno);
      }
    }
    return queues;
  });
}

Result<SysvLimits> sysv_limits() noexcept {
  const Result<Info> found = info(IPC_INFO);
  if (!found) return found.failure();
  return SysvLimits{.queues = unsigned_of(found->numbers.msgmni),
                    .message_size = unsigned_of(found->numbers.msgmax),
                    .queue_bytes = unsigned_of(found->numbers.msgmnb)};
}

Result<SysvUse> sysv_use() noexcept {
  const Result<Info> found = info(MSG_INFO);
  if (!found) return found.failure();
  return SysvUse{.queues = unsigned_of(found->numbers.msgpool),
                 .messages = unsigned_of(found->numbers.msgmap),
                 .bytes = unsigned_of(found->numbers.msgtql)};
}

}  // namespace mqxx::os
