#include "api/inspect_sysv.hpp"

#include <algorithm>

#include "api/failure.hpp"
#include "backend/sysv_place.hpp"
#include "base/address.hpp"
#include "base/sysv_key.hpp"

namespace mqxx::api {
namespace {

QueueInfo info_of(std::string name, const os::SysvFacts& facts, const os::SysvLimits& limits) {
  QueueInfo info;
  info.name = std::move(name);
  info.uid = facts.uid;
  info.gid = facts.gid;
  info.mode = facts.mode;
  info.counted = false;
  info.attributes = backend::attributes_of(facts, limits);
  info.statistics = backend::statistics_of(facts);
  info.queued_bytes = facts.queued_bytes;
  info.most_bytes = facts.most_bytes;
  return info;
}

/// By its key, or where it has none by its number.
std::string listed_name(const os::SysvFacts& facts) {
  SysvKey key{SysvKey::Kind::key, static_cast<std::uint32_t>(facts.key), {}};
  if (facts.key == os::kSysvPrivate) key = {SysvKey::Kind::identifier, static_cast<std::uint32_t>(facts.queue), {}};
  return text_of(Address{Home::sysv, text_of(key)});
}

}  // namespace

QueueInfo describe_sysv(const std::string& key) {
  const std::string name = text_of(Address{Home::sysv, key});
  const int queue = value_or_throw(backend::find_sysv(key, std::nullopt), "describe", name);
  Result<os::SysvFacts> facts = backend::facts_of_sysv(queue);
  if (facts.is(Errc::queue_removed)) facts = Errc::not_found;
  const os::SysvFacts found = value_or_throw(facts, "describe", name);
  return info_of(name, found, value_or_throw(os::sysv_limits(), "describe", name));
}

std::vector<QueueInfo> list_sysv() {
  const os::SysvLimits limits = value_or_throw(os::sysv_limits(), "list", kSysvPrefix);
  std::vector<QueueInfo> queues;
  for (const os::SysvFacts& facts : value_or_throw(os::list_sysv_queues(), "list", kSysvPrefix)) {
    queues.push_back(info_of(listed_name(facts), facts, limits));
  }
  std::ranges::sort(queues, {}, &QueueInfo::name);
  return queues;
}

}  // namespace mqxx::api
