#include "backends/onednn/winograd.h"

#include <algorithm>
#include <optional>

#include "backends/onednn/activation.h"
#include "backends/onednn/winograd_gradient.h"
#include "backends/vectors/elementwise.h"
#include "core/text.h"

namespace alx::onednn {
namespace {

class WinogradStage final : public Stage {
 public:
  WinogradStage(const Conv& op, const StageRequest& request, const WinogradForm& form)
      : runtime_(request.runtime),
        form_(form),
        activation_(op.activation),
        training_(request.training),
        forward_(runtime_, *form.tiles, form.in, form.out, form.weights.deep(), form.top,
                 form.left) {
    input = form.blocks && form.blocks->dense ? TensorDesc{request.input.shape, DataType::f32, {}}
                                              : channels_last(request.input.shape);
    output = channels_last(output_shapes(op, {request.input.shape})[0]);
    describe_params(op);
    implementation = cat("winograd ", form.tiles->outputs, "x", form.tiles->outputs,
                         form.blocks ? cat(" over ", op.stride, "x", op.stride) : "", ": ",
                         runtime_.vectors_name());
    blocks_workspace_ = form.blocks ? whole_lines(form.blocks->floats() * images()) : 0;
    const int64_t at_once = form.blocks ? 1 : group_size(runtime_, images());
    scratch = forward_.run_scratch(at_once * forward_.tiles_of_image()) + block_floats();
    weights_workspace_ = training_ ? whole_lines(forward_.weights().floats()) : 0;
    if (runtime_.cuts_images(images()))
      forward_workspace = bytes_of(blocks_workspace_ + forward_.parts_workspace(images()));
    forward_workspace += bytes_of(weights_workspace_);
    if (training_) prepare_training(request);
  }

  void bind(const Binding& binding) override {
    weights_ = static_cast<const float*>(binding.params[0]);
    bias_ = static_cast<const float*>(binding.params[1]);
    workspace_ = static_cast<float*>(binding.forward_workspace);
    if (gradient_) gradient_->bind(binding);
  }

  void begin_forward() override {
    if (!training_) return;
    const WeightPoints& to = forward_.weights();
    each_range(runtime_, to.groups * to.deep, 4, [&](int64_t first, int64_t last) {
      weights_to_points(to, form_.weights.reach, false, weights_, workspace_, first, last);
    });
  }

  void forward(const Images& i, float* memory) const override {
    if (form_.blocks) {
      float *blocks = memory, *rest = memory + block_floats();
      for (int64_t image = 0; image < i.count; ++image) {
        form_.blocks->gather(i.x() + image * in_elements(), blocks, 0, form_.blocks->down);
        forward_.run(operands(blocks, i.y() + image * out_elements()),
                     {0, forward_.tiles_of_image()}, rest);
      }
    } else {
      forward_.run(operands(i.x(), i.y()), {0, i.count * forward_.tiles_of_image()}, memory);
    }
    if (activation_ == Activation::tanh)
      vectors::activate(runtime_.target, activation_, i.y(), i.y(), i.count * out_elements());
  }

  void forward_in_parts(const Images& i) const override {
    float* workspace = workspace_ + weights_workspace_;
    const float* x = i.x();
    if (form_.blocks) {
      gather_in_parts(i, workspace);
      x = workspace, workspace += blocks_workspace_;
    }
    forward_.run_in_parts(operands(x, i.y()), i.count, workspace);
    if (activation_ == Activation::tanh)
      activate(runtime_, activation_, i.y(), i.y(), i.count * out_elements());
  }

  void backward(const Gradients& g) override { gradient_->run(g); }

 private:
  int64_t block_floats() const { return form_.blocks ? whole_lines(form_.blocks->floats()) : 0; }

  void describe_params(const Conv& op) {
    const BlockWeights& w = form_.weights;
    std::shared_ptr<const Layout> layout;
    if (training_)
      layout = std::make_shared<BlockLayout>(w);
    else
      layout = std::make_shared<PointsLayout>(w, forward_.weights());
    params = {{{op.out, w.in, op.kernel, op.kernel}, DataType::f32, std::move(layout)},
              {{op.out}, DataType::f32, nullptr}};
  }

