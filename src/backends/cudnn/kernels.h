// Our own kernels, for what neither cuDNN nor cuBLAS does: the struct of each one's arguments, what element i needs
// done, and the memory that it reads and writes. kernels.cu runs the same code on a GPU that tests/cudasim runs on the
// host.
#pragma once
#include "backends/cudnn/elements.h"
#include "backends/pool_window.h"
#include "core/random.h"
#include "graph/ops.h"

namespace alx::cudnn {

enum class Function : int {
  convert,
  bias_activation,
  dropout,
  sum,
  sgd,
  window,
  average,
  average_grad,
  lrn_scale,
  lrn_forward,
  lrn_backward,
  exponential,
  loss,
  loss_grad,
  finite,
  count
};
enum class Access { read, write, read_write };
const char* kernel_name(Function function);  // "alexnet_sgd"

// Each has `count` elements; run(i) does element i; memory(visit) calls visit(pointer, bytes, access) for each pointer.

struct Convert {
  static constexpr Function id = Function::convert;
  const void* from;
  void* to;
  DataType from_type, to_type;
  size_t count;
  ALX_BOTH void run(size_t i) const { store(to, to_type, i, load(from, from_type, i)); }
  template <class Visit>
  void memory(Visit visit) {
    visit(from, count * bytes_of(from_type), Access::read);
    visit(to, count * bytes_of(to_type), Access::write);
  }
};

// values = activation(values + the bias of its channel); `plane` elements in a row belong to one channel.
struct BiasActivation {
  static constexpr Function id = Function::bias_activation;
  void* values;
  const void* bias;
  DataType type, bias_type;
  Activation activation;
  size_t channels, plane, count;
  ALX_BOTH void run(size_t i) const {
    const float x = load(values, type, i) + load(bias, bias_type, i / plane % channels);
    const float y = activation == Activation::tanh             ? tanhf(x)
                    : activation == Activation::relu && x <= 0 ? 0.f  // not-a-number stays
                                                               : x;
    store(values, type, i, y);
  }
  template <class Visit>
  void memory(Visit visit) {
    visit(values, count * bytes_of(type), Access::read_write);
    visit(bias, channels * bytes_of(bias_type), Access::read);
  }
};

// The mask of element i is drawn from (seed, stream, step, first + i), as everywhere in this library.
struct DropoutMask {
  static constexpr Function id = Function::dropout;
  const void* from;
  void* to;
  DataType type;
  float drop, scale;  // drop 0: every element is scaled
  uint64_t seed, stream, step, first;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    const bool keep = drop == 0 || Random(seed, stream, step).uniform(first + i) >= drop;
    store(to, type, i, keep ? load(from, type, i) * scale : 0.f);
  }
  template <class Visit>
  void memory(Visit visit) {
    visit(from, count * bytes_of(type), Access::read);
    visit(to, count * bytes_of(type), Access::write);
  }
};

// In the order of the parts.
struct Sum {
  static constexpr Function id = Function::sum;
  static constexpr size_t most = 4;  // parts; more take several calls
  const void* parts[most];
  void* to;
  size_t ways;
  DataType type;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    float total = load(parts[0], type, i);
    for (size_t way = 1; way < ways; ++way) total += load(parts[way], type, i);
    store(to, type, i, total);
  }
  template <class Visit>
  void memory(Visit visit) {
    for (size_t way = 0; way < ways; ++way) visit(parts[way], count * bytes_of(type), Access::read);
    visit(to, count * bytes_of(type), Access::write);
  }
};

// SgdUpdate of backend.h.
struct Sgd {
  static constexpr Function id = Function::sgd;
  float *weight, *velocity;
  const float* grad;
  float rate, momentum, decay, grad_scale;
  bool rate_in_velocity;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    const float slope = grad[i] * grad_scale + decay * weight[i];
    if (rate_in_velocity) {
      velocity[i] = momentum * velocity[i] - rate * slope;
      weight[i] += velocity[i];
    } else {
      velocity[i] = momentum * velocity[i] + slope;
      weight[i] -= rate * velocity[i];
    }
  }
  template <class Visit>
  void memory(Visit visit) {
    visit(weight, count * sizeof(float), Access::read_write);
    visit(velocity, count * sizeof(float), Access::read_write);
    visit(grad, count * sizeof(float), Access::read);
  }
};

