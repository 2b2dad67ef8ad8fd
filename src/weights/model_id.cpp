#include "weights/model_id.h"

#include <algorithm>

#include "core/error.h"
#include "core/number.h"
#include "weights/bytes.h"
#include "weights/format.h"

namespace alx {

std::string to_string(const ModelId& id) { return cat(id.name, "/", id.revision); }

ModelId parse_model_id(const std::string& text) {
  const size_t slash = text.rfind('/');
  constexpr size_t longest = 512;  // bytes; the name stands in messages
  ModelId id{text.substr(0, std::min(slash, longest + 1)), 1};
  bool good = !id.name.empty() && id.name.size() <= longest;
  if (slash != std::string::npos) {
    id.revision = parse_number<int>(std::string_view(text).substr(slash + 1)).value_or(0);
    good = good && id.revision > 0;
  }
  check(good, Code::bad_file, key_model,
        " should be NAME/REVISION, such as \"alexnet-2012/1\", but is ", in_quotes(text));
  return id;
}

}  // namespace alx