  void prepare_training(const StageRequest& request) {
    gradient_.emplace(runtime_, form_, forward_, images(), activation_, request.wants_grad);
    backward_workspace = bytes_of(gradient_->workspace());
    backward_reads_inputs = true;
    backward_reads_outputs = activation_ != Activation::none;
  }

  Tiling::Operands operands(const float* in, float* out) const {
    return {in, out, training_ ? workspace_ : weights_, bias_, activation_ == Activation::relu};
  }

  void gather_in_parts(const Images& i, float* to) const {
    const Blocks& blocks = *form_.blocks;
    each_rows(runtime_, i.count, blocks.down, [&](int64_t image, int64_t first, int64_t last) {
      blocks.gather(i.x() + image * in_elements(), to + image * blocks.floats(), first, last);
    });
  }

  const Runtime& runtime_;
  const WinogradForm form_;
  const Activation activation_;
  const bool training_;
  const Tiling forward_;
  std::optional<WinogradGradient> gradient_;
  int64_t weights_workspace_ = 0, blocks_workspace_ = 0;  // floats
  const float *weights_ = nullptr, *bias_ = nullptr;
  float* workspace_ = nullptr;
};

// How many outputs a tile is made of: as few products as can be. It does not depend on the batch,
// so that a picture's numbers do not.
const vectors::Tiles* choose_tiles(vectors::Target target, int64_t reach, const Side& out) {
  const vectors::Tiles* best = nullptr;
  int64_t least = 0;
  for (const int outputs : {4, 5}) {
    const auto* tiles = vectors::winograd_tiles(target, outputs, static_cast<int>(reach));
    if (!tiles) continue;
    const int64_t products = divide_up<int64_t>(out.height, outputs) *
                             divide_up<int64_t>(out.width, outputs) * tiles->points();
    if (!best || products < least) best = tiles, least = products;
  }
  return best;
}

// Channels come in whole vectors, or the picture is gathered into blocks that do.
std::optional<WinogradForm> form_of(const Conv& op, const StageRequest& request) {
  const vectors::Target target = request.runtime.target;
  const Shape &in = request.input.shape, out = output_shapes(op, {in})[0];
  const int64_t lanes = vectors::lanes(target), channels = in[1] / op.groups;
  const bool gathered = op.stride > 1 || channels % lanes != 0;
  const int64_t blocks_long = divide_up(op.kernel, op.stride);
  if (blocks_long < 2 || blocks_long > 5 || (op.stride == 1 && op.kernel % 2 == 0)) return {};
  if (op.out / op.groups % lanes != 0 || (gathered && op.groups > 1)) return {};
  if (op.stride == 1 && channels < lanes) return {};  // their transforms would cost most

  WinogradForm form;
  form.weights = {op.kernel, op.stride, blocks_long > 3 ? 5 : 3,
                  op.groups, channels,  op.out / op.groups};
  form.out = {out[2], out[3], op.out / op.groups, op.groups};
  form.in = {in[2], in[3], channels, op.groups};
  form.top = op.pad.top, form.left = op.pad.left;
  if (gathered) {
    const int64_t more = form.weights.reach - 1;
    form.blocks = Blocks{op.stride,
                         in[1],
                         in[2],
                         in[3],
                         op.pad.top,
                         op.pad.left,
                         out[2] + more,
                         out[3] + more,
                         round_up(form.weights.deep(), lanes),
                         !is_channels_last(request.input)};
    form.in = {form.blocks->down, form.blocks->across, form.blocks->padded, 1};
    form.top = form.left = 0;
  }
  form.tiles = choose_tiles(target, form.weights.reach, form.out);
  return form;
}

}  // namespace

std::unique_ptr<Stage> make_stage_of(const Conv& op, const StageRequest& request) {
  const auto form = form_of(op, request);
  if (!form) return make_direct_stage(op, request);
  return std::make_unique<WinogradStage>(op, request, *form);
}

}  // namespace alx::onednn
