#include "backends/vectors/dropout.h"

#include "backends/onednn/kernels.h"

namespace alx::onednn {
namespace {

// The mask is a pure function of seed, name, step and index: backward draws it again. An element's
// index is that of a dense tensor, wherever its layout puts it.
class DropoutKernel final : public Kernel {
 public:
  DropoutKernel(const Dropout& op, const Context& context)
      : runtime_(context.runtime),
        op_(op),
        layer_(context.request.layer),
        training_(context.training()),
        stream_(hash_name(layer_.layer)),
        step_(context.request.step) {
    const Shape& shape = context.in().shape;
    const bool last = is_channels_last(context.in());
    channels_ = last ? shape[1] : 1;
    images_ = shape[0];
    pixels_ = element_count(shape) / images_ / channels_;
    const TensorDesc desc = last ? context.in() : TensorDesc{shape, DataType::f32, nullptr};
    spec_.inputs = spec_.outputs = {desc};
    spec_.implementation = runtime_->vectors_name();
    spec_.in_place = spec_.grad_in_place = true;
    spec_.alias = op.inverted && !training_;
    add_gradients(spec_, context.request);
  }
  void bind(const Binding& binding) override { binding_ = binding; }

  void forward() override {
    const auto* from = static_cast<const float*>(binding_.inputs[0]);
    auto* to = static_cast<float*>(binding_.outputs[0]);
    if (spec_.alias) return;
    if (training_) return apply(from, to);
    each_range(*runtime_, images_ * pixels_ * channels_, 4096, [&](int64_t first, int64_t last) {
      vectors::multiply_by(runtime_->target, 1 - op_.drop, from + first, to + first, last - first);
    });
  }
  void backward() override {
    if (void* grad = binding_.input_grads[0])
      apply(static_cast<const float*>(binding_.output_grads[0]), static_cast<float*>(grad));
  }

 private:
  void apply(const float* from, float* to) const {
    const Random random(step_->seed, stream_, step_->step);
    const auto row = static_cast<uint64_t>(pixels_ * channels_),
               image = static_cast<uint64_t>(step_->first_image + layer_.images * images_);
    const float scale = op_.inverted ? static_cast<float>(1 / (1.0 - op_.drop)) : 1.f;
    // Dense elements draw one number after the other; of a pixel's channels each is a plane
    // further.
    const int64_t run = channels_ > 1 ? channels_ : pixels_, runs = pixels_ * channels_ / run;
    const auto step = static_cast<uint64_t>(channels_ > 1 ? pixels_ : 1);
    each_range(*runtime_, images_ * runs, 1, [&](int64_t first, int64_t last) {
      for (int64_t i = first; i < last; ++i) {
        const auto start = static_cast<uint64_t>(i / runs) * row + static_cast<uint64_t>(i % runs);
        const uint64_t index = mask_index(start, row, image, static_cast<uint64_t>(layer_.first),
                                          static_cast<uint64_t>(layer_.whole));
        vectors::dropout(runtime_->target, random, {index, step}, op_.drop, scale, from + i * run,
                         to + i * run, run);
      }
    });
  }

  const std::shared_ptr<const Runtime> runtime_;
  const Dropout op_;
  const LayerPart layer_;
  const bool training_;
  const uint64_t stream_;
  const StepContext* const step_;
  int64_t images_, pixels_, channels_;  // channels: 1 where they are not side by side
  Binding binding_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Dropout& op, const Context& context) {
  if (context.request.types != NodeTypes{}) return plain_kernel(op, context);
  return std::make_unique<DropoutKernel>(op, context);
}

}  // namespace alx::onednn
