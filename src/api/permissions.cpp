// The mode and the owner of a queue, home by home.
#include "shm/permissions.hpp"

#include <cerrno>
#include <string>

#include <mqxx/permissions.hpp>

#include "api/failure.hpp"
#include "api/inspect_kernel.hpp"
#include "backend/sysv_place.hpp"
#include "base/address.hpp"
#include "os/memory.hpp"
#include "shm/place.hpp"

namespace mqxx {
namespace {

constexpr std::uint32_t kEveryBit = 0777;
/// What chown(2) takes for "as it is".
constexpr std::uint32_t kKept = static_cast<std::uint32_t>(-1);

/// One of the two changes, in the words of each home.
class Change {
 public:
  Change(const char* operation, const Address& address) : operation_(operation), address_(address) {}
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;
  virtual ~Change() = default;

  void make() {
    const Result<void> done = in_its_home();
    if (!done) fail(done.failure());
  }
  [[noreturn]] void fail(Failure failure) const {
    const std::string name = text_of(address_);
    api::throw_failure(failure, operation_, name, {.words = words(failure)});
  }

 protected:
  virtual Result<void> of_segment(const shm::Segment& segment) = 0;
  virtual Result<void> of_descriptor(int queue) = 0;
  virtual void of_settings(os::SysvSettings& settings) = 0;
  /// Who may make the change, after "only ". @param owner  "its owner (user 1000)"
  [[nodiscard]] virtual std::string who_may(const std::string& owner) const = 0;

 private:
  Result<void> in_its_home() {
    switch (address_.home) {
      case Home::kernel: return in_kernel();
      case Home::sysv: return in_sysv();
      case Home::shm: break;
    }
    if (const Result<os::FileFacts> facts = os::facts(shm::file_of(address_.name))) owner_ = facts->uid;
    const Result<shm::Segment> segment = shm::attach(address_.name);
    return segment ? of_segment(*segment) : Result<void>(segment.failure());
  }

  Result<void> in_kernel() {
    const Result<UniqueFd> queue = api::open_to_look(address_.name);
    if (!queue) return queue.failure();
    if (const Result<os::FileFacts> facts = os::facts(queue->get())) owner_ = facts->uid;
    return of_descriptor(queue->get());
  }

  // All settings are set at once: somebody who changes one of them in this moment may lose his change.
  Result<void> in_sysv() {
    const Result<int> queue = backend::find_sysv(address_.name, std::nullopt);
    if (!queue) return queue.failure();
    const Result<os::SysvFacts> facts = backend::facts_of_sysv(*queue);
    if (facts.is(Errc::queue_removed)) return Failure{Errc::not_found, ENOENT};
    if (!facts) return facts.failure();
    owner_ = facts->uid;
    const Result<os::SysvLimits> limits = os::sysv_limits();
    above_limit_ = limits && facts->most_bytes > limits->queue_bytes;
    os::SysvSettings settings{
        .uid = facts->uid, .gid = facts->gid, .mode = facts->mode, .most_bytes = facts->most_bytes};
    of_settings(settings);
    return os::change_sysv_queue(*queue, settings);
  }

  /// "" where the code alone says it.
  [[nodiscard]] std::string words(Failure failure) const {
    const bool no_such_user = failure.code == Errc::system_error && failure.detail == EINVAL;
    if (failure.code == Errc::invalid_argument || no_such_user) return "there is no such user or group here";
    if (failure.code != Errc::permission_denied) return "";
    if (!owner_ && address_.home == Home::kernel)
      return "this user may neither send to it nor receive, and only an open queue can be changed";
    if (!owner_) return "";
    const std::string owner = "its owner (user " + std::to_string(*owner_) + ")";
    if (above_limit_)
      return "only root may, while it has room for more bytes than kernel.msgmnb; " + owner + " may not";
    return "only " + who_may(owner);
  }

  const char* operation_;
  const Address& address_;
  std::optional<std::uint32_t> owner_;
  bool above_limit_ = false;
};

class NewMode final : public Change {
 public:
  NewMode(const Address& address, std::uint32_t mode) : Change("chmod", address), mode_(mode) {}

 protected:
  Result<void> of_segment(const shm::Segment& segment) override { return shm::change_mode(segment, mode_); }
  Result<void> of_descriptor(int queue) override { return os::set_mode(queue, mode_); }
  void of_settings(os::SysvSettings& settings) override { settings.mode = mode_; }
  [[nodiscard]] std::string who_may(const std::string& owner) const override {
    return owner + " and root may change its mode";
  }

 private:
  std::uint32_t mode_;
};

class OtherOwner final : public Change {
 public:
  OtherOwner(const Address& address, const NewOwner& owner)
      : Change("chown", address), uid_(owner.uid.value_or(kKept)), gid_(owner.gid.value_or(kKept)) {}

 protected:
  Result<void> of_segment(const shm::Segment& segment) override { return shm::change_owner(segment, uid_, gid_); }
  Result<void> of_descriptor(int queue) override { return os::set_owner(queue, uid_, gid_); }
  void of_settings(os::SysvSettings& settings) override {
    if (uid_ != kKept) settings.uid = uid_;
    if (gid_ != kKept) settings.gid = gid_;
  }
  [[nodiscard]] std::string who_may(const std::string& owner) const override {
    return "root may give it to another user, and " + owner + " to a group that he is in";
  }

 private:
  std::uint32_t uid_;
  std::uint32_t gid_;
};

Address checked_address(const char* operation, std::string_view text) {
  return api::value_or_throw(parse_address(text), operation, text);
}

}  // namespace

void change_mode(std::string_view name, std::uint32_t mode) {
  const Address address = checked_address("chmod", name);
  if (mode > kEveryBit) {
    api::throw_failure({Errc::invalid_argument, EINVAL}, "chmod", text_of(address),
                       {.words = "a mode has the bits 0 to 0777"});
  }
  NewMode(address, mode).make();
}

void change_owner(std::string_view name, const NewOwner& owner) {
  const Address address = checked_address("chown", name);
  OtherOwner change(address, owner);
  // The number by which the system says that there is none.
  if (owner.uid == kKept || owner.gid == kKept) change.fail({Errc::invalid_argument, EINVAL});
  change.make();
}

}  // namespace mqxx
