// Our own kernels, for what neither cuDNN nor cuBLAS does: the struct of each one's arguments, what
// element i needs done, and the memory that it reads and writes. kernels.cu runs the same code on a
// GPU that tests/cudasim runs on the host.
#pragma once
#include "backends/cudnn/elements.h"
#include "backends/pool_window.h"
#include "backends/step.h"
#include "core/random.h"
#include "graph/ops.h"
#include "graph/update.h"

namespace alx::cudnn {

enum class Function : int {
#define KERNEL(name, work) name,
#include "backends/cudnn/kernel_list.inc"
#undef KERNEL
  count
};
enum class Access { read, write, read_write };
const char* kernel_name(Function function);  // "alexnet_sgd"

// Division in 32 bits where that does: a GPU takes several times as long for 64.
struct Division {
  size_t quotient, rest;
};
ALX_BOTH inline Division divide(size_t i, size_t by) {
  if (((i | by) >> 32) != 0) return {i / by, i % by};
  const auto a = static_cast<uint32_t>(i), b = static_cast<uint32_t>(by);
  return {a / b, a % b};
}

// Where element i of planes of this size is.
struct Place {
  int64_t plane, h, w;
  ALX_BOTH Place(size_t i, int64_t height, int64_t width) {
    const Division row = divide(i, static_cast<size_t>(width));
    const Division position = divide(row.quotient, static_cast<size_t>(height));
    plane = static_cast<int64_t>(position.quotient);
    h = static_cast<int64_t>(position.rest);
    w = static_cast<int64_t>(row.rest);
  }
};

// Each has `count` elements; run(i) does element i; memory(visit) calls visit(pointer, bytes,
// access) for each pointer.

struct Fill {
  void* to;
  DataType type;
  float value;
  size_t count;
  ALX_BOTH void run(size_t i) const { store(to, type, i, value); }
  void memory(auto visit) { visit(to, count * size_of(type), Access::write); }
};

struct Convert {
  const void* from;
  void* to;
  DataType from_type, to_type;
  size_t count;
  ALX_BOTH void run(size_t i) const { store(to, to_type, i, load(from, from_type, i)); }
  void memory(auto visit) {
    visit(from, count * size_of(from_type), Access::read);
    visit(to, count * size_of(to_type), Access::write);
  }
};

// values = activation(values + the bias of its channel); `plane` elements in a row belong to one
// channel.
struct BiasActivation {
  void* values;
  const void* bias;
  DataType type, bias_type;
  Activation activation;
  size_t channels, plane, count;
  ALX_BOTH void run(size_t i) const {
    const float x = load(values, type, i) +
                    load(bias, bias_type, divide(divide(i, plane).quotient, channels).rest);
    const float y = activation == Activation::tanh             ? tanhf(x)
                    : activation == Activation::relu && x <= 0 ? 0.f  // not-a-number stays
                                                               : x;
    store(values, type, i, y);
  }
  void memory(auto visit) {
    visit(values, count * size_of(type), Access::read_write);
    visit(bias, channels * size_of(bias_type), Access::read);
  }
};

// The mask of element i is drawn from (seed, stream, step, mask_index), as everywhere in this
// library.
struct DropoutMask {
  const void* from;
  void* to;
  DataType type;
  const StepContext* step;
  float drop, scale;  // drop 0: every element is scaled
  uint64_t stream, row, first, whole;
  int64_t images_before;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    const auto image = static_cast<uint64_t>(step->first_image + images_before);
    const bool keep =
        drop == 0 ||
        Random(step->seed, stream, step->step).uniform(mask_index(i, row, image, first, whole)) >=
            drop;
    store(to, type, i, keep ? load(from, type, i) * scale : 0.f);
  }
  void memory(auto visit) {
    visit(from, count * size_of(type), Access::read);
    visit(to, count * size_of(type), Access::write);
    visit(step, sizeof *step, Access::read);
  }
};

// In the order of the parts.
struct Sum {
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
  void memory(auto visit) {
    for (size_t way = 0; way < ways; ++way) visit(parts[way], count * size_of(type), Access::read);
    visit(to, count * size_of(type), Access::write);
  }
};

// Update of backend.h.
template <class Rule>
struct UpdateBy {
  static constexpr size_t states = std::size(Rule::states);
  Rule rule;
  float* weight;
  float* state[states];
  const float* grad;
  const StepContext* step;
  float rate_factor;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    rule.update(step->rate * rate_factor, grad[i] / step->loss_scale, weight[i], state, i);
  }
  void memory(auto visit) {
    visit(weight, count * sizeof(float), Access::read_write);
    for (float*& each : state) visit(each, count * sizeof(float), Access::read_write);
    visit(grad, count * sizeof(float), Access::read);
    visit(step, sizeof *step, Access::read);
  }
};

// Planes moved by (top, left): what comes from outside of `from` is `fill`. Pads where `to` is
// larger, else crops.
struct Window {
  const void* from;
  void* to;
  DataType type;
  int64_t from_h, from_w, to_h, to_w, top, left;
  float fill;
  size_t count;  // of `to`
  ALX_BOTH void run(size_t i) const {
    const Place at(i, to_h, to_w);
    const int64_t h = at.h - top, w = at.w - left, plane = at.plane;
    const bool inside = h >= 0 && h < from_h && w >= 0 && w < from_w;
    store(to, type, i,
          inside ? load(from, type, static_cast<size_t>((plane * from_h + h) * from_w + w)) : fill);
  }
  void memory(auto visit) {
    const size_t planes = count / static_cast<size_t>(to_h * to_w);
    visit(from, planes * static_cast<size_t>(from_h * from_w) * size_of(type), Access::read);
    visit(to, count * size_of(type), Access::write);
  }
};

// Sets *flag where a value is not finite; never clears it, so that the order of elements does not
// matter.
struct Finite {
  const float* values;
  int32_t* flag;
  size_t count;
  ALX_BOTH void run(size_t i) const {
    if (!(fabsf(values[i]) <= 3.4028235e38f)) *flag = 1;
  }
  void memory(auto visit) {
    visit(values, count * sizeof(float), Access::read);
    visit(flag, sizeof(int32_t), Access::read_write);
  }
};

// The step lies in the device's memory, so that a recorded pass can be replayed for another one.
struct SetStep {
  StepContext* to;
  StepContext value;
  size_t count = 1;
  ALX_BOTH void run(size_t) const { *to = value; }
  void memory(auto visit) { visit(to, sizeof *to, Access::write); }
};

}  // namespace alx::cudnn
