// Temporary folders and raw bytes for the tests of weight files.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/error.h"
#include "core/path.h"
#include "temporary_folder.h"
#include "weights/weights.h"

namespace alx {

class TempDir {
 public:
  TempDir() : path_(new_folder("weights")) {}
  ~TempDir() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return to_utf8(path_ / to_path(name)); }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(path_), {}));
  }

 private:
  std::filesystem::path path_;
};

inline std::string load(const std::string& path) {
  std::ifstream in(to_path(path), std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

inline void save(const std::string& path, const std::string& bytes) {
  // some file systems sync to the disk when a file is cut and written again
  std::filesystem::remove(to_path(path));
  std::ofstream out(to_path(path), std::ios::binary);
  if (!out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush())
    // Windows keeps an open file's name
    fail(Code::io, path, ": cannot be written; is it still open?");
}

// A safetensors file of this header, exactly as it is given.
inline std::string raw_safetensors(const std::string& json, const std::string& data = "") {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(json.size() >> (8 * i));
  return bytes + json + data;
}

inline std::vector<float> values_of(const WeightFile& file, const std::string& name) {
  const TensorView* tensor = file.find(name);
  if (!tensor) fail(Code::not_found, "no tensor ", name);
  std::vector<float> values(static_cast<size_t>(element_count(tensor->shape)));
  file.read(*tensor, values);
  return values;
}

// Runs `act`, which must throw an Error of this code whose text holds every one of `parts`.
template <class Act>
void expect_error(Code code, std::initializer_list<const char*> parts, Act&& act) {
  try {
    act();
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    for (const char* part : parts)
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

}  // namespace alx
