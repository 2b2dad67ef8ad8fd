// Runs the program `alexnet` in a folder of its own.
#pragma once
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "core/random.h"

namespace alx {

namespace fs = std::filesystem;
using nlohmann::json;

inline std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// An uncompressed 24-bit BMP of noise over one colour.
inline std::string bmp(int width, int height, uint64_t seed, size_t bright) {
  const auto row = static_cast<size_t>((width * 3 + 3) / 4 * 4),
             size = 54 + row * static_cast<size_t>(height);
  std::string bytes(size, '\0');
  const auto put = [&](size_t at, uint32_t value) {
    for (size_t i = 0; i < 4; ++i) bytes[at + i] = static_cast<char>(value >> (8 * i));
  };
  bytes[0] = 'B', bytes[1] = 'M';
  put(2, static_cast<uint32_t>(size));
  put(10, 54);
  put(14, 40);
  put(18, static_cast<uint32_t>(width));
  put(22, static_cast<uint32_t>(height));
  put(26, 1 | (24u << 16));
  const Random random(seed, 1, 1);
  for (size_t i = 54; i < size; ++i)
    bytes[i] = static_cast<char>(random.below(i, 100) + ((i - 54) % row % 3 == bright ? 150u : 0u));
  return bytes;
}

struct Outcome {
  int code;
  std::string out, err;
  int64_t error_lines() const { return std::count(err.begin(), err.end(), '\n'); }
};

class Cli : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / ("alexnet_cli_test_" + std::to_string(getpid()));
    fs::create_directories(folder_);
    fs::current_path(folder_);
  }
  void TearDown() override {
    fs::current_path("/");
    fs::remove_all(folder_);
  }

  static Outcome run(const std::string& arguments) {
    const std::string line =
        std::string("'") + ALEXNET_PROGRAM + "' " + arguments + " >out.txt 2>err.txt </dev/null";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), bytes_of("out.txt"),
            bytes_of("err.txt")};
  }

  // Fails with this code, says so in one line that holds `part`, and prints nothing else.
  static void refuses(const std::string& arguments, int code, const std::string& part) {
    const Outcome result = run(arguments);
    EXPECT_EQ(result.code, code) << arguments << "\n" << result.err;
    EXPECT_EQ(result.error_lines(), 1) << arguments << "\n" << result.err;
    EXPECT_NE(result.err.find(part), std::string::npos) << arguments << "\n" << result.err;
    EXPECT_EQ(result.out, "") << arguments;
  }

  static void make_data(int pictures) {
    const char* classes[] = {"blue", "green", "red"};  // as BMP orders its bytes
    for (size_t c = 0; c < 3; ++c) {
      fs::create_directories(fs::path("data") / classes[c]);
      for (int i = 0; i < pictures; ++i)
        write(fs::path("data") / classes[c] / (std::to_string(i) + ".bmp"),
              bmp(12, 12, c * 1000 + static_cast<size_t>(i), c));
    }
  }

  static constexpr const char* small_run =
      "train --model alexnet-cifar10 --size 12 --data data --batch 8 --threads 1 --schedule "
      "constant --lr 0.005 ";

  const std::string samples_ = ALEXNET_SAMPLES "/images/";
  const std::string cat_ = std::string("'") + ALEXNET_SAMPLES + "/images/cat.jpg'";
  fs::path folder_;
};

}  // namespace alx
