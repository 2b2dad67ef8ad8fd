// Builds without the libraries of pictures say so, and read BMP and GIF.
#include <gtest/gtest.h>

#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

TEST(Image, PictureFilesAreUnsupported) {
  const std::string text = error_of([] { read_image(golden("rgb.png")); }, Code::unsupported);
  EXPECT_TRUE(has(text, "rgb.png"));
  EXPECT_TRUE(has(text, "ALEXNET_WITH_PICTURES"));
  EXPECT_TRUE(has(error_of([] { read_image("missing.png"); }, Code::not_found), "no such file"));
}

TEST(Image, BmpAndGifNeedNoLibrary) {
  for (const char* name : {"rgb_bmp", "palette_bmp", "bmp_565", "bmp_555"})
    EXPECT_EQ(difference(read_image(golden(std::string(name) + ".bmp")),
                         golden_ppm(std::string(name) + ".ppm")),
              0)
        << name;
  EXPECT_EQ(difference(read_image(golden("still.gif")), golden_ppm("still.ppm")), 0);
}

}  // namespace
}  // namespace alx
