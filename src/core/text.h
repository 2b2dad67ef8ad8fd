// Texts, the same whatever the host program's locale.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "core/error.h"

namespace alx {

// The parts between separators: one more than there are separators.
inline std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator)
      parts.emplace_back();
    else
      parts.back().push_back(c);
  }
  return parts;
}

// "one, two, three": what cat() makes of each item, with separators between.
template <class Items>
std::string joined(const Items& items, std::string_view separator = ", ") {
  std::string text;
  for (const auto& item : items) text += cat(text.empty() ? "" : separator, item);
  return text;
}

// ASCII's letters.
inline std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// Without overlong forms, surrogates and what lies beyond U+10FFFF.
inline bool is_utf8(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u;
    };
    const unsigned lead = byte(i);
    const size_t length = lead < 0x80   ? 1
                          : lead < 0xC2 ? 0
                          : lead < 0xE0 ? 2
                          : lead < 0xF0 ? 3
                          : lead < 0xF5 ? 4
                                        : 0;
    if (length == 0) return false;
    for (size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    if ((lead == 0xE0 && byte(i + 1) < 0xA0) || (lead == 0xED && byte(i + 1) > 0x9F) ||
        (lead == 0xF0 && byte(i + 1) < 0x90) || (lead == 0xF4 && byte(i + 1) > 0x8F))
      return false;
    i += length;
  }
  return true;
}

// At least `width` digits.
inline std::string zero_padded(std::string digits, size_t width) {
  digits.insert(0, digits.size() < width ? width - digits.size() : 0, '0');
  return digits;
}

}  // namespace alx
