// Texts, the same whatever the host program's locale.
#pragma once
#include <string>
#include <string_view>
#include <vector>

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

// "one, two, three"
inline std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

// ASCII's letters.
inline std::string lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// At least `width` digits.
inline std::string zero_padded(std::string digits, size_t width) {
  digits.insert(0, digits.size() < width ? width - digits.size() : 0, '0');
  return digits;
}

}  // namespace alx
