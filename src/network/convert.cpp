#include "network/convert.h"

#include "backends/registry.h"
#include "network/model_file.h"
#include "weights/format.h"

namespace alx {
namespace {

// Weights of a model as the new file will hold them.
class Converter {
 public:
  Converter(const Model& model, std::optional<DataType> stored)
      : model_(model), source_(weights_from(*model.file())), stored_(stored) {}

  std::vector<TensorToWrite> weights() const {
    std::vector<TensorToWrite> tensors;
    for (const ParamSpec& param : params_of(model_.spec())) {
      const DataType stored = stored_as(param.name);
      tensors.push_back(
          {param.name, stored, param.shape, [this, param, stored](std::span<std::byte> out) {
             source_(param, param.shape[0], [&](int64_t, std::span<const float> all) {
               from_float(stored, all.data(), out.data(), all.size());
             });
           }});
    }
    return tensors;
  }

  // A picture and its probabilities, which verify() computes again.
  void add_self_test(std::vector<TensorToWrite>& tensors) const {
    Network network(model_.spec(), open_devices("cpu"), {});
    network.load([this](const ParamSpec& param, int64_t rows, const PartSink& sink) {
      source_(param, rows, [&](int64_t first, std::span<const float> part) {
        sink(first, rounded({part.begin(), part.end()}, stored_as(param.name)));
      });
    });
    std::vector<float> picture = rounded(self_test_picture(), DataType::f16);
    network.set_input(picture);
    network.forward();
    tensors.push_back(
        make_tensor(self_test_input, network.input_shape(), std::move(picture), DataType::f16));
    tensors.push_back(make_tensor(self_test_output, network.shape(network.result()),
                                  network.read(network.result())));
  }

  std::map<std::string, std::string> metadata() const {
    std::map<std::string, std::string> metadata = metadata_of(model_.spec(), model_.labels());
    if (const std::string pca = model_.file()->metadata(key_pca); !pca.empty())
      metadata[key_pca] = pca;
    return metadata;
  }

 private:
  DataType stored_as(const std::string& param) const {
    if (stored_) return *stored_;
    const DataType now = model_.file()->find(param)->type;
    return now == DataType::f16 || now == DataType::bf16 ? now : DataType::f32;
  }

  // The source's own, else colours that run over the picture.
  std::vector<float> self_test_picture() const {
    const InputSpec& input = model_.spec().input;
    std::vector<float> values(static_cast<size_t>(3 * input.height * input.width));
    const TensorView* kept = model_.file()->find(self_test_input);
    if (kept && element_count(kept->shape) == static_cast<int64_t>(values.size())) {
      model_.file()->read(*kept, values);
      return values;
    }
    Image image{input.width, input.height, {}};
    for (int64_t y = 0; y < input.height; ++y)
      for (int64_t x = 0; x < input.width; ++x)
        for (const int64_t level : {x * 255 / input.width, y * 255 / input.height, (x * y) % 256})
          image.pixels.push_back(static_cast<uint8_t>(level));
    const Preprocessor& preprocessor = model_.preprocessor();
    preprocessor.center(preprocessor.prepare(image), values);
    return values;
  }

  const Model& model_;
  WeightSource source_;
  std::optional<DataType> stored_;
};

}  // namespace

std::shared_ptr<const Model> convert_weights(const std::string& from, const std::string& to,
                                             const ConvertOptions& options) {
  const auto model = Model::open_file(from, options.network, options.limits);
  const Converter converter(*model, options.stored);
  std::vector<TensorToWrite> tensors = converter.weights();
  if (!options.plain) {
    add_mean_image(model->preprocessor(), tensors);
    converter.add_self_test(tensors);
  }
  write_safetensors(to, std::move(tensors), converter.metadata(), options.plain);
  return model;
}

}  // namespace alx
