// Reading golden/images, and folders for tests.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "data/image.h"
#include "golden_folder.h"
#include "temporary_folder.h"

namespace alx {

inline std::string golden(const std::string& name) {
  return (golden_folder() / "images" / name).string();
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << path;
  return {std::istreambuf_iterator<char>(in), {}};
}

// A golden PPM: "P6 width height 255" and bytes.
inline Image golden_ppm(const std::string& name) {
  std::ifstream in(golden(name), std::ios::binary);
  std::string magic;
  Image image;
  int depth = 0;
  in >> magic >> image.width >> image.height >> depth;
  in.get();
  EXPECT_EQ(magic, "P6") << name;
  image.pixels.resize(static_cast<size_t>(image.width * image.height * 3));
  in.read(reinterpret_cast<char*>(image.pixels.data()),
          static_cast<std::streamsize>(image.pixels.size()));
  EXPECT_TRUE(in) << name;
  return image;
}

inline std::vector<float> golden_floats(const std::string& name) {
  const std::string bytes = bytes_of(golden(name));
  std::vector<float> values(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), values.size() * sizeof(float), reinterpret_cast<char*>(values.data()));
  return values;
}

// Largest difference of a byte; 256 where sizes differ.
inline int difference(const Image& a, const Image& b) {
  if (a.width != b.width || a.height != b.height || a.pixels.size() != b.pixels.size()) return 256;
  int most = 0;
  for (size_t i = 0; i < a.pixels.size(); ++i)
    most = std::max(most, std::abs(a.pixels[i] - b.pixels[i]));
  return most;
}

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(to_utf8(new_folder("test"))) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(to_path(path_), ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }
  // Writes a file, with the folders above it; returns its path.
  std::string write(const std::string& name, const std::string& bytes) const {
    const auto path = to_path(path_) / to_path(name);
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return to_utf8(path);
  }

 private:
  std::string path_;
};

}  // namespace alx
