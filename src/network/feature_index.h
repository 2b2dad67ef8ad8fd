// A file of pictures' features: which pictures, and by which network and layer. docs/search.md
// describes it.
#pragma once
#include <map>
#include <span>
#include <string>
#include <vector>

#include "network/session.h"

namespace alx {

constexpr const char* features_tensor = "features";  // F32, (pictures, ...shape of the layer)

// What is told of features beside their numbers. Paths stand as they were given.
struct FeatureSource {
  std::string model;      // file, or name of bundled weights
  std::string network;    // its zoo name
  std::string checksum;   // of its weights; empty: not known
  std::string input;      // its preprocessing, as `alexnet.input`; empty: not known
  std::string precision;  // "fp32"
  std::string layer;
  Shape shape;                      // of the layer, for one picture
  std::string folder;               // that `images` are named from; empty: none
  std::vector<std::string> images;  // one for each row
};

// of its weights and preprocessing
FeatureSource source_of(const Model& model, const std::string& name);
std::map<std::string, std::string> to_metadata(const FeatureSource& source);

bool is_feature_index(const WeightFile& file);

class FeatureIndex {
 public:
  // Throws bad_file where the file is damaged or no index, with what is missing.
  static FeatureIndex open(const std::string& path, const Limits& limits = {});

  const FeatureSource& source() const { return source_; }
  std::string image(int64_t row) const;  // its path: folder and name
  int64_t size() const { return static_cast<int64_t>(source_.images.size()); }
  int64_t dimension() const { return dimension_; }  // numbers of one picture
  std::span<const std::byte> rows() const { return file_.find(features_tensor)->data; }

  // Throws invalid_argument where features of this model cannot be compared with those here.
  void check_model(const Model& model) const;
  // And that its layer gives as many numbers as are here.
  void check_session(const Session& session) const;

 private:
  explicit FeatureIndex(WeightFile file) : file_(std::move(file)) {}
  WeightFile file_;
  FeatureSource source_;
  int64_t dimension_ = 0;
};

}  // namespace alx
