#include "models/zoo.h"

#include <algorithm>
#include <functional>

#include "core/error.h"
#include "models/networks.h"

namespace alx {
namespace {

// of an input; every zoo network's sizes stay countable up to here
constexpr int64_t max_side = 16384;

struct Entry {
  const char* name;
  NetSpec (*make)(const ModelOptions&);
  bool has_printed_lrn;
};

constexpr Entry zoo[] = {
#define ALX_ENTRY(name, make, printed) {name, models::make, printed},
    ALX_NETWORKS(ALX_ENTRY)
#undef ALX_ENTRY
};

const Entry& entry_of(const std::string& name) {
  std::string known;
  for (const Entry& entry : zoo) {
    if (entry.name == name) return entry;
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  fail(Code::not_found, "no network is named \"", name, "\"; there are: ", known);
}

bool works(const NetSpec& spec) {
  try {
    infer_shapes(spec, 1);
    return true;
  } catch (const Error& error) {
    if (error.code() != Code::invalid_argument) throw;
    return false;
  }
}

using Make = std::function<NetSpec(const ModelOptions&)>;

// Height and width are treated alike by every network, and what fits a small picture fits a larger
// one.
int64_t smallest_side(const Make& make, int64_t own) {
  int64_t too_small = 0, fits = own;
  while (fits - too_small > 1) {
    const int64_t side = too_small + (fits - too_small) / 2;
    (works(make({0, side, side})) ? fits : too_small) = side;
  }
  return fits;
}

[[noreturn]] void refuse_size(const Make& make, const ModelOptions& options) {
  const NetSpec usual = make({});
  const InputSpec& own = usual.input;
  const int64_t height = options.height == 0 ? own.height : options.height;
  const int64_t width = options.width == 0 ? own.width : options.width;
  fail(Code::invalid_argument, usual.id, ": an input of ", height, " x ", width,
       " cannot work; height and width must each lie in ", smallest_side(make, own.height), "..",
       max_side, " (the network's own size is ", own.height, " x ", own.width, ")");
}

void check_classes(const std::string& name, const ModelOptions& options) {
  check(options.classes >= 0 && options.classes <= max_classes, Code::invalid_argument, name, ": ",
        options.classes, " classes are not possible; give 1 to ", max_classes,
        ", or 0 for the network's own number");
}

NetSpec make_checked(const Make& make, const std::string& name, const ModelOptions& options) {
  check_classes(name, options);
  for (int64_t side : {options.height, options.width})
    if (side < 0 || side > max_side) refuse_size(make, options);
  NetSpec spec = make(options);
  if (works(spec)) return spec;
  ModelOptions own_size = options;
  own_size.height = own_size.width = 0;
  infer_shapes(make(own_size), 1);  // where this throws, the size is not what is wrong
  refuse_size(make, options);
}

}  // namespace

NetSpec make_model(const std::string& name, const ModelOptions& options) {
  const Entry& entry = entry_of(name);
  check(
      !options.printed_lrn || entry.has_printed_lrn, Code::invalid_argument, name,
      ": the paper's printed LRN formula is an option of alexnet-2012 and alexnet-2012-6conv only");
  return make_checked(entry.make, name, options);
}

NetSpec adapted(const NetSpec& spec, const ModelOptions& options) {
  check_classes(spec.id, options);
  NetSpec other = spec;
  if (options.classes > 0) set_classes(other, options.classes);
  set_size(other.input, options.height, options.width);
  const std::string wanted = cat(other.input.height, " x ", other.input.width);
  for (int64_t side : {options.height, options.width})
    check(side >= 0 && side <= max_side, Code::invalid_argument, spec.id, ": an input of ", wanted,
          " cannot work; height and width must each lie in 1..", max_side);
  try {
    layer_table(other);
  } catch (const Error& error) {
    if (options.height == 0 && options.width == 0) throw;
    fail(error.code(), error.what(), "; its input is to be ", wanted,
         " (the network's own size is ", spec.input.height, " x ", spec.input.width, ")");
  }
  return other;
}

bool in_zoo(const std::string& name) {
  return std::ranges::any_of(zoo, [&](const Entry& entry) { return entry.name == name; });
}

std::vector<std::string> model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : zoo) names.emplace_back(entry.name);
  return names;
}

}  // namespace alx
