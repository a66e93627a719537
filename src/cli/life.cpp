// mq create, mq remove: the beginning and the end of a queue.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mqxx/inspect.hpp>
#include <mqxx/queue.hpp>

#include "cli/command.hpp"
#include "cli/each.hpp"
#include "cli/look/homes.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

struct Creation {
  std::string name;
  OpenOptions options{.exclusive = false};
  bool capacity_given = false;
  bool message_size_given = false;
};

[[noreturn]] void refuse(const char* option, const std::string& text, const std::string& wanted) {
  throw CLI::ValidationError(option, "'" + text + "' is not " + wanted);
}

bool is_as_wanted(const Creation& wanted, const Attributes& found) {
  return (!wanted.capacity_given || found.capacity == wanted.options.capacity) &&
         (!wanted.message_size_given || found.message_size == wanted.options.message_size);
}

/// Where bytes are counted and not messages.
bool is_as_wanted(const Creation& wanted, std::uint64_t most_bytes) {
  const bool given = wanted.capacity_given || wanted.message_size_given;
  return !given || most_bytes == wanted.options.capacity * wanted.options.message_size;
}

Status create(const Creation& wanted) {
  const Queue queue = Queue::create(wanted.name, wanted.options);
  const std::string& name = queue.name();
  const Attributes found = queue.attributes();
  if (name.starts_with("sysv:")) {
    if (wanted.name == "sysv:private") write_out(name + '\n');  // or nobody would find it
    const std::uint64_t most_bytes = describe(name).most_bytes;
    if (!is_as_wanted(wanted, most_bytes))
      complain(fmt::format("create '{}': it exists already and keeps its room for {} bytes", name, most_bytes));
  } else if (!is_as_wanted(wanted, found)) {
    complain(fmt::format("create '{}': it exists already and keeps its capacity {} and message size {}", name,
                         found.capacity, found.message_size));
  }
  return Status::done;
}

struct Removal {
  std::vector<std::string> names;
  std::string home;  ///< with --all
  bool all = false;
  bool force = false;
  bool verbose = false;
};

Status remove(const Removal& wanted) {
  return for_each_queue(wanted.names, [&](const std::string& name) {
    try {
      Queue::unlink(name);
      if (wanted.verbose) write_out(fmt::format("removed {}\n", printable(name)));
    } catch (const Error& error) {
      // Of all queues one may have gone by itself meanwhile.
      const bool content = wanted.force || wanted.all;
      if (!content || error.code() != make_error_code(Errc::not_found)) throw;
    }
  });
}

}  // namespace

Run declare_create(CLI::App& app) {
  auto wanted = std::make_shared<Creation>();
  const CLI::Option* queue = add_queue(app, wanted->name);
  app.add_flag("-x,--exclusive", wanted->options.exclusive, "Fail if the queue exists already");
  app.add_option_function<std::string>(
         "-c,--capacity,--maxmsg,-d,--depth",
         [wanted](const std::string& text) {
           const auto capacity = parse_number(text);
           if (!capacity) refuse("--capacity", text, fmt::format("a whole number from 1 to {}", kMaxCapacity));
           wanted->options.capacity = *capacity;
           wanted->capacity_given = true;
         },
         "Most messages that it holds (default 10)")
      ->type_name("COUNT");
  app.add_option_function<std::string>(
         "-s,--message-size,--msgsize",
         [wanted](const std::string& text) {
           const auto size = parse_size(text);
           if (!size) {
             refuse("--message-size", text, fmt::format("a size from 1 to {} bytes, such as 64K", kMaxMessageSize));
           }
           wanted->options.message_size = *size;
           wanted->message_size_given = true;
         },
         "Most bytes of one message: 512, 64K, 1MiB (default 8192)")
      ->type_name("SIZE");
  app.add_option_function<std::string>(
         "-m,--mode",
         [wanted](const std::string& text) {
           const auto mode = parse_mode(text);
           if (!mode) refuse("--mode", text, "an octal mode from 0 to 777");
           wanted->options.mode = *mode;
         },
         "Permission bits, less the umask (default 600)")
      ->type_name("OCTAL");
  app.footer(
      "A queue that exists already is left as it is.\n\n"
      "Examples:\n"
      "  mq create /orders\n"
      "  mq create /frames --capacity 64 --message-size 4MiB --exclusive\n"
      "  mq create /shared -m 660 -c 1000 -s 256\n"
      "  queue=$(mq create sysv:private)   # says how it is called: sysv:id=5\n");
  return [wanted, queue] {
    require_queue(queue);
    return create(*wanted);
  };
}

Run declare_remove(CLI::App& app) {
  auto wanted = std::make_shared<Removal>();
  const CLI::Option* queues = add_queues(app, wanted->names);
  app.add_flag("-f,--force", wanted->force, "A queue that is not there is no failure");
  app.add_flag("-v,--verbose", wanted->verbose, "A line for each queue that was removed");
  app.add_option_function<std::string>(
         "-a,--all",
         [wanted](const std::string& home) {
           if (!is_home(home)) refuse("--all", home, "/, kernel: or sysv:");
           wanted->home = home;
           wanted->all = true;
         },
         "Every queue of a home: / for shared memory, kernel: or sysv:")
      ->type_name("HOME");
  app.footer(
      "The name is gone at once; programs that have the queue open go on using it. A System V queue\n"
      "is gone for them as well.\n"
      "The exit status is that of the first failure.\n\n"
      "Examples:\n"
      "  mq remove /orders\n"
      "  mq remove --force /orders /frames\n"
      "  mq remove --all kernel: --verbose\n");
  return [wanted, queues] {
    if (wanted->all) {
      wanted->names = names_in_homes(wanted->home);
    } else {
      require_queue(queues);
    }
    return remove(*wanted);
  };
}

}  // namespace mqxx::cli
