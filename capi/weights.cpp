// Weight files.
#include "handles.h"
#include "network/convert.h"

using namespace alx;
using namespace alx::capi;

namespace {

const TensorView& tensor_at(const alexnet_weights* weights, int64_t index) {
  require(weights, "weights");
  const std::vector<TensorView>& tensors = weights->file.tensors();
  require_index(index, static_cast<int64_t>(tensors.size()), "index");
  return tensors[static_cast<size_t>(index)];
}

}  // namespace

alexnet_status alexnet_weights_open(const char* path, alexnet_weights** weights) {
  return guard([&] {
    require(path, "path");
    require(weights, "weights");
    *weights = new alexnet_weights{WeightFile::open(path, usual_limits())};
  });
}

alexnet_status alexnet_weights_tensor_count(const alexnet_weights* weights, int64_t* count) {
  return guard([&] {
    require(weights, "weights");
    require(count, "count");
    *count = static_cast<int64_t>(weights->file.tensors().size());
  });
}

alexnet_status alexnet_weights_tensor(const alexnet_weights* weights, int64_t index,
                                      const char** name, const char** type,
                                      const int64_t** dimensions, int64_t* rank) {
  return guard([&] {
    const TensorView& tensor = tensor_at(weights, index);
    give(name, tensor.name.c_str());
    give(type, name_of(tensor.type));
    give(dimensions, tensor.shape.data());
    give(rank, static_cast<int64_t>(tensor.shape.size()));
  });
}

alexnet_status alexnet_weights_read(const alexnet_weights* weights, const char* tensor,
                                    float* values, int64_t capacity) {
  return guard([&] {
    require(weights, "weights");
    require(tensor, "tensor");
    require(values, "values");
    const TensorView* view = weights->file.find(tensor);
    check(view != nullptr, Code::not_found, weights->file.path(), " has no tensor '", tensor, "'");
    const int64_t count = element_count(view->shape);
    check(capacity >= count, Code::invalid_argument, "capacity is ", capacity, ", but tensor '",
          tensor, "' has ", count, " elements");
    std::vector<float> all(static_cast<size_t>(count));  // a damaged tensor must not reach `values`
    weights->file.read(*view, all);
    std::copy(all.begin(), all.end(), values);
  });
}

alexnet_status alexnet_weights_metadata(const alexnet_weights* weights, const char* key,
                                        const char** value) {
  return guard([&] {
    require(weights, "weights");
    require(key, "key");
    require(value, "value");
    const auto& metadata = weights->file.metadata();
    const auto found = metadata.find(key);
    check(found != metadata.end(), Code::not_found, weights->file.path(), " has no metadata '", key,
          "'");
    *value = found->second.c_str();
  });
}

void alexnet_weights_free(alexnet_weights* weights) { delete weights; }

alexnet_status alexnet_weights_verify(const char* path, const char* device, int32_t* self_tested,
                                      double* difference) {
  return guard([&] {
    require(path, "path");
    const Verdict verdict = verify(path, device ? device : "cpu", usual_limits());
    std::string faults;
    for (const std::string& fault : verdict.faults) faults += (faults.empty() ? "" : "\n") + fault;
    check(faults.empty(), Code::bad_file, path, ": ", faults);
    give(self_tested, int32_t{verdict.self_test_error.has_value()});
    give(difference, verdict.self_test_error.value_or(0));
  });
}

alexnet_status alexnet_weights_convert(const char* from, const char* to, const char* network,
                                       alexnet_precision precision, int32_t plain) {
  return guard([&] {
    require(from, "from");
    require(to, "to");
    ConvertOptions options;
    options.network = network ? network : "";
    if (precision != ALEXNET_PRECISION_AS_STORED) options.stored = stored_type_of(precision);
    options.plain = plain != 0;
    options.limits = usual_limits();
    convert_weights(from, to, options);
  });
}
