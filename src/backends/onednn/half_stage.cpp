#include "backends/onednn/stage.h"
#include "backends/vectors/half.h"

namespace alx::onednn {
namespace {

class HalfStage final : public Stage {
 public:
  HalfStage(std::unique_ptr<Stage> stage, const StageRequest& request)
      : runtime_(request.runtime), stage_(std::move(stage)) {
    const DataType type = request.types.activations;
    const auto as_half = [&](const TensorDesc& desc) {
      return desc.layout ? channels_last(desc.shape, type) : TensorDesc{desc.shape, type, nullptr};
    };
    input = as_half(stage_->input), output = as_half(stage_->output);
    implementation = stage_->implementation;
    scratch = x_floats() + y_floats() + stage_->scratch;
    if (runtime_.cuts_images(images()))
      forward_workspace = bytes_of(images() * (in_elements() + out_elements()));
  }

  void bind(const Binding& binding) override {
    workspace_ = static_cast<float*>(binding.forward_workspace);
  }

  void forward(const Images& i, float* memory) const override {
    float *x = memory, *y = x + x_floats(), *rest = y + y_floats();
    for (int64_t image = 0; image < i.count; ++image) {
      to_f32(i.in, image * in_elements(), in_elements(), x);
      stage_->forward({x, y, nullptr, 1}, rest);
      from_f32(y, out_elements(), i.out, image * out_elements());
    }
  }

  void forward_in_parts(const Images& i) const override {
    float *x = workspace_, *y = x + i.count * in_elements();
    each_range(runtime_, i.count * in_elements(), 4096,
               [&](int64_t first, int64_t last) { to_f32(i.in, first, last - first, x + first); });
    stage_->forward_in_parts({x, y, nullptr, i.count});
    each_range(runtime_, i.count * out_elements(), 4096, [&](int64_t first, int64_t last) {
      from_f32(y + first, last - first, i.out, first);
    });
  }

 private:
  int64_t x_floats() const { return whole_lines(in_elements()); }
  int64_t y_floats() const { return whole_lines(out_elements()); }
  void to_f32(const void* from, int64_t first, int64_t count, float* to) const {
    vectors::to_f32(runtime_.target, input.type, static_cast<const uint16_t*>(from) + first, to,
                    count);
  }
  void from_f32(const float* from, int64_t count, void* to, int64_t first) const {
    vectors::from_f32(runtime_.target, output.type, from, static_cast<uint16_t*>(to) + first,
                      count);
  }

  const Runtime& runtime_;
  const std::unique_ptr<Stage> stage_;
  float* workspace_ = nullptr;
};

}  // namespace

std::unique_ptr<Stage> in_half(std::unique_ptr<Stage> stage, const StageRequest& request) {
  return std::make_unique<HalfStage>(std::move(stage), request);
}

}  // namespace alx::onednn
