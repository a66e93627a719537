// mq chmod, mq chown: who may use queues that exist.
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <mqxx/permissions.hpp>

#include "cli/command.hpp"
#include "cli/each.hpp"
#include "cli/output.hpp"
#include "cli/owner.hpp"
#include "cli/queue_choice.hpp"
#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

/// What both commands are told.
struct Changing {
  std::vector<std::string> names;
  std::uint32_t mode = 0;
  NewOwner owner;
  std::string text;  ///< mode or owner, as it was written
  bool verbose = false;
};

void tell(const Changing& wanted, const char* what, const std::string& name) {
  if (wanted.verbose) write_out(fmt::format("{} {} {}\n", what, printable(wanted.text), printable(name)));
}

void add_verbose(CLI::App& app, Changing& wanted) {
  app.add_flag("-v,--verbose", wanted.verbose, "A line for each queue that was changed");
}

}  // namespace

Run declare_chmod(CLI::App& app) {
  auto wanted = std::make_shared<Changing>();
  app.add_option_function<std::string>(
         "MODE",
         [wanted](const std::string& text) {
           const auto mode = parse_mode(text);
           if (!mode)
             throw CLI::ValidationError("MODE", "'" + printable(text) + "' is not an octal mode from 0 to 777");
           wanted->mode = *mode;
           wanted->text = text;
         },
         "Permission bits")
      ->type_name("OCTAL")
      ->required();
  const CLI::Option* queues = add_queues(app, wanted->names);
  add_verbose(app, *wanted);
  app.footer(
      "MODE is octal: 4 is to receive, 2 to send, for the owner, the group and others. It is the mode\n"
      "exactly, whatever the umask, for whoever opens the queue from then on; a System V queue asks anew\n"
      "each time. Only its owner and root may. The exit status is that of the first failure; the other\n"
      "queues are changed all the same.\n\n"
      "Examples:\n"
      "  mq chmod 660 /orders\n"
      "  mq chmod 622 /log /events    # everybody may send, the owner receives\n"
      "  mq chmod 600 kernel:/orders sysv:0x4d2\n");
  return [wanted, queues] {
    require_queue(queues);
    return for_each_queue(wanted->names, [&](const std::string& name) {
      change_mode(name, wanted->mode);
      tell(*wanted, "mode", name);
    });
  };
}

Run declare_chown(CLI::App& app) {
  auto wanted = std::make_shared<Changing>();
  app.add_option_function<std::string>(
         "OWNER",
         [wanted](const std::string& text) {
           wanted->owner = parse_owner("OWNER", text);
           wanted->text = text;
         },
         "USER, USER:GROUP, :GROUP, or USER: for the user and his own group")
      ->type_name("OWNER")
      ->required();
  const CLI::Option* queues = add_queues(app, wanted->names);
  add_verbose(app, *wanted);
  app.footer(
      "Users and groups are names or numbers; a + in front says that it is a number. Root may give a\n"
      "queue away, its owner may give it a group that he is in; of System V queues the owner and the\n"
      "creator may do both. Who has it open goes on using it. The exit status is that of the first\n"
      "failure; the other queues are changed all the same.\n\n"
      "Examples:\n"
      "  mq chown ann /orders\n"
      "  mq chown ann:staff /orders /frames\n"
      "  mq chown :100 kernel:/orders\n");
  return [wanted, queues] {
    require_queue(queues);
    return for_each_queue(wanted->names, [&](const std::string& name) {
      change_owner(name, wanted->owner);
      tell(*wanted, "owner", name);
    });
  };
}

}  // namespace mqxx::cli
