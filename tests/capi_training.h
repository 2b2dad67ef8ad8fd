// A small set of pictures, and trainers over it, for tests of the C ABI.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <alexnet/alexnet.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

namespace fs = std::filesystem;

inline std::string be32(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

// for training, as few as will do: an emulator runs this with plain loops
constexpr int pictures = 24;

// 12x12 grey pictures as idx files; the class, of three, is how bright they are.
inline void write_set(const fs::path& folder, const std::string& part, uint32_t count) {
  std::string pixels, labels;
  for (uint32_t i = 0; i < count; ++i) {
    labels += static_cast<char>(i % 3);
    for (uint32_t p = 0; p < 144; ++p)
      pixels += static_cast<char>(i % 3 * 80 + (i * 31 + p * 17) % 60);
  }
  fs::create_directories(folder);
  std::ofstream(folder / (part + "-images-idx3-ubyte"), std::ios::binary)
      << be32(0x803) << be32(count) << be32(12) << be32(12) << pixels;
  std::ofstream(folder / (part + "-labels-idx1-ubyte"), std::ios::binary)
      << be32(0x801) << be32(count) << labels;
}

class CapiTrain : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = fs::temp_directory_path() / ("alexnet_capi_train_test_" + std::to_string(::getpid()));
    write_set(folder, "train", pictures);
    write_set(folder, "t10k", 24);
    data = std::make_unique<alexnet::Dataset>(folder.string());
  }
  static void TearDownTestSuite() {
    data.reset();
    fs::remove_all(folder);
  }
  static std::string path(const std::string& name) { return (folder / name).string(); }
  static alexnet::TrainOptions options() {
    alexnet::TrainOptions options;
    options.epochs = 4;
    options.batch = 8;
    options.learning_rate = 0.01;
    options.input_size = 12;
    options.threads = 1;
    return options;
  }
  static alexnet::Trainer trainer() {
    return alexnet::Trainer("alexnet-cifar10", *data, options());
  }
  static std::vector<float> weights_of(const std::string& file) {
    const alexnet::Weights weights(file);
    std::vector<float> all;
    for (const auto& tensor : weights.tensors())
      for (const float value : weights.read(tensor)) all.push_back(value);
    return all;
  }
  static inline fs::path folder;
  static inline std::unique_ptr<alexnet::Dataset> data;
};
