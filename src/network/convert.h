// One kind of weight file into another.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "network/model.h"

namespace alx {

struct ConvertOptions {
  std::string network;  // of a file that does not say it; empty: by its tensors
  // f32, f16 or bf16; none: as in the source, what has been int8 as f32
  std::optional<DataType> stored;
  bool plain = false;  // weights alone, as Python's strict load_state_dict takes them
  Limits limits;       // of what is read
};

// Reads a weight file of any kind and writes safetensors: with preprocessing, labels, checksums and
// a self-test, unless plain. Returns the model that was read.
std::shared_ptr<const Model> convert_weights(const std::string& from, const std::string& to,
                                             const ConvertOptions& options = {});

}  // namespace alx
