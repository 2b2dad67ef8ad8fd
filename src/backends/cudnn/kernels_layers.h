// The kernels of single layers, as kernels.h has those that several share: averages, normalisation
// that cuDNN has not, and the loss.
#pragma once
#include "backends/cudnn/kernels.h"

namespace alx::cudnn {

// Average pooling of every kind.
struct AverageShape {
  int64_t in_h, in_w, out_h, out_w;
  int64_t kernel, stride;  // kernel 0: adaptive
  Pad pad;
  bool count_padding;
  ALX_BOTH PoolSpan row(int64_t h) const {
    return kernel ? pool_span(h, kernel, stride, pad.top, pad.bottom, in_h)
                  : adaptive_span(h, in_h, out_h);
  }
  ALX_BOTH PoolSpan column(int64_t w) const {
    return kernel ? pool_span(w, kernel, stride, pad.left, pad.right, in_w)
                  : adaptive_span(w, in_w, out_w);
  }
  ALX_BOTH float divisor(const PoolSpan& y, const PoolSpan& x) const {
    return static_cast<float>(count_padding ? y.counted * x.counted : y.length() * x.length());
  }
};

struct Average {
  const void* from;
  void* to;
  DataType type;
  AverageShape shape;
  size_t count;  // of `to`
  ALX_BOTH void run(size_t i) const {
    const Place at(i, shape.out_h, shape.out_w);
    const PoolSpan y = shape.row(at.h), x = shape.column(at.w);
    const int64_t plane = at.plane * shape.in_h * shape.in_w;
    float total = 0;
    for (int64_t h = y.first; h < y.last; ++h)
      for (int64_t w = x.first; w < x.last; ++w)
        total += load(from, type, static_cast<size_t>(plane + h * shape.in_w + w));
    store(to, type, i, total / shape.divisor(y, x));
  }
  void memory(auto visit) {
    const size_t planes = count / static_cast<size_t>(shape.out_h * shape.out_w);
    visit(from, planes * static_cast<size_t>(shape.in_h * shape.in_w) * size_of(type),
          Access::read);
    visit(to, count * size_of(type), Access::write);
  }
};

// Gathers from every window that holds the element, so that the order of sums is fixed.
struct AverageGrad {
  const void* from;  // the gradient of the output
  void* to;
  DataType type;
  AverageShape shape;
  size_t count;  // of `to`
  ALX_BOTH void run(size_t i) const {
    const Place at(i, shape.in_h, shape.in_w);
    const int64_t h = at.h, w = at.w, plane = at.plane * shape.out_h * shape.out_w;
    float total = 0;
    for (int64_t out_h = 0; out_h < shape.out_h; ++out_h) {
      const PoolSpan y = shape.row(out_h);
      if (h < y.first || h >= y.last) continue;
      for (int64_t out_w = 0; out_w < shape.out_w; ++out_w) {
        const PoolSpan x = shape.column(out_w);
        if (w < x.first || w >= x.last) continue;
        total += load(from, type, static_cast<size_t>(plane + out_h * shape.out_w + out_w)) /
                 shape.divisor(y, x);
      }
    }
    store(to, type, i, total);
  }
  void memory(auto visit) {
    const size_t planes = count / static_cast<size_t>(shape.in_h * shape.in_w);
    visit(from, planes * static_cast<size_t>(shape.out_h * shape.out_w) * size_of(type),
          Access::read);
    visit(to, count * size_of(type), Access::write);
  }
};

// Normalisation that cuDNN has not: within a channel, and over an even number of channels. See Lrn
// in ops.h.
struct LrnShape {
  int64_t channels, height, width, size;
  bool within;
  float k, alpha, beta;  // alpha as it multiplies the sum

  // Calls visit(index) for the window around element i that reaches `before` places back.
  ALX_BOTH void each(size_t i, int64_t before, auto visit) const {
    const Place place(i, height, width);
    const auto at = static_cast<int64_t>(i);
    const int64_t plane = height * width, w = place.w, h = place.h, c = place.plane % channels;
    if (!within) {
      for (int64_t j = -before; j < size - before; ++j)
        if (c + j >= 0 && c + j < channels) visit(static_cast<size_t>(at + j * plane));
      return;
    }
    for (int64_t y = -before; y < size - before; ++y)
      for (int64_t x = -before; x < size - before; ++x)
        if (h + y >= 0 && h + y < height && w + x >= 0 && w + x < width)
          visit(static_cast<size_t>(at + y * width + x));
  }
};

// scale = k + alpha * the sum of squares.
struct LrnScale {
  const void* x;
  float* scale;
  DataType type;
  LrnShape shape;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    float total = 0;
    shape.each(i, shape.size / 2, [&](size_t j) {
      const float value = load(x, type, j);
      total += value * value;
    });
    scale[i] = shape.k + shape.alpha * total;
  }
  void memory(auto visit) {
    visit(x, count * size_of(type), Access::read);
    visit(scale, count * sizeof(float), Access::write);
  }
};

