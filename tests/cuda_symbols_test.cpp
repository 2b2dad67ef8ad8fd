// The real libraries of CUDA on this machine, which need no GPU for this: every function that the
// backend calls is in them, with the type that the headers give it, and is found when the backend
// loads them itself.
#include <gtest/gtest.h>

#include <filesystem>

#include "backends/cudnn/api.h"
#include "backends/registry.h"

namespace alx::cudnn {
namespace {

TEST(CudaLibraries, HaveEveryFunctionThatIsCalled) {
  Api linked;
#define ALX_FUNCTION(library, name) linked.name = static_cast<decltype(Api::name)>(&::name);
#include "backends/cudnn/functions.inc"
  use_api(nullptr);
  const Api& loaded = api();
  // A program that links a library and loads it again gets the same one.
#define ALX_FUNCTION(library, name) EXPECT_EQ(loaded.name, linked.name) << #name;
#include "backends/cudnn/functions.inc"
  EXPECT_TRUE(has_nccl(loaded));
}

TEST(CudaLibraries, TellTheirVersions) {
  EXPECT_NE(library_versions(api()).find("CUDA 13."), std::string::npos) << library_versions(api());
  EXPECT_NE(library_versions(api()).find("cuDNN 9."), std::string::npos) << library_versions(api());
}

TEST(CudaLibraries, TellWhereTheyCameFrom) {
  const std::vector<LibraryInfo> list = libraries(api());
  ASSERT_EQ(list.size(), 4u);
  for (const LibraryInfo& library : list) {
    EXPECT_TRUE(std::filesystem::is_regular_file(library.file))
        << library.name << ": " << library.file;
    EXPECT_NE(library.file.find(library.name == "CUDA" ? "cudart" : "lib"), std::string::npos)
        << library.file;
    EXPECT_NE(library.version.find('.'), std::string::npos)
        << library.name << " " << library.version;
  }
}

TEST(CudaLibraries, WithoutAGpuTheReasonIsGivenInWords) {
  size_t gpus = 0;
  for (const DeviceInfo& device : list_devices()) {
    if (!device.name.starts_with("cuda:")) continue;
    ++gpus;
    EXPECT_NE(device.usable, device.description.empty());
    EXPECT_EQ(device.usable, device.reason.empty());
  }
  EXPECT_GE(gpus, 1u);
}

}  // namespace
}  // namespace alx::cudnn
