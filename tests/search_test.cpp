// Files of features and the search in them.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/error.h"
#include "core/random.h"
#include "core/workers.h"
#include "models/zoo.h"
#include "network/feature_index.h"
#include "network/nearest.h"
#include "refusal.h"
#include "temporary_folder.h"

namespace alx {
namespace {

std::vector<float> noise(uint64_t seed, size_t count) {
  const Random random(seed, 1, 1);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; ++i) values[i] = std::max(0.f, random.normal(i));
  return values;
}

std::vector<Neighbour> in_double(std::span<const float> query, std::span<const float> rows,
                                 size_t k) {
  std::vector<Neighbour> all;
  for (size_t i = 0; i < rows.size() / query.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < query.size(); ++j) {
      const double difference =
          static_cast<double>(query[j]) - static_cast<double>(rows[i * query.size() + j]);
      sum += difference * difference;
    }
    all.push_back({static_cast<int64_t>(i), std::sqrt(sum)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.distance < b.distance; });
  all.resize(std::min(k, all.size()));
  return all;
}

void expect_same(const std::vector<Neighbour>& found, const std::vector<Neighbour>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].index, expected[i].index) << i;
    EXPECT_EQ(found[i].distance, expected[i].distance) << i;
  }
}

TEST(Nearest, AgreesWithSumsInDouble) {
  for (const size_t dimension : {1u, 15u, 16u, 17u, 192u, 4096u, 4099u}) {
    const std::vector<float> rows = noise(dimension, 301 * dimension),
                             query = noise(7777, dimension);
    for (const int threads : {0, 1, 3})
      expect_same(nearest(query, std::as_bytes(std::span(rows)), 6, *make_workers(threads)),
                  in_double(query, rows, 6));
  }
}

// Distances that float cannot tell apart, and equal ones.
TEST(Nearest, OrdersNearTiesAsDoubleDoes) {
  constexpr size_t dimension = 4096, count = 200;
  const std::vector<float> query = noise(1, dimension), other = noise(2, dimension);
  std::vector<float> rows;
  for (size_t i = 0; i < count; ++i) {
    rows.insert(rows.end(), other.begin(), other.end());
    if (i % 3 > 0) rows[i * dimension + i] = std::nextafter(other[i], i % 3 == 1 ? 9.f : -9.f);
  }
  for (const int64_t k : {1, 6, 100, 200, 1000})
    expect_same(nearest(query, std::as_bytes(std::span(rows)), k, *make_workers(2)),
                in_double(query, rows, static_cast<size_t>(k)));
}

TEST(Nearest, TakesRowsAtAnyAddressAndOfAnySize) {
  for (const float scale : {1e-25f, 1e-10f, 1.f, 1e12f}) {
    std::vector<float> rows = noise(3, 100 * 33), query = noise(4, 33);
    for (float& v : rows) v *= scale;
    for (float& v : query) v *= scale;
    std::vector<std::byte> shifted(rows.size() * sizeof(float) + 1);
    std::memcpy(shifted.data() + 1, rows.data(), shifted.size() - 1);
    expect_same(nearest(query, std::span(shifted).subspan(1), 5, *make_workers(1)), in_double(query, rows, 5));
  }
}

TEST(Nearest, RefusesWhatHasNoDistance) {
  std::vector<float> rows = noise(5, 10 * 20);
  const std::vector<float> query = noise(6, 20);
  EXPECT_TRUE(nearest(query, {}, 6, *make_workers(1)).empty());
  for (const float wrong :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), 3e38f}) {
    rows[7 * 20 + 3] = wrong;
    error_of([&] { nearest(query, std::as_bytes(std::span(rows)), 1, *make_workers(1)); }, Code::bad_file);
  }
  error_of([&] { nearest(query, std::as_bytes(std::span(rows)).subspan(4), 1, *make_workers(1)); },
           Code::invalid_argument);
}

class Index : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }

  // As Python's safetensors.numpy.save_file writes it: nothing of ours, no checksums, no padding
  // to 64.
  std::string as_python(std::map<std::string, std::string> metadata, const Shape& shape,
                        const std::vector<float>& rows, const std::string& type = "F32") const {
    const std::string header =
        nlohmann::json{{"__metadata__", metadata},
                       {"features",
                        {{"dtype", type},
                         {"shape", shape},
                         {"data_offsets", {0, rows.size() * sizeof(float)}}}}}
            .dump();
    const uint64_t size = header.size();
    std::ofstream out(file("python.safetensors"), std::ios::binary);
    out.write(reinterpret_cast<const char*>(&size), sizeof size) << header;
    out.write(reinterpret_cast<const char*>(rows.data()),
              static_cast<std::streamsize>(rows.size() * sizeof(float)));
    return file("python.safetensors");
  }

  const std::filesystem::path folder_ = new_folder("search");
};

FeatureSource source_with(std::vector<std::string> images) {
  FeatureSource source{
      "net.safetensors", "alexnet-cifar10", std::string(32, 'a'), "{}", "fp32", "fc5", {2, 3},
      "photos",          std::move(images)};
  return source;
}

