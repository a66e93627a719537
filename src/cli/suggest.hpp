// Suggest: what a mistyped word may have meant, and the complaint that says so.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <mqxx/error.hpp>

#include "cli/cli11.hpp"

namespace mqxx::cli {

/// How many letters must be left out, put in, replaced or swapped with their neighbour to make one of the other.
[[nodiscard]] std::size_t distance_of(std::string_view a, std::string_view b);

/// The nearest of the candidates, if it is near: a third of the letters at most may be wrong, and not all of them.
[[nodiscard]] std::optional<std::string> nearest(std::string_view word, const std::vector<std::string>& candidates);

/// ", did you mean 'list'", or nothing.
[[nodiscard]] std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

/// Every long name of an option of the command, with its dashes.
[[nodiscard]] std::vector<std::string> options_of(const CLI::App& app);

/// What went wrong, as a line on standard error; where there is no such queue, with the name of one that is near.
void complain(const Error& error);

}  // namespace mqxx::cli
