// The operations of the AlexNet family as plain structs. An op says what is computed, never where
// or how. Shapes are written (N, C, H, W).
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "graph/tensor.h"

namespace alx {

struct Pad {
  int64_t top = 0, left = 0, bottom = 0, right = 0;
  static Pad all(int64_t p) { return {p, p, p, p}; }
  bool operator==(const Pad&) const = default;
};

enum class Round { floor, ceil };  // of the output size where the last window does not fit
enum class Activation { none, relu, tanh };

// How a parameter starts. By rule, where the number comes from the fan-in, which is how many inputs
// one output reads:
//   he:    normal of deviation sqrt(2 / fan-in), which keeps the size of activations through ReLUs;
//   torch: uniform of bound 1 / sqrt(fan-in), as torch's Conv2d and Linear have it.
struct Init {
  enum class Kind { constant, normal, uniform, he, torch } kind = Kind::constant;
  float value = 0;  // the constant; the standard deviation; the bound b of uniform(-b, b)
  bool operator==(const Init&) const = default;
};

// A parameter's start and its own pace: the solver's rate and weight decay are multiplied by these.
struct ParamRule {
  Init init = {};
  float rate = 1, decay = 1;
  bool operator==(const ParamRule&) const = default;
};

// (N, C, H, W) -> (N, out, H', W'); weight (out, C / groups, kernel_h, kernel_w), bias (out).
// y = activation(conv(x, weight) + bias). Correlation, as every framework has it; padding is zeros.
struct Conv {
  int64_t out = 0, kernel = 1, stride = 1;
  Pad pad = {};
  int64_t groups = 1;
  Activation activation = Activation::none;  // set by lowering
  ParamRule weight = {}, bias = {};
};

// (N, ...) -> (N, out); weight (out, in), bias (out). The input is flattened as C, H, W.
struct Linear {
  int64_t out = 0;
  Activation activation = Activation::none;  // set by lowering
  ParamRule weight = {}, bias = {};
};

struct Relu {};
struct Tanh {};

// y = x * (k + a * sum of x^2 over the window)^-beta.
//   across:  the window is `size` channels around c: [c - size/2, c - size/2 + size), cut at the
//            ends;
//   within:  the window is size x size positions of the same channel, centred, cut at the borders.
// a = alpha / size (across) or alpha / size^2 (within): cuda-convnet's, Caffe's, oneDNN's and
// cuDNN's form. `divide = false` gives a = alpha, the paper's printed formula (section 3.3).
struct Lrn {
  int64_t size = 5;
  float k = 2, alpha = 1e-4f, beta = 0.75f;
  enum class Region { across, within } region = Region::across;
  bool divide = true;
  float effective_alpha() const {
    if (!divide) return alpha;
    return alpha / static_cast<float>(region == Region::across ? size : size * size);
  }
};

// Padding never wins. With Round::ceil the last window may hang over the right and bottom edge; it
// is dropped if it would start in the padding beyond the input (Caffe's rule).
struct MaxPool {
  int64_t kernel = 3, stride = 2;
  Pad pad = {};
  Round round = Round::floor;
};

// As MaxPool. The divisor is the number of positions inside the input, or inside input and padding
// when `count_padding`; a part that hangs over by Round::ceil never counts.
struct AvgPool {
  int64_t kernel = 3, stride = 2;
  Pad pad = {};
  Round round = Round::floor;
  bool count_padding = false;
};

// Output cell i covers input [floor(i H / out_h), ceil((i + 1) H / out_h)), torch's
// AdaptiveAvgPool2d.
struct AdaptiveAvgPool {
  int64_t out_h = 6, out_w = 6;
};

// In training element i of the global batch is zeroed with probability `drop`.
//   inverted: kept elements are divided by (1 - drop), inference is the identity (Caffe, torch);
//   else:     kept elements stay, inference multiplies by (1 - drop) (the paper, section 4.2).
struct Dropout {
  float drop = 0.5f;
  bool inverted = true;
};

struct Concat {  // any number of inputs, along C, or along N
  bool images = false;
};
struct BatchSlice {  // (N, ...) -> (N / parts, ...): the images of one part
  int64_t part = 0, parts = 1;
};
struct Add {};      // any number of inputs of one shape, their sum in the order of inputs
struct Flatten {};  // (N, C, H, W) -> (N, C * H * W)
struct Softmax {};  // (N, C) -> (N, C)

// Inputs: logits (N, C), labels (N) as int32. Outputs: probabilities (N, C); per-image loss (N).
// The gradient is that of the mean loss over the global batch. A label below 0 marks a row that
// does not count.
struct SoftmaxLoss {
  float smoothing = 0;  // target = (1 - smoothing) * one-hot + smoothing / C
  // One for each class, by which its part of a target is multiplied, as torch's CrossEntropyLoss
  // has it; empty: none. The mean's divisor is then StepContext::loss_divisor.
  std::vector<float> class_weights = {};
  float mean_weight() const {
    if (class_weights.empty()) return 1;
    double sum = 0;
    for (const float weight : class_weights) sum += weight;
    return static_cast<float>(sum / static_cast<double>(class_weights.size()));
  }
};

// Where element i of a dropout's tensor stands in the masked layer: of the whole one, of the global
// batch, whose image first_image is the tensor's first.
constexpr uint64_t mask_index(uint64_t i, uint64_t row, uint64_t first_image, uint64_t first,
                              uint64_t whole) {
  return (first_image + i / row) * (whole ? whole : row) + first + i % row;
}

// Made by lowering, never written in a NetSpec.
// one input, `ways` outputs, all the same; its backward sums the gradients in the order of outputs
struct Split {
  int64_t ways = 2;
};
struct Copy {};  // an edge between slots

// What a node is of a layer that several nodes make together, as on several devices.
struct LayerPart {
  std::string layer;  // its name: of its parameters, and the key of its random draws
  // the part's units are first, first + 1 ... of `whole`; 0: it has all of them
  int64_t first = 0, whole = 0;
  // with all units, the part of the batch that it sees: parts are equal
  int64_t images = 0;
  bool operator==(const LayerPart&) const = default;
};

// Every op, once: for the variant, and for the kernels that backends declare.
// clang-format off
#define ALX_OPS(OP) \
  OP(Conv) OP(Linear) OP(Relu) OP(Tanh) OP(Lrn) OP(MaxPool) OP(AvgPool) OP(AdaptiveAvgPool) \
  OP(Dropout) OP(Concat) OP(BatchSlice) OP(Add) OP(Flatten) OP(Softmax) OP(SoftmaxLoss) \
  OP(Split) OP(Copy)
// clang-format on

template <class None, class... Ops>
struct OpVariant {
  using type = std::variant<Ops...>;
};
#define ALX_OP(Name) , Name
using Op = OpVariant<void ALX_OPS(ALX_OP)>::type;
#undef ALX_OP

// What checking, planning, training and figures ask of an op besides its shapes and parameters.
struct OpFacts {
  const char* name;          // "conv", "linear", ...
  size_t inputs = 1;         // any_number: one or more
  bool labels = false;       // its second input is "labels"
  bool by_planning = false;  // never written in a NetSpec
  bool by_program = false;   // written in a NetSpec by the program alone, never in a file
  // Of what it computes:
  bool convolution = false;  // filters over positions
  // fully connected: each output unit reads an image's every element, in whatever shape
  bool dense = false;
  bool elementwise = false;  // element i of the output comes from element i of the input alone
  bool reshapes = false;     // the output holds the input's elements, in another shape
  bool random = false;       // draws in training
  bool probabilities = false;
  bool identity_at_inference = false;
  // all it does, so that the op before may do it on the way
  std::optional<Activation> activation = {};
};
constexpr size_t any_number = 0;
OpFacts facts_of(const Op& op);
inline const char* name_of(const Op& op) { return facts_of(op).name; }
std::string detail_of(const Op& op);  // its settings, for people: "11x11 /4 pad 2"

// What lowering and training change of an op; null or empty where it has no such thing.
Activation* fused_activation(Op& op);
std::vector<ParamRule*> param_rules(Op& op);  // in the order of param_shapes()
int64_t* output_units(Op& op);                // of a dense op
int64_t* output_channels(Op& op);             // of an op with weights
void stop_dropping(Op& op);

// The parameters of an op for this input: (suffix, shape, rule), weight before bias. Empty for most
// ops.
struct ParamShape {
  std::string suffix;  // "weight" or "bias"
  Shape shape;
  ParamRule rule;  // its start a number, whatever the op's rule is
};
std::vector<ParamShape> param_shapes(const Op& op, const std::vector<Shape>& inputs);

// Output shapes; throws Error(invalid_argument) with both sizes in the text where the op cannot
// take the inputs.
std::vector<Shape> output_shapes(const Op& op, const std::vector<Shape>& inputs);

// Multiply-adds of one forward pass over the whole batch: convolutions and linear layers, bias not
// counted.
int64_t multiply_adds(const Op& op, const std::vector<Shape>& inputs);

// Size of a window op's output along one axis; throws where the window does not fit.
int64_t window_outputs(int64_t in, int64_t kernel, int64_t stride, int64_t before, int64_t after,
                       Round round);

// For visiting an Op with one lambda per case.
template <class... F>
struct overloaded : F... {
  using F::operator()...;
};
template <class... F>
overloaded(F...) -> overloaded<F...>;

}  // namespace alx