TEST_F(Index, RowsThatComeOneAfterTheOtherReadBack) {
  const std::vector<float> rows = noise(8, 5 * 6);
  const FeatureSource longest =
      source_with({"a.png", "b \"quoted\".png", "broken.png", "sub/c.png", "d.png", "e.png"});
  RowWriter writer(file("x.safetensors"), features_tensor, {2, 3}, 6, to_metadata(longest));
  writer.add(std::span(rows).first(12));
  writer.add({});
  writer.add(std::span(rows).subspan(12));
  EXPECT_FALSE(std::filesystem::exists(file("x.safetensors")));
  writer.finish(
      to_metadata(source_with({"a.png", "b \"quoted\".png", "sub/c.png", "d.png", "e.png"})));
  EXPECT_EQ(files(), 1u);

  const FeatureIndex index = FeatureIndex::open(file("x.safetensors"));
  EXPECT_EQ(index.size(), 5);
  EXPECT_EQ(index.dimension(), 6);
  EXPECT_EQ(index.source().shape, (Shape{2, 3}));
  EXPECT_EQ(index.source().layer, "fc5");
  EXPECT_EQ(index.source().model, "net.safetensors");
  EXPECT_EQ(index.image(2), (std::filesystem::path("photos") / "sub/c.png").string());
  EXPECT_EQ(std::memcmp(index.rows().data(), rows.data(), index.rows().size()), 0);
  EXPECT_TRUE(WeightFile::open(file("x.safetensors")).faults().empty());
}

TEST_F(Index, AnUnfinishedOneLeavesNothing) {
  {
    RowWriter writer(file("x.safetensors"), features_tensor, {4}, 2,
                     to_metadata(source_with({"a.png", "b.png"})));
    writer.add(noise(1, 4));
    error_of([&] { writer.add(noise(1, 3)); }, Code::invalid_argument);
    error_of([&] { writer.add(noise(1, 8)); }, Code::invalid_argument);
    const auto longer = to_metadata(source_with({"a.png", std::string(500, 'b')}));
    error_of([&] { writer.finish(longer); }, Code::invalid_argument);
  }
  EXPECT_EQ(files(), 0u);
}

TEST_F(Index, OneMadeInPythonIsRead) {
  const std::vector<float> rows = noise(9, 3 * 4);
  const std::map<std::string, std::string> metadata{
      {"alexnet.features.layer", "fc5"},
      {"alexnet.features.images", R"(["a.png", "猫.png", "c.png"])"}};
  const FeatureIndex index = FeatureIndex::open(as_python(metadata, {3, 4}, rows));
  EXPECT_EQ(index.size(), 3);
  EXPECT_EQ(index.image(1), "猫.png");
  const auto found = nearest(std::span(rows).subspan(4, 4), index.rows(), 1, *make_workers(1));
  EXPECT_EQ(found.front().index, 1);
  EXPECT_EQ(found.front().distance, 0);
}

TEST_F(Index, RefusesWhatIsNoIndex) {
  const std::vector<float> rows = noise(9, 3 * 4);
  const std::string images = "alexnet.features.images", layer = "alexnet.features.layer";
  const auto refused = [&](std::map<std::string, std::string> metadata, const Shape& shape,
                           const std::string& part) {
    EXPECT_TRUE(
        has(error_of([&] { FeatureIndex::open(as_python(metadata, shape, rows)); }, Code::bad_file),
            part));
  };
  refused({}, {3, 4}, "no index");
  refused({{layer, "fc5"}}, {3, 4}, images);
  refused({{layer, "fc5"}, {images, "[]"}}, {3, 4}, "0 names");
  refused({{layer, "fc5"}, {images, "[1, 2, 3]"}}, {3, 4}, "list of texts");
  refused({{layer, "fc5"}, {images, R"(["a", "b"])"}}, {3, 4}, "2 names of pictures for 3 rows");
  refused({{layer, "fc5"}, {images, R"(["a"])"}}, {12}, "a row for each picture");
  const auto cut = as_python({{layer, "fc5"}, {images, R"(["a", "b", "c"])"}}, {3, 4}, rows);
  for (const uintmax_t less : {1u, 40u, 100u}) {
    std::filesystem::resize_file(cut, std::filesystem::file_size(cut) - less);
    error_of([&] { FeatureIndex::open(cut); }, Code::bad_file);
  }
}

TEST_F(Index, KnowsItsModel) {
  NetSpec spec = make_model("alexnet-cifar10", {10, 12, 12});
  const auto save = [&](const std::string& name, float value, DataType type) {
    std::vector<TensorToWrite> tensors;
    for (const ParamSpec& param : params_of(spec))
      tensors.push_back(make_tensor(
          param.name, param.shape,
          std::vector<float>(static_cast<size_t>(element_count(param.shape)), value), type));
    write_safetensors(
        file(name), std::move(tensors),
        {{"alexnet.model", "alexnet-cifar10/1"}, {"alexnet.input", to_json(spec.input)}});
    return Model::open(file(name));
  };
  const auto one = save("one.safetensors", 0.5f, DataType::f32);
  FeatureSource source = source_of(*one, "one.safetensors");
  source.layer = "fc5";
  source.images = {"a.png"};
  RowWriter writer(file("x.safetensors"), features_tensor, {4}, 1, to_metadata(source));
  writer.add(noise(1, 4));
  writer.finish(to_metadata(source));
  const FeatureIndex index = FeatureIndex::open(file("x.safetensors"));
  index.check_model(*one);
  const auto other = save("other.safetensors", 0.25f, DataType::f32);
  EXPECT_TRUE(has(error_of([&] { index.check_model(*other); }), "other weights"));
  spec.input.mean = {0, 0, 0};
  const auto shifted = save("shifted.safetensors", 0.5f, DataType::f32);
  EXPECT_TRUE(has(error_of([&] { index.check_model(*shifted); }), "other preprocessing"));
}

}  // namespace
}  // namespace alx
