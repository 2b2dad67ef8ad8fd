// A set as one archive of small pictures, so that training reads no large ones again: the paper's
// 256 x 256 (section 2).
#pragma once
#include <cstdint>
#include <functional>
#include <string>

#include "data/dataset.h"
#include "data/prepared.h"

namespace alx {

struct PackOptions {
  int64_t size = 256;  // short side to this, then the centre square
  bool raw = false;    // BMP: nothing is lost and nothing is decoded again; else JPEG
  int quality = 95;    // of JPEG, 1..100
  int threads = 0;     // 0: one for each core
  BrokenSink on_broken;
  // may throw to stop: then no file is made
  std::function<void(int64_t done, int64_t of)> progress;
};

struct Packed {
  int64_t pictures = 0, broken = 0;
};

// Writes a tar archive of CLASS/NUMBER.jpg or .bmp in the set's order, which Dataset::open takes.
// The file appears whole or not at all.
Packed pack_dataset(const Dataset& data, const std::string& path, const PackOptions& options);

}  // namespace alx
