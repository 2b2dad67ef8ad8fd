// The table of op cases: every backend must agree with the reference on each, and the reference
// with finite differences. A backend's own peculiarities belong here as further rows.
#pragma once
#include <string>
#include <vector>

#include "backends/backend.h"

namespace alx::test {

struct OpCase {
  std::string name;
  Op op;
  std::vector<Shape> inputs;
  Phase phase = Phase::training;
  double tolerance = 1e-4;  // of other backends against the reference
  float scale = 1;          // inputs are uniform in [-scale, scale)
  LayerPart part = {};      // units and images of a larger layer
};

inline Conv conv(int64_t out, int64_t kernel, int64_t stride, Pad pad, int64_t groups = 1,
                 Activation activation = Activation::none) {
  Conv op;
  op.out = out, op.kernel = kernel, op.stride = stride, op.pad = pad, op.groups = groups,
  op.activation = activation;
  return op;
}

inline Linear linear(int64_t out, Activation activation = Activation::none) {
  Linear op;
  op.out = out, op.activation = activation;
  return op;
}

inline Lrn lrn(int64_t size, float k, float alpha, float beta,
               Lrn::Region region = Lrn::Region::across, bool divide = true) {
  return {size, k, alpha, beta, region, divide};
}

template <class Pool>
Pool pool(int64_t kernel, int64_t stride, Pad pad = {}, Round round = Round::floor) {
  Pool op;
  op.kernel = kernel, op.stride = stride, op.pad = pad, op.round = round;
  return op;
}

inline AvgPool counting_padding(AvgPool op) {
  op.count_padding = true;
  return op;
}

inline std::vector<OpCase> op_cases() {
  constexpr auto relu = Activation::relu, tanh = Activation::tanh;
  constexpr auto within = Lrn::Region::within;
  constexpr auto ceil = Round::ceil;
  constexpr auto inference = Phase::inference, training = Phase::training;
  return {
      // AlexNet's convolutions with fewer and smaller maps.
      {"conv1_11x11_4", conv(24, 11, 4, {}, 1, relu), {{2, 3, 67, 67}}},
      {"conv1_torchvision_pad2", conv(16, 11, 4, Pad::all(2)), {{2, 3, 64, 64}}},
      {"conv1_original_ceil", conv(12, 11, 4, {0, 0, 3, 3}), {{1, 3, 48, 48}}},
      {"conv2_5x5_groups2", conv(32, 5, 1, Pad::all(2), 2, relu), {{2, 24, 13, 13}}},
      {"conv3_3x3", conv(40, 3, 1, Pad::all(1), 1, relu), {{2, 32, 6, 6}}},
      {"conv4_3x3_groups2", conv(24, 3, 1, Pad::all(1), 2), {{2, 32, 6, 6}}},
      {"conv_6x6_sixth", conv(16, 3, 1, Pad::all(1), 1, relu), {{2, 16, 6, 6}}},
      // Corners of convolution.
      {"conv_1x1", conv(7, 1, 1, {}), {{2, 5, 4, 6}}},
      {"conv_1x1_tanh", conv(16, 1, 1, {}, 1, tanh), {{3, 16, 5, 5}}},
      {"conv_1x1_stride3", conv(4, 1, 3, {}), {{2, 3, 8, 7}}},
      {"conv_stride_beyond_kernel", conv(6, 2, 5, {}), {{1, 4, 14, 13}}},
      {"conv_asymmetric", conv(8, 3, 2, {1, 0, 2, 1}, 1, tanh), {{2, 6, 9, 7}}},
      {"conv_pad_at_kernel", conv(3, 2, 1, {2, 3, 2, 1}), {{1, 2, 3, 4}}},
      {"conv_depthwise", conv(6, 3, 1, Pad::all(1), 6), {{2, 6, 5, 5}}},
      {"conv_groups3_one_filter", conv(3, 3, 1, {}, 3), {{2, 9, 5, 6}}},
      {"conv_whole_input", conv(10, 6, 1, {}), {{2, 8, 6, 6}}},
      {"conv_odd_channels", conv(17, 3, 1, Pad::all(1), 1, relu), {{3, 13, 7, 5}}},
      {"conv_fig1_5x5", conv(32, 5, 1, Pad::all(2), 1, tanh), {{2, 3, 16, 16}}},
      // Enough tiles for Winograd, of every size that there is; groups, odd edges, uneven padding.
      {"conv_winograd_5x5", conv(16, 5, 1, Pad::all(2), 1, relu), {{1, 32, 15, 13}}},
      {"conv_winograd_5x5_groups2", conv(32, 5, 1, Pad::all(2), 2, relu), {{2, 32, 11, 9}}},
      {"conv_winograd_3x3", conv(16, 3, 1, Pad::all(1), 1, relu), {{2, 32, 13, 13}}},
      {"conv_winograd_3x3_groups3", conv(48, 3, 1, Pad::all(1), 3), {{4, 48, 8, 8}}},
      {"conv_winograd_valid", conv(16, 3, 1, {}), {{8, 16, 7, 12}}},
      {"conv_winograd_asymmetric", conv(16, 3, 1, {3, 0, 1, 2}, 1, relu), {{5, 16, 6, 9}}},
      {"conv_winograd_inference",
       conv(32, 3, 1, Pad::all(1), 2, relu),
       {{2, 64, 13, 13}},
       inference},
      // Fully connected layers.
      {"fc6_flattens", linear(64, relu), {{3, 16, 6, 6}}},
      {"fc7", linear(48, relu), {{4, 64}}},
      {"fc8", linear(10), {{4, 48}}},
      {"fc_tanh", linear(9, tanh), {{2, 33}}},
      {"fc_one", linear(1), {{1, 1}}},
      {"fc_batch1_wide", linear(300), {{1, 7, 3, 5}}},
      // Activations.
      {"relu_4d", Relu{}, {{2, 3, 5, 7}}},
      {"relu_2d", Relu{}, {{3, 17}}},
      {"tanh_4d", Tanh{}, {{2, 4, 3, 3}}, training, 1e-4, 2},
      {"tanh_2d", Tanh{}, {{3, 17}}, training, 1e-4, 5},
      // Normalisation. At AlexNet's alpha the window hardly shows in values near 1, so the scale is
      // that of
      // activations.
      {"lrn_2012", lrn(5, 2, 1e-4f, 0.75f), {{2, 12, 5, 5}}, training, 1e-4, 200},
      {"lrn_caffe", lrn(5, 1, 1e-4f, 0.75f), {{2, 8, 4, 6}}, training, 1e-4, 200},
      {"lrn_printed",
       lrn(5, 2, 1e-4f, 0.75f, Lrn::Region::across, false),
       {{2, 9, 4, 4}},
       training,
       1e-4,
       100},
      {"lrn_strong", lrn(5, 1, 2, 0.75f), {{2, 16, 3, 3}}, training, 1e-4, 2},
      {"lrn_even", lrn(4, 1, 1, 0.75f), {{2, 7, 3, 4}}, training, 1e-4, 2},
      {"lrn_even2_beta1", lrn(2, 1, 1, 1), {{1, 5, 3, 3}}, training, 1e-4, 2},
      {"lrn_size3_beta_half", lrn(3, 1, 1, 0.5f), {{2, 6, 3, 3}}, training, 1e-4, 2},
      {"lrn_beyond_channels", lrn(15, 1, 1, 0.75f), {{2, 7, 3, 3}}, training, 1e-4, 2},
      {"lrn_size1", lrn(1, 2, 1, 0.75f), {{1, 3, 4, 4}}, training, 1e-4, 2},
      {"lrn_within3", lrn(3, 1, 1, 0.75f, within), {{2, 3, 6, 5}}, training, 1e-4, 2},
      {"lrn_within5_original", lrn(5, 1, 1e-3f, 0.75f, within), {{2, 4, 7, 7}}, training, 1e-4, 50},
      {"lrn_within_even", lrn(4, 1, 1, 0.75f, within), {{1, 2, 6, 5}}, training, 1e-4, 2},
      {"lrn_within_beyond", lrn(9, 1, 1, 0.75f, within), {{1, 2, 4, 3}}, training, 1e-4, 2},
      {"lrn_within_printed",
       lrn(3, 1, 0.5f, 0.75f, within, false),
       {{2, 3, 5, 5}},
       training,
       1e-4,
       2},
      {"lrn_inference", lrn(5, 2, 1e-4f, 0.75f), {{2, 12, 5, 5}}, inference, 1e-4, 200},
      // Pooling.
      {"max_3_2", pool<MaxPool>(3, 2), {{2, 8, 13, 13}}},
      {"max_2_2", pool<MaxPool>(2, 2), {{2, 3, 8, 6}}},
      {"max_3_1", pool<MaxPool>(3, 1), {{1, 4, 6, 5}}},
      {"max_ceil_overhang", pool<MaxPool>(3, 2, {}, ceil), {{2, 3, 12, 6}}},
      {"max_ceil_pad_drops", pool<MaxPool>(2, 2, Pad::all(1), ceil), {{1, 2, 3, 3}}},
      {"max_pad1", pool<MaxPool>(3, 2, Pad::all(1)), {{2, 4, 7, 8}}},
      {"max_onnx_pad_0011", pool<MaxPool>(3, 2, {0, 0, 1, 1}), {{2, 4, 12, 12}}},
      {"max_stride_beyond", pool<MaxPool>(2, 3, {}, ceil), {{1, 3, 7, 8}}},
      {"max_global", pool<MaxPool>(5, 1), {{2, 3, 5, 5}}},
      {"max_inference", pool<MaxPool>(3, 2), {{2, 8, 13, 13}}, inference},
      {"avg_3_2", pool<AvgPool>(3, 2), {{2, 8, 13, 13}}},
      {"avg_ceil_overhang", pool<AvgPool>(3, 2, {}, ceil), {{2, 3, 8, 6}}},
      {"avg_pad1", pool<AvgPool>(3, 2, Pad::all(1)), {{2, 4, 7, 8}}},
      {"avg_pad1_counted", counting_padding(pool<AvgPool>(3, 2, Pad::all(1))), {{2, 4, 7, 8}}},
      {"avg_pad1_counted_ceil",
       counting_padding(pool<AvgPool>(3, 2, Pad::all(1), ceil)),
       {{1, 3, 6, 8}}},
      {"avg_asymmetric", pool<AvgPool>(3, 2, {0, 1, 2, 0}, ceil), {{1, 3, 6, 8}}},
      {"adaptive_6", AdaptiveAvgPool{6, 6}, {{2, 4, 13, 9}}},
      {"adaptive_same", AdaptiveAvgPool{6, 6}, {{2, 4, 6, 6}}},
      {"adaptive_grows", AdaptiveAvgPool{6, 6}, {{1, 3, 1, 4}}},
      {"adaptive_1", AdaptiveAvgPool{1, 1}, {{2, 5, 7, 7}}},
      // Dropout.
      {"dropout_inverted", Dropout{0.5f, true}, {{3, 64}}},
      {"dropout_paper", Dropout{0.5f, false}, {{3, 64}}},
      {"dropout_4d_30", Dropout{0.3f, true}, {{2, 6, 5, 5}}},
      {"dropout_none", Dropout{0, true}, {{2, 16}}},
      {"dropout_inverted_inference", Dropout{0.5f, true}, {{3, 64}}, inference},
      {"dropout_paper_inference", Dropout{0.5f, false}, {{3, 64}}, inference},
      // Shapes.
      {"concat_towers", Concat{}, {{2, 16, 5, 5}, {2, 16, 5, 5}}},
      {"concat_three_unequal", Concat{}, {{2, 3, 4, 4}, {2, 8, 4, 4}, {2, 1, 4, 4}}},
      {"concat_images", Concat{true}, {{2, 3, 4, 5}, {1, 3, 4, 5}, {3, 3, 4, 5}}},
      {"batch_slice_second_of_three", BatchSlice{1, 3}, {{6, 3, 4, 5}}},
      {"dropout_part", Dropout{}, {{4, 16}}, training, 1e-4, 1, {"layer", 8, 40}},
      {"dropout_images", Dropout{}, {{4, 6, 2, 2}}, training, 1e-4, 1, {"layer", 0, 0, 2}},
      {"concat_fc", Concat{}, {{3, 20}, {3, 12}}},
      {"concat_one", Concat{}, {{2, 3, 2, 2}}},
      {"add_two", Add{}, {{2, 16, 5, 5}, {2, 16, 5, 5}}},
      {"add_five", Add{}, {{2, 3, 4, 5}, {2, 3, 4, 5}, {2, 3, 4, 5}, {2, 3, 4, 5}, {2, 3, 4, 5}}},
      {"add_fc", Add{}, {{3, 20}, {3, 20}, {3, 20}}},
      {"add_one", Add{}, {{2, 3, 2, 2}}},
      {"flatten", Flatten{}, {{2, 6, 3, 3}}},
      {"flatten_2d", Flatten{}, {{2, 6}}},
      {"split_3", Split{3}, {{2, 8, 3, 3}}},
      {"split_2_fc", Split{2}, {{3, 10}}},
      {"copy", Copy{}, {{2, 8, 3, 3}}},
      // Softmax and loss.
      {"softmax", Softmax{}, {{3, 10}}},
      {"softmax_large", Softmax{}, {{3, 100}}, training, 1e-4, 200},
      {"softmax_one_class", Softmax{}, {{2, 1}}},
      {"softmax_inference", Softmax{}, {{3, 1000}}, inference, 1e-4, 10},
      {"loss", SoftmaxLoss{}, {{5, 10}, {5}}},
      {"loss_smoothed", SoftmaxLoss{0.1f}, {{5, 10}, {5}}, training, 1e-4, 3},
      {"loss_weighted", SoftmaxLoss{0, {0.5f, 2, 1, 4, 0.25f}}, {{6, 5}, {6}}, training, 1e-4, 3},
      {"loss_weighted_smoothed",
       SoftmaxLoss{0.2f, {0.5f, 2, 1, 4}},
       {{6, 4}, {6}},
       training,
       1e-4,
       3},
      {"loss_large", SoftmaxLoss{}, {{6, 4}, {6}}, training, 1e-4, 200},
      {"loss_1000", SoftmaxLoss{}, {{4, 1000}, {4}}, training, 1e-4, 10},
      {"loss_inference", SoftmaxLoss{}, {{5, 10}, {5}}, inference},
  };
}

}  // namespace alx::test