// Planes moved by (top, left): what comes from outside of `from` is `fill`. Pads where `to` is larger, else crops.
struct Window {
  static constexpr Function id = Function::window;
  const void* from;
  void* to;
  DataType type;
  int64_t from_h, from_w, to_h, to_w, top, left;
  float fill;
  size_t count;  // of `to`
  ALX_BOTH void run(size_t i) const {
    const auto at = static_cast<int64_t>(i);
    const int64_t h = at / to_w % to_h - top, w = at % to_w - left, plane = at / (to_h * to_w);
    const bool inside = h >= 0 && h < from_h && w >= 0 && w < from_w;
    store(to, type, i, inside ? load(from, type, static_cast<size_t>((plane * from_h + h) * from_w + w)) : fill);
  }
  template <class Visit>
  void memory(Visit visit) {
    const size_t planes = count / static_cast<size_t>(to_h * to_w);
    visit(from, planes * static_cast<size_t>(from_h * from_w) * bytes_of(type), Access::read);
    visit(to, count * bytes_of(type), Access::write);
  }
};

// Average pooling of every kind.
struct AverageShape {
  int64_t in_h, in_w, out_h, out_w;
  int64_t kernel, stride;  // kernel 0: adaptive
  Pad pad;
  bool count_padding;
  ALX_BOTH PoolSpan row(int64_t h) const {
    return kernel ? pool_span(h, kernel, stride, pad.top, pad.bottom, in_h) : adaptive_span(h, in_h, out_h);
  }
  ALX_BOTH PoolSpan column(int64_t w) const {
    return kernel ? pool_span(w, kernel, stride, pad.left, pad.right, in_w) : adaptive_span(w, in_w, out_w);
  }
  ALX_BOTH float divisor(const PoolSpan& y, const PoolSpan& x) const {
    return static_cast<float>(count_padding ? y.counted * x.counted : y.length() * x.length());
  }
};

struct Average {
  static constexpr Function id = Function::average;
  const void* from;
  void* to;
  DataType type;
  AverageShape shape;
  size_t count;  // of `to`
  ALX_BOTH void run(size_t i) const {
    const auto at = static_cast<int64_t>(i);
    const PoolSpan y = shape.row(at / shape.out_w % shape.out_h), x = shape.column(at % shape.out_w);
    const int64_t plane = at / (shape.out_h * shape.out_w) * shape.in_h * shape.in_w;
    float total = 0;
    for (int64_t h = y.first; h < y.last; ++h)
      for (int64_t w = x.first; w < x.last; ++w)
        total += load(from, type, static_cast<size_t>(plane + h * shape.in_w + w));
    store(to, type, i, total / shape.divisor(y, x));
  }
  template <class Visit>
  void memory(Visit visit) {
    const size_t planes = count / static_cast<size_t>(shape.out_h * shape.out_w);
    visit(from, planes * static_cast<size_t>(shape.in_h * shape.in_w) * bytes_of(type), Access::read);
    visit(to, count * bytes_of(type), Access::write);
  }
};

// Gathers from every window that holds the element, so that the order of sums is fixed.
struct AverageGrad {
  static constexpr Function id = Function::average_grad;
  const void* from;  // the gradient of the output
  void* to;
  DataType type;
  AverageShape shape;
  size_t count;  // of `to`
  ALX_BOTH void run(size_t i) const {
    const auto at = static_cast<int64_t>(i);
    const int64_t h = at / shape.in_w % shape.in_h, w = at % shape.in_w;
    const int64_t plane = at / (shape.in_h * shape.in_w) * shape.out_h * shape.out_w;
    float total = 0;
    for (int64_t out_h = 0; out_h < shape.out_h; ++out_h) {
      const PoolSpan y = shape.row(out_h);
      if (h < y.first || h >= y.last) continue;
      for (int64_t out_w = 0; out_w < shape.out_w; ++out_w) {
        const PoolSpan x = shape.column(out_w);
        if (w < x.first || w >= x.last) continue;
        total += load(from, type, static_cast<size_t>(plane + out_h * shape.out_w + out_w)) / shape.divisor(y, x);
      }
    }
    store(to, type, i, total);
  }
  template <class Visit>
  void memory(Visit visit) {
    const size_t planes = count / static_cast<size_t>(shape.in_h * shape.in_w);
    visit(from, planes * static_cast<size_t>(shape.out_h * shape.out_w) * bytes_of(type), Access::read);
    visit(to, count * bytes_of(type), Access::write);
  }
};

// Normalisation that cuDNN has not: within a channel, and over an even number of channels. See Lrn in ops.h.
struct LrnShape {
  int64_t channels, height, width, size;
  bool within;
  float k, alpha, beta;  // alpha as it multiplies the sum

  // Calls visit(index) for the window around element i that reaches `before` places back.
  template <class Visit>
  ALX_BOTH void each(size_t i, int64_t before, Visit visit) const {
    const auto at = static_cast<int64_t>(i);
    const int64_t plane = height * width, w = at % width, h = at / width % height, c = at / plane % channels;
    if (!within) {
      for (int64_t j = -before; j < size - before; ++j)
        if (c + j >= 0 && c + j < channels) visit(static_cast<size_t>(at + j * plane));
      return;
    }
    for (int64_t y = -before; y < size - before; ++y)
      for (int64_t x = -before; x < size - before; ++x)
        if (h + y >= 0 && h + y < height && w + x >= 0 && w + x < width) visit(static_cast<size_t>(at + y * width + x));
  }
};

