// Builds without OpenCV say so.
#include <gtest/gtest.h>

#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

TEST(Image, PictureFilesAreUnsupported) {
  const std::string text = error_of([] { read_image(golden("rgb.png")); }, Code::unsupported);
  EXPECT_TRUE(has(text, "rgb.png"));
  EXPECT_TRUE(has(text, "ALEXNET_WITH_OPENCV"));
  EXPECT_TRUE(has(error_of([] { read_image("missing.png"); }, Code::not_found), "no such file"));
}

}  // namespace
}  // namespace alx
