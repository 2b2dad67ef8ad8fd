// Pooling, local response normalisation and activations as stages.
#include "backends/onednn/activation.h"
#include "backends/onednn/stage.h"
#include "backends/vectors/elementwise.h"
#include "backends/vectors/lrn.h"
#include "backends/vectors/pooling.h"

namespace alx::onednn {
namespace {

// ---- pooling ------------------------------------------------------------------------------------

class PoolStage final : public Stage {
 public:
  PoolStage(const StageRequest& request, const Shape& out, vectors::Pooling pooling)
      : runtime_(request.runtime), pooling_(std::move(pooling)) {
    input = channels_last(request.input.shape);
    output = channels_last(out);
    implementation = runtime_.vectors_name();
    pooling_.channels = out[1], pooling_.width = request.input.shape[3];
    pooling_.holders_of_row = holders(pooling_.rows, request.input.shape[2]);
    pooling_.holders_of_column = holders(pooling_.columns, request.input.shape[3]);
    if (pooling_.max && request.training) state_bytes = static_cast<size_t>(out_elements());
  }

  void forward(const Images& i, float*) const override {
    for (int64_t image = 0; image < i.count; ++image) rows(i, image, 0, out_rows());
  }
  void forward_in_parts(const Images& i) const override {
    each_rows(runtime_, i.count, out_rows(),
              [&](int64_t image, int64_t first, int64_t last) { rows(i, image, first, last); });
  }
  void backward(const Gradients& g) override {
    each_rows(runtime_, images(), input.shape[2], [&](int64_t image, int64_t first, int64_t last) {
      const int64_t out = image * out_elements();
      vectors::pool_gradient(runtime_.target, pooling_, g.out_grad + out,
                             g.state ? g.state + out : nullptr, g.in_grad + image * in_elements(),
                             first, last);
    });
  }

 private:
  int64_t out_rows() const { return output.shape[2]; }

  // The outputs whose windows hold each input; they are neighbours.
  static std::vector<vectors::Pooling::Holders> holders(const std::vector<PoolSpan>& windows,
                                                        int64_t inputs) {
    std::vector<vectors::Pooling::Holders> all;
    for (int64_t at = 0; at < inputs; ++at) {
      const auto holds = [&](const PoolSpan& w) { return w.first <= at && at < w.last; };
      const auto first = std::ranges::find_if(windows, holds);
      const auto last = std::find_if_not(first, windows.end(), holds);
      all.push_back({first - windows.begin(), last - windows.begin()});
    }
    return all;
  }

  void rows(const Images& i, int64_t image, int64_t first, int64_t last) const {
    const int64_t at = image * out_elements();
    vectors::pool(runtime_.target, pooling_, i.x() + image * in_elements(), i.y() + at,
                  i.state ? i.state + at : nullptr, first, last);
  }

  const Runtime& runtime_;
  vectors::Pooling pooling_;
};

template <class Span>
std::vector<PoolSpan> spans(int64_t count, const Span& span) {
  std::vector<PoolSpan> all;
  for (int64_t i = 0; i < count; ++i) all.push_back(span(i));
  return all;
}

template <class Pool>
std::unique_ptr<Stage> make_pool(const Pool& op, const StageRequest& request, bool max,
                                 bool count_padding) {
  const Shape &in = request.input.shape, out = output_shapes(op, {in})[0];
  if (max && request.training && op.kernel > 16) return nullptr;  // a place has one byte
  const Pad& pad = op.pad;
  return std::make_unique<PoolStage>(
      request, out,
      vectors::Pooling{
          .max = max,
          .rows = spans(out[2],
                        [&](int64_t i) {
                          return pool_span(i, op.kernel, op.stride, pad.top, pad.bottom, in[2]);
                        }),
          .columns = spans(out[3],
                           [&](int64_t i) {
                             return pool_span(i, op.kernel, op.stride, pad.left, pad.right, in[3]);
                           }),
          .holders_of_row = {},
          .holders_of_column = {},
          .count_padding = count_padding});
}

// ---- local response normalisation ---------------------------------------------------------------

class LrnStage final : public Stage {
 public:
  LrnStage(const Lrn& op, const StageRequest& request) : runtime_(request.runtime), op_(op) {
    input = output = channels_last(request.input.shape);
    implementation = runtime_.vectors_name();
    in_place = grad_in_place = op.region == Lrn::Region::across;
    backward_reads_inputs = request.wants_grad;
    const vectors::Planes one = planes(1);
    scratch = vectors::LrnPass{op_, one, request.wants_grad}.scratch();
    runtime_.of_part->announce({scratch});
  }

