#include "weights/model_weights.h"

#include <set>

#include "core/error.h"
#include "core/finite.h"
#include "weights/bytes.h"
#include "weights/format.h"

namespace alx {
namespace {

// "2 missing (a, b)"; of a few names only, the count says the rest.
class Listed {
 public:
  void add(const std::string& item) {
    constexpr size_t most = 4;
    if (count_++ < most) items_ += (items_.empty() ? "" : ", ") + item;
    if (count_ == most + 1) items_ += ", ...";
  }
  void describe(std::string& text, const char* what) const {
    if (count_ > 0) text += cat(text.empty() ? "" : "; ", count_, " ", what, " (", items_, ")");
  }

 private:
  size_t count_ = 0;
  std::string items_;
};

bool belongs_to_no_network(const WeightFile& file, const std::string& name,
                           const std::string& mean_image) {
  if (name.starts_with(optimizer_prefix) || name.starts_with(self_test_prefix) ||
      name == mean_image)
    return true;
  constexpr std::string_view suffix = scale_suffix;
  if (!name.ends_with(suffix)) return false;
  const TensorView* scaled = file.find(name.substr(0, name.size() - suffix.size()));
  return scaled && scaled->type == DataType::i8;
}

}  // namespace

void check_against(const WeightFile& file, const std::vector<ParamSpec>& params,
                   const std::string& model) {
  const std::string input = file.metadata(key_input);
  const std::string mean_image =
      input.empty() ? "" : input_from_json(input, file.limits()).mean_image;
  Listed missing, unexpected, reshaped;
  std::set<std::string> known;
  for (const ParamSpec& param : params) {
    known.insert(param.name);
    const TensorView* tensor = file.find(param.name);
    if (!tensor) {
      missing.add(param.name);
    } else if (tensor->shape != param.shape) {
      reshaped.add(cat(param.name, ": ", to_string(param.shape), " expected, ",
                       to_string(tensor->shape), " found"));
    }
  }
  for (const TensorView& tensor : file.tensors())
    if (!known.contains(tensor.name) && !belongs_to_no_network(file, tensor.name, mean_image))
      unexpected.add(in_quotes(tensor.name));
  std::string text;
  missing.describe(text, "missing");
  reshaped.describe(text, "of another shape");
  unexpected.describe(text, "unexpected");
  check(text.empty(), Code::bad_file, file.path(), " does not fit the network ", model,
        ", which has ", params.size(), " tensors: ", text,
        ". Name the network that the file was saved from");
}

void refuse_non_finite(std::span<const float> values, const std::string& name,
                       const std::string& path) {
  const size_t wrong = first_not_finite(values.data(), values.size());
  if (wrong < values.size())
    fail(Code::bad_file, path, ": tensor ", in_quotes(name), " holds ", values[wrong],
         " at element ", wrong,
         "; weights must be finite. The training that wrote it probably diverged");
}

}  // namespace alx
