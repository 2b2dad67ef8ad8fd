// Where the numbers from outside lie: golden/ of the source tree, or what ALEXNET_TEST_GOLDEN
// names, for programs that were taken elsewhere.
#pragma once
#include <cstdlib>
#include <filesystem>

namespace alx {

inline std::filesystem::path golden_folder() {
  if (const char* elsewhere = std::getenv("ALEXNET_TEST_GOLDEN")) return elsewhere;
  return std::filesystem::path(ALEXNET_TEST_DATA).parent_path() / "golden";
}

}  // namespace alx
