// A System V queue. It is bounded by bytes, not messages: msg_qbytes is set to capacity times message size.
#include <cerrno>
#include <cstring>

#include <sys/ipc.h>
#include <sys/msg.h>

#include "peer.hpp"

namespace bench {
namespace {

// Types stand in for priorities: the lowest type leaves first when the receiver asks for a negative one.
constexpr long kLowestPriorityType = 32768;

key_t key_of(const std::string& name) { return static_cast<key_t>(sysv_key_of(name)); }

class SysvEndpoint : public Endpoint {
 public:
  SysvEndpoint(int queue, const ChannelOptions& options)
      : queue_(queue), priorities_(options.priorities), room_(sizeof(long) + options.message_size) {}

  void send(std::span<const std::byte> message, unsigned priority) override {
    const long type = priorities_ ? kLowestPriorityType - static_cast<long>(priority) : 1;
    std::memcpy(room_.data(), &type, sizeof type);
    std::memcpy(room_.data() + sizeof type, message.data(), message.size());
    if (::msgsnd(queue_, room_.data(), message.size(), 0) != 0) throw_errno("msgsnd");
  }

  Taken receive(std::span<std::byte> buffer) override {
    const long wanted = priorities_ ? -kLowestPriorityType : 0;  // 0: first in, first out
    const ssize_t size = ::msgrcv(queue_, room_.data(), buffer.size(), wanted, 0);
    if (size < 0) throw_errno("msgrcv");
    long type = 0;
    std::memcpy(&type, room_.data(), sizeof type);
    std::memcpy(buffer.data(), room_.data() + sizeof type, static_cast<std::size_t>(size));
    const long priority = priorities_ ? kLowestPriorityType - type : 0;
    return {static_cast<std::size_t>(size), static_cast<unsigned>(priority)};
  }

 private:
  int queue_;
  bool priorities_;
  std::vector<std::byte> room_;  // the type and the text must lie together
};

class SysvChannel : public Channel {
 public:
  explicit SysvChannel(const ChannelOptions& options)
      : options_(options), queue_(::msgget(key_of(options.name), IPC_CREAT | IPC_EXCL | 0600)) {
    if (queue_ < 0) throw_errno("msgget");
    msqid_ds state{};
    ::msgctl(queue_, IPC_STAT, &state);
    state.msg_qbytes = options.capacity * options.message_size;
    const bool bounded = ::msgctl(queue_, IPC_SET, &state) == 0;
    const int bound_error = errno;
    msginfo limits{};
    ::msgctl(0, IPC_INFO, reinterpret_cast<msqid_ds*>(&limits));
    if (bounded && options.message_size <= static_cast<std::size_t>(limits.msgmax)) return;
    ::msgctl(queue_, IPC_RMID, nullptr);
    if (!bounded) {
      throw Unavailable(std::string("msg_qbytes above kernel.msgmnb: ") + std::strerror(bound_error));
    }
    throw Unavailable("messages above kernel.msgmax = " + std::to_string(limits.msgmax) + " bytes");
  }
  ~SysvChannel() override { ::msgctl(queue_, IPC_RMID, nullptr); }

  std::unique_ptr<Endpoint> producer(unsigned) override { return std::make_unique<SysvEndpoint>(queue_, options_); }
  std::unique_ptr<Endpoint> consumer(unsigned) override { return std::make_unique<SysvEndpoint>(queue_, options_); }

 private:
  ChannelOptions options_;
  int queue_;
};

class SysvPeer : public Peer {
 public:
  std::string name() const override { return std::string(kSysv); }
  std::string version() const override { return "System V queue of the same kernel"; }
  std::unique_ptr<Channel> make(const ChannelOptions& options) const override {
    return std::make_unique<SysvChannel>(options);
  }
  void remove(const std::string& name) const noexcept override {
    const int queue = ::msgget(key_of(name), 0);
    if (queue >= 0) ::msgctl(queue, IPC_RMID, nullptr);
  }
};

}  // namespace

PeerPtr make_sysv() { return std::make_unique<SysvPeer>(); }

}  // namespace bench
