// Weights for oneDNN, which lays them out as it likes; cut into equal parts of rows where several
// threads share a layer.
#pragma once
#include "backends/onednn/own_layout.h"
#include "backends/onednn/primitive.h"

namespace alx::onednn {

class PartsLayout final : public OwnLayout {
 public:
  // `plain`: one part, dense, in f32 and oneDNN's dimensions; `packed`: as oneDNN wants it.
  PartsLayout(Runtime runtime, int64_t parts, Md plain, Md packed)
      : runtime_(std::move(runtime)),
        parts_(parts),
        plain_(std::move(plain)),
        packed_(std::move(packed)) {}

  bool equals(const Layout& other) const override {
    const auto* same_kind = dynamic_cast<const PartsLayout*>(&other);
    return same_kind && same_kind->parts_ == parts_ && same_kind->packed_ == packed_;
  }
  size_t bytes() const override { return static_cast<size_t>(parts_) * packed_.get_size(); }
  std::string name() const override { return "blocked"; }

  int64_t row_step() const override { return parts_ == 1 ? 0 : rows(); }
  void pack(const float* dense, int64_t first, int64_t count, float* packed,
            const ParallelLoop& loop) const override {
    const size_t begin = parts_ == 1 ? 0 : static_cast<size_t>(first / rows());
    loop(parts_ == 1 ? 1 : count / rows(), [&](int64_t i) {
      const auto part = static_cast<size_t>(i);
      reorder(runtime_, plain_, at(dense, part, plain_), packed_,
              at(packed, begin + part, packed_));
    });
  }
  void unpack(const float* packed, float* dense) const override {
    for (size_t part = 0; part < static_cast<size_t>(parts_); ++part)
      reorder(runtime_, packed_, at(packed, part, packed_), plain_, at(dense, part, plain_));
  }

 private:
  int64_t rows() const { return plain_.get_dims()[0]; }
  static float* at(const float* memory, size_t part, const Md& md) {
    return reinterpret_cast<float*>(const_cast<char*>(reinterpret_cast<const char*>(memory)) +
                                    part * md.get_size());
  }

  const Runtime runtime_;
  const int64_t parts_;
  const Md plain_, packed_;
};

}  // namespace alx::onednn
