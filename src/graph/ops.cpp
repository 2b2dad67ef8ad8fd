#include "graph/ops.h"

#include <algorithm>
#include <cmath>
#include <concepts>

#include "core/error.h"
#include "graph/op_fields.h"

namespace alx {
namespace {

void check_size(const char* what, int64_t value, int64_t least = 1) {
  check(value >= least && value <= max_size, Code::invalid_argument, what, " must lie in ", least,
        "..", max_size, ", got ", value);
}

void check_rank(const Shape& shape, size_t rank, const char* axes) {
  check(shape.size() == rank, Code::invalid_argument, "expected ", rank, " dimensions ", axes,
        ", got ", shape.size());
}

void check_pad(const Pad& pad) {
  for (int64_t side : {pad.top, pad.left, pad.bottom, pad.right})
    check_size("a side's padding", side, 0);
}

// Every window of a pool must see at least one element of the input.
void check_pool(int64_t kernel, int64_t stride, const Pad& pad) {
  check_size("kernel", kernel);
  check_size("stride", stride);
  check_pad(pad);
  const int64_t most = std::max({pad.top, pad.left, pad.bottom, pad.right});
  check(most < kernel, Code::invalid_argument, "padding ", most,
        " must be smaller than the kernel, ", kernel, ", or a window would hold padding alone");
}

Shape window_shape(const Shape& in, int64_t channels, int64_t kernel, int64_t stride,
                   const Pad& pad, Round round) {
  return {in[0], channels, window_outputs(in[2], kernel, stride, pad.top, pad.bottom, round),
          window_outputs(in[3], kernel, stride, pad.left, pad.right, round)};
}

using Shapes = std::vector<Shape>;
constexpr const char* nchw = "(N, C, H, W)";

Shapes outputs(const Conv& conv, const Shapes& in) {
  check_rank(in[0], 4, nchw);
  check_size("out", conv.out);
  check_size("kernel", conv.kernel);
  check_size("stride", conv.stride);
  check_size("groups", conv.groups);
  check_pad(conv.pad);
  check(in[0][1] % conv.groups == 0, Code::invalid_argument, conv.groups, " groups do not divide ",
        in[0][1], " input channels");
  check(conv.out % conv.groups == 0, Code::invalid_argument, conv.groups, " groups do not divide ",
        conv.out, " output channels");
  return {window_shape(in[0], conv.out, conv.kernel, conv.stride, conv.pad, Round::floor)};
}

int64_t elements_per_image(const Shape& shape) {
  return element_count(Shape(shape.begin() + 1, shape.end()));
}

void check_has_channels(const Shape& shape) {
  check(shape.size() >= 2, Code::invalid_argument,
        "expected at least 2 dimensions (N, C, ...), got ", shape.size());
}

Shapes outputs(const Linear& linear, const Shapes& in) {
  check_has_channels(in[0]);
  check_size("out", linear.out);
  return {{in[0][0], linear.out}};
}

Shapes outputs(const Relu&, const Shapes& in) { return in; }
Shapes outputs(const Tanh&, const Shapes& in) { return in; }
Shapes outputs(const Copy&, const Shapes& in) { return in; }

Shapes outputs(const Lrn& lrn, const Shapes& in) {
  check_rank(in[0], 4, nchw);
  check_size("size", lrn.size);
  check(std::isfinite(lrn.k) && lrn.k >= 0, Code::invalid_argument,
        "k must be finite and not negative, got ", lrn.k);
  check(std::isfinite(lrn.alpha) && lrn.alpha >= 0, Code::invalid_argument,
        "alpha must be finite and not negative, got ", lrn.alpha);
  check(std::isfinite(lrn.beta), Code::invalid_argument, "beta must be finite, got ", lrn.beta);
  return in;
}

Shapes outputs(const MaxPool& pool, const Shapes& in) {
  check_rank(in[0], 4, nchw);
  check_pool(pool.kernel, pool.stride, pool.pad);
  return {window_shape(in[0], in[0][1], pool.kernel, pool.stride, pool.pad, pool.round)};
}

Shapes outputs(const AvgPool& pool, const Shapes& in) {
  check_rank(in[0], 4, nchw);
  check_pool(pool.kernel, pool.stride, pool.pad);
  return {window_shape(in[0], in[0][1], pool.kernel, pool.stride, pool.pad, pool.round)};
}

Shapes outputs(const AdaptiveAvgPool& pool, const Shapes& in) {
  check_rank(in[0], 4, nchw);
  check_size("out_h", pool.out_h);
  check_size("out_w", pool.out_w);
  return {{in[0][0], in[0][1], pool.out_h, pool.out_w}};
}

Shapes outputs(const Dropout& dropout, const Shapes& in) {
  check(dropout.drop >= 0 && dropout.drop < 1, Code::invalid_argument,
        "drop must lie in [0, 1), got ", dropout.drop);
  return in;
}

Shapes outputs(const Concat& concat, const Shapes& in) {
  Shape result = in[0];
  check_has_channels(result);
  const size_t axis = concat.images ? 0 : 1;
  for (size_t i = 1; i < in.size(); ++i) {
    Shape like = in[i];
    if (like.size() == result.size()) like[axis] = in[0][axis];
    check(like == in[0], Code::invalid_argument, "input ", i, " is ", to_string(in[i]),
          ", input 0 is ", to_string(in[0]), "; they may differ in ", concat.images ? "N" : "C",
          " alone");
    result[axis] += in[i][axis];
  }
  return {result};
}

Shapes outputs(const BatchSlice& slice, const Shapes& in) {
  check_size("parts", slice.parts);
  check(slice.part >= 0 && slice.part < slice.parts, Code::invalid_argument, "part must lie in 0..",
        slice.parts - 1, ", got ", slice.part);
  check(in[0][0] % slice.parts == 0, Code::invalid_argument, "a batch of ", in[0][0],
        " cannot be shared in ", slice.parts, " equal parts");
  Shape result = in[0];
  result[0] /= slice.parts;
  return {result};
}

Shapes outputs(const Flatten&, const Shapes& in) {
  check_has_channels(in[0]);
  return {{in[0][0], elements_per_image(in[0])}};
}

Shapes outputs(const Softmax&, const Shapes& in) {
  check_rank(in[0], 2, "(N, C)");
  return in;
}

Shapes outputs(const SoftmaxLoss& loss, const Shapes& in) {
  check_rank(in[0], 2, "(N, C) of the logits");
  check(loss.smoothing >= 0 && loss.smoothing < 1, Code::invalid_argument,
        "smoothing must lie in [0, 1), got ", loss.smoothing);
  const auto weights = static_cast<int64_t>(loss.class_weights.size());
  check(weights == 0 || weights == in[0][1], Code::invalid_argument, "expected ", in[0][1],
        " class weights, one for each class, got ", weights);
  check(in[1] == Shape{in[0][0]}, Code::invalid_argument, "expected ", in[0][0],
        " labels, one for each row, got ", to_string(in[1]));
  return {in[0], in[1]};
}

Shapes outputs(const Split& split, const Shapes& in) {
  check_size("ways", split.ways);
  return Shapes(static_cast<size_t>(split.ways), in[0]);
}

Shapes outputs(const Add&, const Shapes& in) {
  for (size_t i = 1; i < in.size(); ++i)
    check(in[i] == in[0], Code::invalid_argument, "input ", i, " is ", to_string(in[i]),
          ", input 0 is ", to_string(in[0]), "; they must be equal");
  return {in[0]};
}

// ---- facts: an op that is left out of one of these sets does not compile ----

OpFacts facts(const Conv&) { return {.name = "conv", .convolution = true}; }
OpFacts facts(const Linear&) { return {.name = "linear", .dense = true}; }
OpFacts facts(const Relu&) {
  return {.name = "relu", .elementwise = true, .activation = Activation::relu};
}
OpFacts facts(const Tanh&) {
  return {.name = "tanh", .elementwise = true, .activation = Activation::tanh};
}
OpFacts facts(const Lrn&) { return {.name = "lrn"}; }
OpFacts facts(const MaxPool&) { return {.name = "max_pool"}; }
OpFacts facts(const AvgPool&) { return {.name = "avg_pool"}; }
OpFacts facts(const AdaptiveAvgPool&) { return {.name = "adaptive_avg_pool"}; }
OpFacts facts(const Dropout& dropout) {
  return {.name = "dropout",
          .elementwise = true,
          .random = true,
          .identity_at_inference = dropout.inverted};
}
OpFacts facts(const Concat&) { return {.name = "concat", .inputs = any_number}; }
OpFacts facts(const BatchSlice&) { return {.name = "batch_slice", .by_program = true}; }
OpFacts facts(const Add&) { return {.name = "add", .inputs = any_number}; }
OpFacts facts(const Flatten&) { return {.name = "flatten", .reshapes = true}; }
OpFacts facts(const Softmax&) { return {.name = "softmax", .probabilities = true}; }
OpFacts facts(const SoftmaxLoss&) {
  return {.name = "softmax_loss", .inputs = 2, .labels = true, .by_program = true};
}
OpFacts facts(const Split&) { return {.name = "split", .by_planning = true}; }
OpFacts facts(const Copy&) { return {.name = "copy", .by_planning = true}; }

template <class O, class... Others>
concept OneOf = (std::same_as<O, Others> || ...);

using Params = std::vector<ParamShape>;

ParamRule with_start(ParamRule rule, int64_t fan_in) {
  using Kind = Init::Kind;
  const auto inputs = static_cast<double>(fan_in);
  if (rule.init.kind == Kind::he)
    rule.init = {Kind::normal, static_cast<float>(std::sqrt(2 / inputs))};
  else if (rule.init.kind == Kind::torch)
    rule.init = {Kind::uniform, static_cast<float>(1 / std::sqrt(inputs))};
  return rule;
}

// `weight` is (out, ...), all of whose rows read as many inputs as they have elements.
template <OneOf<Conv, Linear> O>
Params weight_and_bias(const O& op, const Shape& weight) {
  const int64_t fan_in = elements_per_image(weight);
  return {{"weight", weight, with_start(op.weight, fan_in)},
          {"bias", {op.out}, with_start(op.bias, fan_in)}};
}

Params params(const Conv& conv, const Shapes& in) {
  return weight_and_bias(conv, {conv.out, in[0][1] / conv.groups, conv.kernel, conv.kernel});
}
Params params(const Linear& linear, const Shapes& in) {
  return weight_and_bias(linear, {linear.out, elements_per_image(in[0])});
}
template <OneOf<Relu, Tanh, Lrn, MaxPool, AvgPool, AdaptiveAvgPool, Dropout, Concat, BatchSlice,
                Add, Flatten, Softmax, SoftmaxLoss, Split, Copy>
              O>
Params params(const O&, const Shapes&) {
  return {};
}

std::string describe(const Pad& pad) {
  if (pad == Pad{}) return "";
  if (pad == Pad::all(pad.top)) return cat(" pad ", pad.top);
  return cat(" pad ", pad.top, ",", pad.left, ",", pad.bottom, ",", pad.right);
}

std::string window(int64_t kernel, int64_t stride, const Pad& pad) {
  return cat(kernel, "x", kernel, stride == 1 ? "" : cat(" /", stride), describe(pad));
}

std::string detail(const Conv& conv) {
  return window(conv.kernel, conv.stride, conv.pad) +
         (conv.groups == 1 ? "" : cat(" groups ", conv.groups));
}
template <OneOf<MaxPool, AvgPool> Pool>
std::string detail(const Pool& pool) {
  return window(pool.kernel, pool.stride, pool.pad) + (pool.round == Round::ceil ? " ceil" : "");
}
std::string detail(const AdaptiveAvgPool& pool) { return cat("to ", pool.out_h, "x", pool.out_w); }
std::string detail(const Lrn& lrn) {
  const bool within = lrn.region == Lrn::Region::within;
  return cat(within ? "within " : "", "n ", lrn.size, " k ", lrn.k, " alpha ", lrn.alpha,
             lrn.divide ? "/n" : "", lrn.divide && within ? "^2" : "", " beta ", lrn.beta);
}
std::string detail(const Dropout& dropout) {
  return cat("p ", dropout.drop, dropout.inverted ? "" : " scaled at inference");
}
template <
    OneOf<Linear, Relu, Tanh, Concat, BatchSlice, Add, Flatten, Softmax, SoftmaxLoss, Split, Copy>
        O>
std::string detail(const O&) {
  return "";
}

void check_inputs(const Op& op, const Shapes& inputs) {
  const size_t expected = facts_of(op).inputs;
  if (expected == any_number)
    check(!inputs.empty(), Code::invalid_argument, "expected at least one input, got none");
  else
    check(inputs.size() == expected, Code::invalid_argument, "expected ", expected,
          expected == 1 ? " input" : " inputs (logits, labels)", ", got ", inputs.size());
  for (const Shape& shape : inputs) {
    check(!shape.empty(), Code::invalid_argument,
          "an input has no dimensions; the first must be the batch");
    for (int64_t d : shape) check_size("every dimension of an input", d);
    element_count(shape);
  }
}

}  // namespace

OpFacts facts_of(const Op& op) {
  return std::visit([](const auto& o) { return facts(o); }, op);
}

std::string detail_of(const Op& op) {
  return std::visit([](const auto& o) { return detail(o); }, op);
}

// By their members, so that no op with such a thing can be forgotten.
Activation* fused_activation(Op& op) {
  return std::visit(
      [](auto& o) -> Activation* {
        if constexpr (requires { o.activation; }) return &o.activation;
        return nullptr;
      },
      op);
}

std::vector<ParamRule*> param_rules(Op& op) {
  return std::visit(
      [](auto& o) -> std::vector<ParamRule*> {
        if constexpr (requires { o.weight; }) return {&o.weight, &o.bias};
        return {};
      },
      op);
}

int64_t* output_units(Op& op) { return facts_of(op).dense ? output_channels(op) : nullptr; }

int64_t* output_channels(Op& op) {
  return std::visit(
      [](auto& o) -> int64_t* {
        if constexpr (requires { o.weight; }) return &o.out;
        return nullptr;
      },
      op);
}

void stop_dropping(Op& op) {
  if (auto* dropout = std::get_if<Dropout>(&op)) dropout->drop = 0;
}

std::vector<Shape> output_shapes(const Op& op, const std::vector<Shape>& inputs) {
  try {
    check_inputs(op, inputs);
    std::vector<Shape> result = std::visit([&](const auto& o) { return outputs(o, inputs); }, op);
    for (const Shape& shape : result) element_count(shape);
    return result;
  } catch (const Error& error) {
    std::string given;
    for (const Shape& shape : inputs) given += (given.empty() ? "" : " and ") + to_string(shape);
    fail(error.code(), name_of(op), " cannot take ", given.empty() ? "no input" : given, ": ",
         error.what());
  }
}

std::vector<ParamShape> param_shapes(const Op& op, const std::vector<Shape>& inputs) {
  output_shapes(op, inputs);  // checks them
  return std::visit([&](const auto& o) { return params(o, inputs); }, op);
}

int64_t multiply_adds(const Op& op, const std::vector<Shape>& inputs) {
  const OpFacts facts = facts_of(op);
  if (!facts.convolution && !facts.dense) return 0;
  const Shape weight = param_shapes(op, inputs)[0].shape, output = output_shapes(op, inputs)[0];
  // Each weight is used once for each image and output position.
  return element_count({element_count(weight), element_count(output) / output[1]});
}

int64_t window_outputs(int64_t in, int64_t kernel, int64_t stride, int64_t before, int64_t after,
                       Round round) {
  check_size("the input", in);
  check_size("kernel", kernel);
  check_size("stride", stride);
  check_size("padding", before, 0);
  check_size("padding", after, 0);
  const int64_t room = in + before + after - kernel;
  check(room >= 0, Code::invalid_argument, "a window of ", kernel, " does not fit an axis of ", in,
        " with padding ", before, " + ", after, "; give an input of at least ",
        kernel - before - after);
  if (round == Round::floor) return room / stride + 1;
  const int64_t starts_before_the_end = (in + before - 1) / stride + 1;
  return std::min((room + stride - 1) / stride + 1, starts_before_the_end);
}

}  // namespace alx