  void forward(const Images& i, float* memory) const override {
    const vectors::Planes all = planes(i.count);
    const vectors::LrnPass pass{op_, all, false, i.x(), nullptr, i.y()};
    pass.run(runtime_.target, 0, pass.parts(), memory);
  }
  void forward_in_parts(const Images& i) const override {
    const vectors::Planes all = planes(i.count);
    in_parts({op_, all, false, i.x(), nullptr, i.y()});
  }
  void backward(const Gradients& g) override {
    const vectors::Planes all = planes(images());
    in_parts({op_, all, true, g.in, g.out_grad, g.in_grad});
  }

 private:
  vectors::Planes planes(int64_t count) const {
    const Shape& shape = input.shape;
    return {count, shape[1], shape[2], shape[3]};
  }
  void in_parts(const vectors::LrnPass& pass) const {
    each_range(runtime_, pass.parts(), 1, [&](int64_t first, int64_t last) {
      Scratch::Piece piece = runtime_.of_part->take();
      pass.run(runtime_.target, first, last, piece.cut(pass.scratch()));
    });
  }

  const Runtime& runtime_;
  const Lrn op_;
};

// ---- activations --------------------------------------------------------------------------------

class ActivationStage final : public Stage {
 public:
  ActivationStage(Activation activation, const StageRequest& request)
      : runtime_(request.runtime), activation_(activation) {
    const bool dense = !request.input.layout || request.input.shape.size() != 4;
    input = output = dense ? request.input : channels_last(request.input.shape);
    implementation = runtime_.vectors_name();
    in_place = grad_in_place = true;
    backward_reads_outputs = request.wants_grad;
  }

  void forward(const Images& i, float*) const override {
    vectors::activate(runtime_.target, activation_, i.x(), i.y(), i.count * in_elements());
  }
  void forward_in_parts(const Images& i) const override {
    activate(runtime_, activation_, i.x(), i.y(), i.count * in_elements());
  }
  void backward(const Gradients& g) override {
    activation_gradient(runtime_, activation_, g.out, g.out_grad, g.in_grad,
                        images() * in_elements());
  }

 private:
  const Runtime& runtime_;
  const Activation activation_;
};

}  // namespace

std::unique_ptr<Stage> make_stage_of(const MaxPool& op, const StageRequest& request) {
  return make_pool(op, request, true, false);
}

std::unique_ptr<Stage> make_stage_of(const AvgPool& op, const StageRequest& request) {
  return make_pool(op, request, false, op.count_padding);
}

std::unique_ptr<Stage> make_stage_of(const AdaptiveAvgPool& op, const StageRequest& request) {
  const Shape& in = request.input.shape;
  if (in[2] == op.out_h && in[3] == op.out_w) return nullptr;  // nothing to do
  const auto along = [](int64_t inputs, int64_t outputs) {
    return spans(outputs, [&](int64_t i) { return adaptive_span(i, inputs, outputs); });
  };
  vectors::Pooling pooling{.max = false,
                           .rows = along(in[2], op.out_h),
                           .columns = along(in[3], op.out_w),
                           .holders_of_row = {},
                           .holders_of_column = {}};
  return std::make_unique<PoolStage>(request, output_shapes(op, {in})[0], std::move(pooling));
}

std::unique_ptr<Stage> make_stage_of(const Lrn& op, const StageRequest& request) {
  return std::make_unique<LrnStage>(op, request);
}

std::unique_ptr<Stage> make_stage_of(const Relu&, const StageRequest& request) {
  return std::make_unique<ActivationStage>(Activation::relu, request);
}

std::unique_ptr<Stage> make_stage_of(const Tanh&, const StageRequest& request) {
  return std::make_unique<ActivationStage>(Activation::tanh, request);
}

}  // namespace alx::onednn
