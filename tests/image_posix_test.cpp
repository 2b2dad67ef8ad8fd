// Files of POSIX that are no pictures.
#include <sys/stat.h>
#include <unistd.h>

#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

TEST(Image, ADeviceIsNone) {
  const std::string text = error_of([] { read_image("/dev/zero"); }, Code::bad_file);
  EXPECT_TRUE(has(text, "/dev/zero: is a device"));
}

TEST(Image, AFileThatMayNotBeRead) {
  const TemporaryFolder folder;
  const std::string locked = folder.write("locked.jpg", "x");
  ASSERT_EQ(chmod(locked.c_str(), 0), 0);
  if (geteuid() == 0) GTEST_SKIP() << "root may open every file";
  EXPECT_TRUE(has(error_of([&] { read_image(locked); }, Code::io), locked + ": cannot be opened"));
}

}  // namespace
}  // namespace alx
