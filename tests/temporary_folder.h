// Folders for tests.
#pragma once
#include <gtest/gtest.h>

#include <filesystem>
#include <random>
#include <string>

#include "core/error.h"
#include "core/path.h"

namespace alx {

// A new, empty folder in the system's place for temporary ones.
inline std::filesystem::path new_folder(const std::string& name) {
  std::random_device device;
  while (true) {
    const auto path = std::filesystem::temp_directory_path() / cat("alexnet-", name, "-", device());
    if (std::filesystem::create_directory(path)) return path;
  }
}

}  // namespace alx
