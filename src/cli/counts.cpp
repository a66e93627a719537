#include "cli/counts.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/values.hpp"

namespace mqxx::cli {

CLI::Option* add_count(CLI::App& app, const std::string& names, const std::string& description, const Bounds& bounds,
                       std::uint64_t& value) {
  const std::string name = names.substr(names.rfind(',') + 1);
  const std::string range = bounds.most == kEverything ? fmt::format("{} up", bounds.least)
                                                       : fmt::format("{} to {}", bounds.least, bounds.most);
  return app
      .add_option_function<std::string>(
          names,
          [name, range, bounds, &value](const std::string& text) {
            const auto number = parse_number(text);
            if (!number || *number < bounds.least || *number > bounds.most) {
              throw CLI::ValidationError(name, fmt::format("'{}' is not a whole number from {}", text, range));
            }
            value = *number;
          },
          description)
      ->type_name("COUNT");
}

}  // namespace mqxx::cli