// scale = k + alpha * the sum of squares.
struct LrnScale {
  static constexpr Function id = Function::lrn_scale;
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
  template <class Visit>
  void memory(Visit visit) {
    visit(x, count * bytes_of(type), Access::read);
    visit(scale, count * sizeof(float), Access::write);
  }
};

struct LrnForward {
  static constexpr Function id = Function::lrn_forward;
  const void* x;
  const float* scale;
  void* y;
  DataType type;
  float beta;
  size_t count;
  ALX_BOTH void run(size_t i) const { store(y, type, i, load(x, type, i) * powf(scale[i], -beta)); }
  template <class Visit>
  void memory(Visit visit) {
    visit(x, count * bytes_of(type), Access::read);
    visit(scale, count * sizeof(float), Access::read);
    visit(y, count * bytes_of(type), Access::write);
  }
};

// dx may not be dy: neighbours read it.
struct LrnBackward {
  static constexpr Function id = Function::lrn_backward;
  const void *x, *dy;
  const float* scale;
  void* dx;
  DataType type;
  LrnShape shape;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    float total = 0;
    shape.each(i, shape.size - 1 - shape.size / 2,
               [&](size_t j) { total += load(dy, type, j) * load(x, type, j) * powf(scale[j], -shape.beta - 1); });
    const float direct = load(dy, type, i) * powf(scale[i], -shape.beta);
    store(dx, type, i, direct - 2 * shape.alpha * shape.beta * load(x, type, i) * total);
  }
  template <class Visit>
  void memory(Visit visit) {
    visit(x, count * bytes_of(type), Access::read);
    visit(dy, count * bytes_of(type), Access::read);
    visit(scale, count * sizeof(float), Access::read);
    visit(dx, count * bytes_of(type), Access::write);
  }
};

struct Exponential {
  static constexpr Function id = Function::exponential;
  const float* from;
  float* to;
  size_t count;
  ALX_BOTH void run(size_t i) const { to[i] = expf(from[i]); }
  template <class Visit>
  void memory(Visit visit) {
    visit(from, count * sizeof(float), Access::read);
    visit(to, count * sizeof(float), Access::write);
  }
};

// Of one image each; a label that is no class gives not-a-number.
struct Loss {
  static constexpr Function id = Function::loss;
  const float* log_probabilities;
  const int32_t* labels;
  float* losses;
  float smoothing;
  size_t classes, count;
  ALX_BOTH void run(size_t n) const {
    const int32_t label = labels[n];
    const float* row = log_probabilities + n * classes;
    float mean = 0;
    if (smoothing > 0)
      for (size_t i = 0; i < classes; ++i) mean += row[i] / static_cast<float>(classes);
    const bool known = label < static_cast<int64_t>(classes);
    losses[n] = label < 0 ? 0.f : known ? -(1 - smoothing) * row[label] - smoothing * mean : NAN;
  }
  template <class Visit>
  void memory(Visit visit) {
    visit(log_probabilities, count * classes * sizeof(float), Access::read);
    visit(labels, count * sizeof(int32_t), Access::read);
    visit(losses, count * sizeof(float), Access::write);
  }
};

struct LossGrad {
  static constexpr Function id = Function::loss_grad;
  const float* probabilities;
  const int32_t* labels;
  float* grad;
  float smoothing, factor;  // factor: of the mean, and of the loss scale
  size_t classes, count;
  ALX_BOTH void run(size_t i) const {
    const int32_t label = labels[i / classes];
    const bool hit = static_cast<int64_t>(i % classes) == label;
    const float target = (hit ? 1 - smoothing : 0.f) + smoothing / static_cast<float>(classes);
    grad[i] = label < 0 ? 0.f : (probabilities[i] - target) * factor;
  }
  template <class Visit>
  void memory(Visit visit) {
    visit(probabilities, count * sizeof(float), Access::read);
    visit(labels, count / classes * sizeof(int32_t), Access::read);
    visit(grad, count * sizeof(float), Access::write);
  }
};

// Sets *flag where a value is not finite; never clears it, so that the order of elements does not matter.
struct Finite {
  static constexpr Function id = Function::finite;
  const float* values;
  int32_t* flag;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    if (!(fabsf(values[i]) <= 3.4028235e38f)) *flag = 1;
  }
  template <class Visit>
  void memory(Visit visit) {
    visit(values, count * sizeof(float), Access::read);
    visit(flag, sizeof(int32_t), Access::read_write);
  }
};

}  // namespace alx::cudnn
