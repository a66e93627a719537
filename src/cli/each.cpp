#include "cli/each.hpp"

#include <mqxx/error.hpp>

#include "cli/suggest.hpp"

namespace mqxx::cli {

Status for_each_queue(const std::vector<std::string>& names, const std::function<void(const std::string& name)>& work) {
  Status first_failure = Status::done;
  for (const std::string& name : names) {
    try {
      work(name);
    } catch (const Error& error) {
      complain(error);
      if (first_failure == Status::done) first_failure = status_of(error.code());
    }
  }
  return first_failure;
}

}  // namespace mqxx::cli
