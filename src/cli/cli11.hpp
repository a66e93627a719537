// CLI11's classes by name, for headers that only declare options: its own header takes seconds to compile.
#pragma once

namespace CLI {  // NOLINT(readability-identifier-naming): the library calls it so
class App;
class Option;
}  // namespace CLI
