// Names of files in any script, through the core and through the C ABI: on Windows they are no text
// of its code page.
#include "core/path.h"

#include <alexnet/alexnet.h>

#include "data/dataset.h"
#include "golden_files.h"
#include "network/bundled.h"
#include "refusal.h"
#include "weights/weights.h"

namespace alx {
namespace {

// the last takes two units of UTF-16
const std::string kitten = "k\u00e4tzchen-\u732b", clef = "\U0001D11E";

TEST(Path, ComesBackAsItWent) {
  for (const std::string& name : {std::string(), std::string("a.b"), kitten, clef})
    EXPECT_EQ(to_utf8(to_path(name)), name);
  EXPECT_TRUE(to_path(kitten).u8string() == u8"k\u00e4tzchen-\u732b");
  EXPECT_TRUE(to_path(clef).u8string() == u8"\U0001D11E");
}

TEST(Path, ReasonsAreWords) {
  std::error_code error;
  std::filesystem::directory_iterator(to_path(kitten), error);
  EXPECT_GT(reason(error).size(), 10u) << reason(error);
  EXPECT_NE(reason(error).back(), '\n');
}

TEST(Path, WeightFilesAreWrittenAndMapped) {
  const TemporaryFolder folder;
  const std::string path = folder.write(kitten + clef + ".safetensors", "old");
  std::vector<TensorToWrite> tensors;
  tensors.push_back(make_tensor("a", {1}, {2}));
  write_safetensors(path, tensors, {});
  const WeightFile file = WeightFile::open(path);
  EXPECT_EQ(file.path(), path);
  EXPECT_EQ(file.tensors().size(), 1u);
  const auto entry = std::filesystem::directory_iterator(to_path(folder.path()));
  EXPECT_EQ(to_utf8(entry->path()), path);  // and no name beside it
  const std::string missing = folder.path() + "/" + kitten;
  EXPECT_TRUE(has(error_of([&] { WeightFile::open(missing); }, Code::not_found), kitten));
}

TEST(Path, SetsAreReadByClass) {
  const TemporaryFolder folder;
  folder.write(kitten + "/" + clef + ".PNG", "no picture");
  const auto set = Dataset::open(folder.path());
  EXPECT_EQ(set->classes(), std::vector<std::string>{kitten});
  EXPECT_TRUE(has(set->name(0), kitten));
  EXPECT_TRUE(has(error_of([&] { set->image(0); }, Code::bad_file), clef + ".PNG"));
}

TEST(Path, TheInterfaceTakesThem) {
  const TemporaryFolder folder;
  const std::string path = folder.write(kitten + ".safetensors", bytes_of(ALEXNET_BUNDLED));
  alexnet_model* model = nullptr;
  ASSERT_EQ(alexnet_model_open(nullptr, path.c_str(), nullptr, &model), ALEXNET_OK)
      << alexnet_last_error();
  alexnet_model_free(model);
  const std::string absent = path + "-";
  EXPECT_EQ(alexnet_model_open(nullptr, absent.c_str(), nullptr, &model), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_TRUE(has(alexnet_last_error(), kitten));
}

TEST(Path, BundledWeightsAreFoundBesideTheLibrary) {
  EXPECT_TRUE(has(bundled_weights("alexnet-cifar10"), "alexnet-cifar10.safetensors"));
  EXPECT_EQ(bundled_weights(kitten), "");
}

}  // namespace
}  // namespace alx