struct LrnForward {
  const void* x;
  const float* scale;
  void* y;
  DataType type;
  float beta;
  size_t count;
  ALX_BOTH void run(size_t i) const { store(y, type, i, load(x, type, i) * powf(scale[i], -beta)); }
  void memory(auto visit) {
    visit(x, count * size_of(type), Access::read);
    visit(scale, count * sizeof(float), Access::read);
    visit(y, count * size_of(type), Access::write);
  }
};

// dx may not be dy: neighbours read it.
struct LrnBackward {
  const void *x, *dy;
  const float* scale;
  void* dx;
  DataType type;
  LrnShape shape;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    float total = 0;
    shape.each(i, shape.size - 1 - shape.size / 2, [&](size_t j) {
      total += load(dy, type, j) * load(x, type, j) * powf(scale[j], -shape.beta - 1);
    });
    const float direct = load(dy, type, i) * powf(scale[i], -shape.beta);
    store(dx, type, i, direct - 2 * shape.alpha * shape.beta * load(x, type, i) * total);
  }
  void memory(auto visit) {
    visit(x, count * size_of(type), Access::read);
    visit(dy, count * size_of(type), Access::read);
    visit(scale, count * sizeof(float), Access::read);
    visit(dx, count * size_of(type), Access::write);
  }
};

struct Exponential {
  const float* from;
  float* to;
  size_t count;
  ALX_BOTH void run(size_t i) const { to[i] = expf(from[i]); }
  void memory(auto visit) {
    visit(from, count * sizeof(float), Access::read);
    visit(to, count * sizeof(float), Access::write);
  }
};

// The weights of classes in the loss.
struct ClassWeights {
  const float* each;  // null: 1
  float mean;
  ALX_BOTH float of(size_t i) const { return each ? each[i] : 1.f; }
  void memory(size_t classes, auto visit) {
    if (each) visit(each, classes * sizeof(float), Access::read);
  }
};

// Of one image each; a label that is no class gives not-a-number.
struct Loss {
  const float* log_probabilities;
  const int32_t* labels;
  float* losses;
  ClassWeights weights;
  float smoothing;
  size_t classes, count;
  ALX_BOTH void run(size_t n) const {
    const int32_t label = labels[n];
    const float* row = log_probabilities + n * classes;
    float mean = 0;
    if (smoothing > 0)
      for (size_t i = 0; i < classes; ++i)
        mean += weights.of(i) * row[i] / static_cast<float>(classes);
    const bool known = label < static_cast<int64_t>(classes);
    losses[n] = label < 0 ? 0.f
                : known   ? -(1 - smoothing) * weights.of(static_cast<size_t>(label)) * row[label] -
                              smoothing * mean
                        : NAN;
  }
  void memory(auto visit) {
    weights.memory(classes, visit);
    visit(log_probabilities, count * classes * sizeof(float), Access::read);
    visit(labels, count * sizeof(int32_t), Access::read);
    visit(losses, count * sizeof(float), Access::write);
  }
};

struct LossGrad {
  const float* probabilities;
  const int32_t* labels;
  float* grad;
  const StepContext* step;
  ClassWeights weights;
  float smoothing;
  size_t classes, count;
  ALX_BOTH float divisor() const {
    if (step->loss_divisor > 0) return step->loss_divisor;
    return step->global_batch > 0 ? static_cast<float>(step->global_batch)
                                  : static_cast<float>(count / classes);
  }
  ALX_BOTH void run(size_t i) const {
    const int32_t label = labels[i / classes];
    const size_t column = i % classes;
    const bool hit = static_cast<int64_t>(column) == label;
    const float target = weights.of(column) *
                         ((hit ? 1 - smoothing : 0.f) + smoothing / static_cast<float>(classes));
    // of the targets of all classes
    const float sum =
        weights.each && label >= 0 && label < static_cast<int64_t>(classes)
            ? (1 - smoothing) * weights.of(static_cast<size_t>(label)) + smoothing * weights.mean
            : 1.f;
    grad[i] = label < 0 ? 0.f : (probabilities[i] * sum - target) * (step->loss_scale / divisor());
  }
  void memory(auto visit) {
    weights.memory(classes, visit);
    visit(probabilities, count * sizeof(float), Access::read);
    visit(labels, count / classes * sizeof(int32_t), Access::read);
    visit(step, sizeof *step, Access::read);
    visit(grad, count * sizeof(float), Access::write);
  }
};

// The kernel that takes these arguments.
template <class Work>
constexpr Function function_of = Function::count;
#define KERNEL(name, work) \
  template <>              \
  inline constexpr Function function_of<work> = Function::name;
#include "backends/cudnn/kernel_list.inc"
#undef KERNEL

}  // namespace alx::cudnn
