// mq layout: where the parts of a queue in shared memory lie, drawn from the numbers that the engine uses.
#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <mqxx/error.hpp>
#include <mqxx/inspect.hpp>

#include "cli/command.hpp"
#include "cli/look/describe.hpp"
#include "cli/output.hpp"
#include "cli/queue_choice.hpp"
#include "cli/values.hpp"

namespace mqxx::cli {
namespace {

struct Wanted {
  std::string name;
  std::size_t capacity = 10;
  std::size_t message_size = 64;
  bool json = false;
};

constexpr std::size_t kWidth = 40;  // of the boxes

std::string rule() { return fmt::format("{:>14} +{:-<{}}+\n", "", "", kWidth); }

std::string box(const Region& region) {
  const std::string size = fmt::format("{} bytes", region.size);
  const std::size_t room = kWidth - 2 - region.name.size();
  return fmt::format("{:>14} | {}{:>{}} |\n", region.offset, region.name, size, room);
}

std::string drawing_of(const Layout& layout, const Wanted& wanted) {
  std::string text = fmt::format("format {}: {} x {} bytes, rings of {}, slots of {} bytes, {}\n\n", layout.format,
                                 wanted.capacity, wanted.message_size, layout.ring_entries, layout.stride,
                                 layout.sparse ? "reserved one by one" : "reserved in order");
  text += rule();
  for (const Region& region : layout.regions) {
    text += box(region);
    if (region.name == "header") {
      for (const Region& part : layout.header) text += box({"  " + part.name, part.offset, part.size});
    }
    text += rule();
  }
  return text + fmt::format("{:>14}\n", layout.file_bytes);
}

Json json_of(const std::vector<Region>& regions) {
  Json array = Json::array();
  for (const Region& region : regions) {
    array.push_back({{"name", region.name}, {"offset", region.offset}, {"size", region.size}});
  }
  return array;
}

Json json_of(const Layout& layout, const Wanted& wanted) {
  return {{"format", layout.format},
          {"capacity", wanted.capacity},
          {"message_size", wanted.message_size},
          {"ring_entries", layout.ring_entries},
          {"stride", layout.stride},
          {"sparse", layout.sparse},
          {"header", json_of(layout.header)},
          {"regions", json_of(layout.regions)},
          {"file_bytes", layout.file_bytes}};
}

Status draw(Wanted& wanted) {
  if (!wanted.name.empty()) {
    const QueueInfo found = describe(wanted.name);
    if (!found.name.starts_with('/')) {
      throw Complaint(Status::failed, fmt::format("layout '{}': the kernel shows nobody where the parts of its queues "
                                                  "lie (ENOTSUP)",
                                                  printable(found.name)));
    }
    wanted.capacity = found.attributes.capacity;
    wanted.message_size = found.attributes.message_size;
  }
  const Layout found = layout(wanted.capacity, wanted.message_size);
  if (wanted.json) {
    write_json(json_of(found, wanted));
  } else {
    write_out(drawing_of(found, wanted));
  }
  return Status::done;
}

}  // namespace

Run declare_layout(CLI::App& app) {
  auto wanted = std::make_shared<Wanted>();
  CLI::Option* queue = app.add_option("QUEUE,-q,--queue", wanted->name, "The queue, also as an argument");
  app.add_option_function<std::string>(
         "-c,--capacity,--maxmsg",
         [wanted](const std::string& text) {
           const auto capacity = parse_number(text);
           if (!capacity) throw CLI::ValidationError("--capacity", "'" + text + "' is not a whole number");
           wanted->capacity = *capacity;
         },
         "Of a queue that need not be there (default 10)")
      ->type_name("COUNT")
      ->excludes(queue);
  app.add_option_function<std::string>(
         "-s,--message-size,--msgsize",
         [wanted](const std::string& text) {
           const auto size = parse_size(text);
           if (!size) throw CLI::ValidationError("--message-size", "'" + text + "' is not a size, such as 64K");
           wanted->message_size = *size;
         },
         "Likewise (default 64)")
      ->type_name("SIZE")
      ->excludes(queue);
  app.add_flag("-j,--json", wanted->json, "As JSON, for programs");
  app.footer(
      "Numbers on the left are offsets in the file. docs/layout.md says what the parts are.\n\n"
      "Examples:\n"
      "  mq layout\n"
      "  mq layout /orders\n"
      "  mq layout --capacity 1000000 --message-size 64K\n");
  return [wanted] { return draw(*wanted); };
}

}  // namespace mqxx::cli
