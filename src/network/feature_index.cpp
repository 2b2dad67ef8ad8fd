#include "network/feature_index.h"

#include <algorithm>

#include "core/error.h"
#include "core/path.h"
#include "weights/json.h"

namespace alx {
namespace {

constexpr const char* index_model = "alexnet.features.model";
constexpr const char* index_network = "alexnet.features.network";
constexpr const char* index_checksum = "alexnet.features.weights_checksum";
constexpr const char* index_input = "alexnet.features.input";
constexpr const char* index_precision = "alexnet.features.precision";
constexpr const char* index_layer = "alexnet.features.layer";
constexpr const char* index_shape = "alexnet.features.shape";
constexpr const char* index_folder = "alexnet.features.folder";
constexpr const char* index_images = "alexnet.features.images";

// Of what stands in messages.
std::string text_of(const WeightFile& file, const char* key) {
  constexpr size_t longest = 4096;
  std::string text = file.metadata(key);
  check(text.size() <= longest, Code::bad_file, file.path(), ": ", key, " has over ", longest,
        " bytes");
  return text;
}

std::vector<std::string> images_of(const WeightFile& file) {
  // A name for each row: the features, which lie in the file, bound how many there are.
  Limits limits = file.limits();
  limits.items = std::max(
      limits.items, static_cast<int64_t>(file.find(features_tensor)->data.size() / sizeof(float)));
  const Document document{
      parse_json(file.metadata(index_images), cat(file.path(), ": ", index_images), limits)};
  const auto bad = [&] {
    fail(Code::bad_file, file.path(), ": ", index_images, " is not a JSON list of texts");
  };
  if (!document.json.is_array()) bad();
  std::vector<std::string> images;
  for (const auto& image : document.json) {
    if (!image.is_string()) bad();
    images.push_back(image.get<std::string>());
  }
  return images;
}

}  // namespace

FeatureSource source_of(const Model& model, const std::string& name) {
  FeatureSource source;
  source.model = name;
  source.network = model.spec().id;
  source.checksum = model.file() ? model.file()->checksum() : "";
  source.input = to_json(model.spec().input);
  return source;
}

std::map<std::string, std::string> to_metadata(const FeatureSource& source) {
  return {{index_model, source.model},
          {index_network, source.network},
          {index_checksum, source.checksum},
          {index_input, source.input},
          {index_precision, source.precision},
          {index_layer, source.layer},
          {index_shape, nlohmann::json(source.shape).dump()},
          {index_folder, source.folder},
          {index_images, nlohmann::json(source.images).dump()}};
}

bool is_feature_index(const WeightFile& file) { return file.metadata().contains(index_images); }

FeatureIndex FeatureIndex::open(const std::string& path, const Limits& limits) {
  FeatureIndex index(WeightFile::open(path, limits));
  const WeightFile& file = index.file_;
  const TensorView* features = file.find(features_tensor);
  check(features && !file.metadata(index_layer).empty() && !file.metadata(index_images).empty(),
        Code::bad_file, path, ": no index of features: it has no ",
        features ? index_layer : "tensor 'features'",
        features ? cat(" or no ", index_images) : std::string(), "; `alexnet features` makes one");
  check(features->type == DataType::f32 && features->shape.size() >= 2, Code::bad_file, path,
        ": its features must be F32 and have a row for each picture, but are ",
        name_of(features->type), ", ", to_string(features->shape));
  index.source_ = {text_of(file, index_model),
                   text_of(file, index_network),
                   text_of(file, index_checksum),
                   text_of(file, index_input),
                   text_of(file, index_precision),
                   text_of(file, index_layer),
                   {features->shape.begin() + 1, features->shape.end()},
                   text_of(file, index_folder),
                   images_of(file)};
  check(index.size() == features->shape.front(), Code::bad_file, path, ": there are ", index.size(),
        " names of pictures for ", features->shape.front(), " rows of features");
  index.dimension_ = element_count(index.source_.shape);
  check(index.size() > 0 && index.dimension_ > 0, Code::bad_file, path, ": its features are empty");
  return index;
}

std::string FeatureIndex::image(int64_t row) const {
  const std::string& name = source_.images.at(static_cast<size_t>(row));
  return source_.folder.empty() ? name : to_utf8(to_path(source_.folder) / to_path(name));
}

void FeatureIndex::check_model(const Model& model) const {
  const auto refuse = [&](const char* what) {
    fail(Code::invalid_argument, model.description(), " has other ", what, " than ",
         source_.model.empty() ? "the model" : source_.model, " had when ", file_.path(),
         " was made, so their features cannot be compared: give that model with --model, or make "
         "the index again");
  };
  if (!source_.checksum.empty() && model.file() && model.file()->checksum() != source_.checksum)
    refuse("weights");
  if (!source_.input.empty() && to_json(model.spec().input) != source_.input)
    refuse("preprocessing");
}

void FeatureIndex::check_session(const Session& session) const {
  check_model(session.model());
  const Shape shape = session.network().shape(source_.layer);
  const int64_t numbers = element_count(shape) / shape.front();
  check(numbers == dimension_, Code::invalid_argument, file_.path(), " holds ", dimension_,
        " numbers a picture, but ", source_.layer, " of ", session.model().description(), " gives ",
        numbers);
}

}  // namespace alx
