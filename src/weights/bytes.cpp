#include "weights/bytes.h"

namespace alx {

std::string in_quotes(std::string_view text) {
  constexpr size_t most = 120;
  std::string result = "\"";
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      result += "\\x";
      result += "0123456789abcdef"[byte >> 4];
      result += "0123456789abcdef"[byte & 15];
    }
  }
  return result + (text.size() > most ? "...\"" : "\"");
}

}  // namespace alx
