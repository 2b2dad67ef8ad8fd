// Which of cuDNN's algorithms runs a convolution: the fastest of those that give the same bits each time, measured once
// in this process for each shape and kind of GPU. Where all differ from run to run, the fastest, with a warning.
#pragma once
#include <string>

#include "backends/cudnn/device.h"

namespace alx::cudnn {

template <class Algorithm>
struct Choice {
  Algorithm algorithm{};
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  size_t workspace = 0;
};

struct ConvDescriptors {
  cudnnTensorDescriptor_t x, y;
  cudnnFilterDescriptor_t w;
  cudnnConvolutionDescriptor_t conv;  // its math type becomes that of the choice
  cudnnMathType_t math;               // wanted; FMA is kept whatever was measured
};

// `key` tells shapes, types and math; convolutions of equal keys share a measurement.
Choice<cudnnConvolutionFwdAlgo_t> choose_forward(Device& device, const ConvDescriptors& descriptors,
                                                 const std::string& key);
Choice<cudnnConvolutionBwdDataAlgo_t> choose_backward_data(Device& device, const ConvDescriptors& descriptors,
                                                           const std::string& key);
Choice<cudnnConvolutionBwdFilterAlgo_t> choose_backward_filter(Device& device, const ConvDescriptors& descriptors,
                                                               const std::string& key);

}  // namespace alx::cudnn
