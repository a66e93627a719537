// Base64 of RFC 4648, section 4: the usual alphabet, with padding, without line breaks.
//
// By ourselves: what Debian has is a part of something large (OpenSSL, GLib, APR), or passes over what is no base64
// where this must refuse it (libb64, OpenSSL's BIO).
#pragma once

#include <string>
#include <string_view>

namespace mqxx::cli {

void append_base64(std::string_view bytes, std::string& out);

/// Appends the bytes that the text stands for. false when it is not exactly what append_base64() writes: every sequence
/// of bytes has one text.
[[nodiscard]] bool decode_base64(std::string_view text, std::string& out);

}  // namespace mqxx::cli
