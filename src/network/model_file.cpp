#include "network/model_file.h"
#include "models/zoo.h"
#include "weights/format.h"
#include "weights/model_id.h"
#include "weights/spec_json.h"

namespace alx {

std::map<std::string, std::string> metadata_of(const NetSpec& spec,
                                               const std::vector<std::string>& labels) {
  std::map<std::string, std::string> metadata{
      {key_model, to_string(ModelId{spec.id, spec.revision})},
      {key_input, to_json(spec.input)},
      {key_labels, labels_to_json(labels)}};
  if (!in_zoo(spec.id)) metadata[key_network] = to_json(spec, SpecPart::without_input_and_labels);
  return metadata;
}

void add_mean_image(const Preprocessor& preprocessor, std::vector<TensorToWrite>& tensors) {
  const MeanImage& mean = preprocessor.mean_image();
  if (!mean.values.empty())
    tensors.push_back(
        make_tensor(preprocessor.input().mean_image, {3, mean.size, mean.size}, mean.values));
}

std::vector<float> rounded(std::vector<float> values, DataType stored) {
  if (stored == DataType::f32) return values;
  std::vector<std::byte> bytes(values.size() * size_of(stored));
  from_float(stored, values.data(), bytes.data(), values.size());
  to_float(stored, bytes.data(), values.data(), values.size());
  return values;
}

}  // namespace alx
