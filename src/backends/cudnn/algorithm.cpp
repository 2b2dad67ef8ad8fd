#include "backends/cudnn/algorithm.h"

#include <algorithm>
#include <map>
#include <mutex>

#include "core/error.h"

namespace alx::cudnn {
namespace {

constexpr size_t most_workspace = size_t{1} << 30;

template <class Algorithm>
struct Cache {
  std::mutex mutex;
  std::map<std::string, Choice<Algorithm>> choices;
};

// `measure(most, &count, results)` is cuDNN's Find, which gives the fastest first. Under the lock, so that two sessions
// do not disturb each other's measurement.
template <class Algorithm, class Result, class Measure>
Choice<Algorithm> choose(Device& device, const std::string& key, const char* what, Measure measure) {
  static Cache<Algorithm> cache;
  const std::lock_guard lock(cache.mutex);
  const std::string full_key = device.model() + " " + key;
  if (const auto known = cache.choices.find(full_key); known != cache.choices.end()) return known->second;
  constexpr int most = 16;
  Result results[most];
  int count = 0;
  measure(most, &count, results);
  const auto usable = [](const Result& result) {
    return result.status == CUDNN_STATUS_SUCCESS && result.determinism == CUDNN_DETERMINISTIC &&
           result.memory <= most_workspace;
  };
  const Result* const end = results + count;
  const Result* const best = std::find_if(static_cast<const Result*>(results), end, usable);
  check(best != end, Code::unsupported, "cuDNN has no deterministic ", what, " for this convolution: ", key);
  return cache.choices[full_key] = {best->algo, best->mathType, best->memory};
}

}  // namespace

Choice<cudnnConvolutionFwdAlgo_t> choose_forward(Device& device, const ConvDescriptors& d, const std::string& key) {
  return choose<cudnnConvolutionFwdAlgo_t, cudnnConvolutionFwdAlgoPerf_t>(
      device, key, "forward pass", [&](int most, int* count, cudnnConvolutionFwdAlgoPerf_t* results) {
        device.call<&Api::cudnnFindConvolutionForwardAlgorithm>(device.cudnn(), d.x, d.w, d.conv, d.y, most, count,
                                                                results);
      });
}

Choice<cudnnConvolutionBwdDataAlgo_t> choose_backward_data(Device& device, const ConvDescriptors& d,
                                                           const std::string& key) {
  return choose<cudnnConvolutionBwdDataAlgo_t, cudnnConvolutionBwdDataAlgoPerf_t>(
      device, key, "gradient of the input", [&](int most, int* count, cudnnConvolutionBwdDataAlgoPerf_t* results) {
        device.call<&Api::cudnnFindConvolutionBackwardDataAlgorithm>(device.cudnn(), d.w, d.y, d.conv, d.x, most, count,
                                                                     results);
      });
}

Choice<cudnnConvolutionBwdFilterAlgo_t> choose_backward_filter(Device& device, const ConvDescriptors& d,
                                                               const std::string& key) {
  return choose<cudnnConvolutionBwdFilterAlgo_t, cudnnConvolutionBwdFilterAlgoPerf_t>(
      device, key, "gradient of the filters", [&](int most, int* count, cudnnConvolutionBwdFilterAlgoPerf_t* results) {
        device.call<&Api::cudnnFindConvolutionBackwardFilterAlgorithm>(device.cudnn(), d.x, d.y, d.conv, d.w, most,
                                                                       count, results);
      });
}

}  // namespace alx::cudnn
