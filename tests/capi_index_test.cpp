// Features of the C ABI from outside: in results, and in indexes of pictures.
#include <gtest/gtest.h>
#include <unistd.h>

#include <alexnet/alexnet.hpp>
#include <filesystem>
#include <fstream>

#include "capi_status.h"

namespace {

namespace fs = std::filesystem;

alexnet::SessionOptions with_layer(int64_t batch = 1) {
  alexnet::SessionOptions options;
  options.threads = 1;
  options.batch = batch;
  options.outputs = {"fc5"};
  return options;
}

std::vector<alexnet::Image> photographs() {
  std::vector<alexnet::Image> images;
  for (const auto& entry : fs::directory_iterator(fs::path(ALEXNET_SAMPLES) / "images"))
    if (entry.path().extension() == ".jpg")
      images.push_back(alexnet::Image::from_file(entry.path().string()));
  return images;
}

TEST(Features, ComeWithProbabilitiesInOnePass) {
  const alexnet::Model model;
  alexnet::Session session(model, with_layer(3)), plain(model);
  const std::vector<alexnet::Image> images = photographs();
  ASSERT_GE(images.size(), 4u);
  for (const int32_t crops : {1, 10}) {
    const alexnet::Result result = session.classify(images, crops);
    for (int64_t i = 0; i < result.count(); ++i) {
      const auto at = static_cast<size_t>(i);
      EXPECT_EQ(result.probabilities(i), plain.classify(images[at], crops).probabilities());
      const std::vector<float> alone = session.features(images[at], "fc5"),
                               given = result.features("fc5", i);
      ASSERT_EQ(given.size(), alone.size());
      EXPECT_EQ(given == alone, crops == 1);
      const alexnet::Result tensors = session.run(model.preprocess(images[at], crops));
      double sum = 0;
      for (int64_t crop = 0; crop < crops; ++crop) sum += tensors.features("fc5", crop)[7];
      EXPECT_EQ(given[7], static_cast<float>(sum / crops));
    }
    EXPECT_EQ(status_of([&] { result.features("fc6"); }), ALEXNET_ERROR_NOT_FOUND);
    EXPECT_EQ(status_of([&] { result.features("fc5", result.count()); }),
              ALEXNET_ERROR_INVALID_ARGUMENT);
  }
  EXPECT_EQ(status_of([&] { plain.classify(images[0]).features("fc5"); }), ALEXNET_ERROR_NOT_FOUND);
}

class IndexTest : public testing::Test {
 protected:
  IndexTest()
      : folder_(fs::temp_directory_path() / ("alexnet_index_" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
  }
  ~IndexTest() override { fs::remove_all(folder_); }
  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  fs::path folder_;
};

TEST_F(IndexTest, FindsThePictureItselfFirst) {
  const std::string images = std::string(ALEXNET_SAMPLES) + "/images";
  fs::copy(images, folder_ / "pictures");
  std::ofstream(folder_ / "pictures" / "broken.jpg") << "no picture";
  const alexnet::Model model;
  alexnet::Session session(model, with_layer(2));
  std::vector<int64_t> told;
  const auto written = alexnet::Index::create(
      session, "fc5", file("pictures"), file("index.safetensors"), [&](int64_t done, int64_t) {
        told.push_back(done);
        return true;
      });
  EXPECT_EQ(written.broken, 1);
  EXPECT_EQ(told.back(), written.pictures + written.broken);
  const alexnet::Index index(file("index.safetensors"));
  EXPECT_EQ(index.size(), written.pictures);
  EXPECT_EQ(index.layer(), "fc5");
  EXPECT_EQ(index.numbers(),
            static_cast<int64_t>(session.features(photographs()[0], "fc5").size()));
  for (const auto& entry : fs::directory_iterator(folder_ / "pictures")) {
    if (entry.path().extension() != ".jpg" || entry.path().stem() == "broken") continue;
    const auto image = alexnet::Image::from_file(entry.path().string());
    const auto found = index.search(session, image, 3);
    ASSERT_EQ(found.size(), 3u);
    EXPECT_EQ(found[0].path, entry.path().string());
    EXPECT_EQ(found[0].distance, 0);
    EXPECT_LE(found[1].distance, found[2].distance);
    const auto again = index.search(session.classify(image).features("fc5"), 100);
    EXPECT_EQ(static_cast<int64_t>(again.size()), index.size());
    EXPECT_EQ(again[1].picture, found[1].picture);
    EXPECT_EQ(again[1].distance, found[1].distance);
  }
}

TEST_F(IndexTest, RefusesWhatCannotBeCompared) {
  const std::string images = std::string(ALEXNET_SAMPLES) + "/images";
  const alexnet::Model model;
  alexnet::Session session(model, with_layer()), plain(model);
  const auto create = [&](alexnet::Session& with, const std::string& layer, const std::string& from,
                          const alexnet::Progress& progress = nullptr) {
    return status_of(
        [&] { alexnet::Index::create(with, layer, from, file("i.safetensors"), progress); });
  };
  EXPECT_EQ(create(plain, "fc5", images), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(create(session, "fc9", images), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(create(session, "fc5", file("nowhere")), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(create(session, "fc5", images, [](int64_t, int64_t) { return false; }),
            ALEXNET_ERROR_CANCELLED);
  EXPECT_FALSE(fs::exists(file("i.safetensors")));
  EXPECT_EQ(status_of([&] { alexnet::Index(file("i.safetensors")); }), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(status_of([] { alexnet::Index{ALEXNET_BUNDLED}; }), ALEXNET_ERROR_BAD_FILE);
  ASSERT_EQ(create(session, "fc5", images), ALEXNET_OK);
  const alexnet::Index index(file("i.safetensors"));
  const std::vector<alexnet::Image> all = photographs();
  const alexnet::Image& image = all[0];
  EXPECT_EQ(status_of([&] { index.search(plain, image); }), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(status_of([&] { index.search(std::vector<float>(3)); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  const alexnet::Model other = alexnet::Model::drawn("alexnet-cifar10", 10, 48);
  alexnet::Session another(other, with_layer());
  EXPECT_EQ(status_of([&] { index.search(another, image); }), ALEXNET_ERROR_INVALID_ARGUMENT);
}

}  // namespace
