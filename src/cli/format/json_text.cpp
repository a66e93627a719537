// nlohmann-json reads, and utfcpp says what is text. What is written is put together here: a dump of nlohmann-json
// takes three times as long for a message of 100 bytes, and throws where bytes are no text, which takes thirteen times
// as long.
#include "cli/format/json_text.hpp"

#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <utf8.h>

#include "cli/format/base64.hpp"

namespace mqxx::cli {
namespace {

bool must_escape(char character) {
  return static_cast<unsigned char>(character) < ' ' || character == '"' || character == '\\' || character == '\x7f';
}

void append_escaped(char character, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  switch (character) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    default: break;
  }
  const auto code = static_cast<unsigned char>(character);
  out += "\\u00";
  out += kDigits[code >> 4U];
  out += kDigits[code & 0xfU];
}

void append_text(std::string_view text, std::string& out) {
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain < text.size() && !must_escape(text[plain])) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    append_escaped(text.front(), out);
    text.remove_prefix(1);
  }
}

/// Hears what the parser finds, and stops it at the first thing that does not belong to a message. No tree is built.
class Listener : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Listener(std::string& bytes) : bytes_(bytes) {}

  bool start_object(std::size_t /*elements*/) override { return depth_++ == 0 || unexpected("an object"); }
  bool end_object() override { return true; }
  bool key(string_t& name) override {
    key_ = name == "text" ? Key::text : name == "base64" ? Key::base64 : name == "priority" ? Key::priority : Key::none;
    if (key_ == Key::none) return refuse(fmt::format("there is no key \"{}\"", name));
    bool& seen = key_ == Key::priority ? has_priority_ : has_bytes_;
    if (seen) return refuse(key_ == Key::priority ? "two priorities" : "two messages in one object");
    seen = true;
    return true;
  }
  bool string(string_t& value) override {
    if (key_ == Key::text) {
      bytes_ = value;
      return true;
    }
    if (key_ != Key::base64) return unexpected("a string");
    bytes_.clear();
    return decode_base64(value, bytes_) || refuse("\"base64\" is not base64");
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (key_ != Key::priority) return unexpected("a number");
    if (value > kMaxPriority) return refuse(fmt::format("the priority is {}, the highest is {}", value, kMaxPriority));
    priority_ = static_cast<Priority>(value);
    return true;
  }
  bool number_integer(number_integer_t /*value*/) override { return unexpected("a negative number"); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return unexpected("a fraction"); }
  bool null() override { return unexpected("null"); }
  bool boolean(bool /*value*/) override { return unexpected("true or false"); }
  bool binary(binary_t& /*value*/) override { return unexpected("binary"); }
  bool start_array(std::size_t /*elements*/) override { return unexpected("a list"); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*e*/) override {
    return refuse(fmt::format("it is not JSON at byte {}", position));
  }

  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] bool has_bytes() const { return has_bytes_; }
  [[nodiscard]] std::optional<Priority> priority() const { return priority_; }

 private:
  enum class Key : std::uint8_t { none, text, base64, priority };

  bool refuse(std::string why) {
    if (why_.empty()) why_ = std::move(why);
    return false;
  }
  bool unexpected(std::string_view what) {
    if (depth_ == 0) return refuse(fmt::format("it is {} and no object", what));
    return refuse(fmt::format("\"{}\" is {}",
                              key_ == Key::priority ? "priority"
                              : key_ == Key::text   ? "text"
                                                    : "base64",
                              what));
  }

  std::string& bytes_;
  std::string why_;
  std::optional<Priority> priority_;
  int depth_ = 0;
  Key key_ = Key::none;
  bool has_bytes_ = false;
  bool has_priority_ = false;
};

}  // namespace

void append_json(std::string_view bytes, Priority priority, std::string& out) {
  constexpr std::size_t kMostDigits = 10;
  std::array<char, kMostDigits> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), priority).ptr;
  out.append(R"({"priority":)").append(digits.data(), end);
  if (utf8::is_valid(bytes.begin(), bytes.end())) {
    out += R"(,"text":")";
    append_text(bytes, out);
  } else {
    out += R"(,"base64":")";
    append_base64(bytes, out);
  }
  out += "\"}\n";
}

void parse_json(std::string_view text, std::string& bytes, Priority& priority) {
  Listener listener(bytes);
  const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &listener);
  if (!parsed) throw BadJson(listener.why());
  if (!listener.has_bytes()) throw BadJson(R"(it has neither "text" nor "base64")");
  priority = listener.priority().value_or(priority);
}

}  // namespace mqxx::cli
