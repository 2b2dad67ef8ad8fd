#include "network/detect.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "models/zoo.h"
#include "weights/format.h"
#include "weights/model_id.h"
#include "weights/model_weights.h"

namespace alx {
namespace {

// True where the file has the parameters of `model` and nothing else, for any number of classes.
bool fits(const WeightFile& file, const std::string& model) {
  const NetSpec usual = make_model(model);
  int64_t classes = 0;
  for (const ParamSpec& param : params_of(usual)) {
    const TensorView* tensor = file.find(param.name);
    if (!tensor || tensor->shape.size() != param.shape.size()) return false;
    if (param.node == usual.logits) classes = tensor->shape.front();
  }
  try {
    check_against(file, params_of(make_model(model, {.classes = classes})), model);
    return true;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace

std::string guess_model(const WeightFile& file) {
  if (file.metadata().contains(key_model)) return parse_model_id(file.metadata(key_model)).name;
  std::vector<std::string> found;
  for (const std::string& model : model_names())
    if (fits(file, model)) found.push_back(model);
  check(!found.empty(), Code::bad_file, file.path(),
        " does not say which network it is for, and the names and shapes of its ",
        file.tensors().size(), " tensors fit none at its usual input size; name the network");
  if (found.size() > 1)
    log_line(
        LogLevel::warning,
        cat(file.path(), " does not say which network it is for, and its tensors fit several: ",
            joined(found), ". The first is taken; name the network if it is another"));
  return found.front();
}

}  // namespace alx
