#include "backends/cudnn/algorithm.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/log.h"

namespace alx::cudnn {
namespace {

constexpr size_t most_workspace = size_t{1} << 30;
constexpr int most_results = 16;

template <class Algorithm>
struct Cache {
  std::mutex mutex;
  std::map<std::string, Choice<Algorithm>> choices;
};

// `measure(count, results)` is cuDNN's Find, which gives the fastest first; `workspace(algorithm, bytes)` tells what it
// needs with the math type of the descriptor, or an error. Find also measures other math types than the descriptor's,
// so each result is asked again with the one it would run with.
template <class Algorithm, class Result, class Measure, class Workspace>
Choice<Algorithm> choose(Device& device, const ConvDescriptors& d, const std::string& key, const char* what,
                         Measure measure, Workspace workspace) {
  static Cache<Algorithm> cache;
  const std::lock_guard lock(cache.mutex);
  const std::string full_key = device.model() + " " + key;
  const auto use_math = [&](cudnnMathType_t math) { device.call<&Api::cudnnSetConvolutionMathType>(d.conv, math); };
  if (const auto known = cache.choices.find(full_key); known != cache.choices.end()) {
    use_math(known->second.math);
    return known->second;
  }
  std::vector<Result> results(most_results);
  int count = 0;
  device.without_captures([&] { measure(&count, results.data()); });
  results.resize(static_cast<size_t>(count));
  // What was measured with another math type would be slower in FMA, which is what f32 needs; else the fastest wins.
  if (d.math == CUDNN_FMA_MATH)
    std::stable_partition(results.begin(), results.end(), [&](const Result& r) { return r.mathType == d.math; });
  for (const bool repeats : {true, false})
    for (const Result& result : results) {
      if (result.status != CUDNN_STATUS_SUCCESS || (result.determinism == CUDNN_DETERMINISTIC) != repeats) continue;
      Choice<Algorithm> choice{result.algo, d.math == CUDNN_FMA_MATH ? d.math : result.mathType, 0};
      use_math(choice.math);
      if (workspace(choice.algorithm, &choice.workspace) != CUDNN_STATUS_SUCCESS) continue;
      if (choice.workspace > most_workspace) continue;
      if (!repeats)
        log_line(LogLevel::warning, cat("cuda:", device.index(), ": cuDNN has no deterministic ", what,
                                        " for the convolution ", key, ": its bits differ from run to run"));
      return cache.choices[full_key] = choice;
    }
  fail(Code::unsupported, "cuDNN has no ", what, " for this convolution that takes at most ", most_workspace >> 20,
       " MB of workspace: ", key);
}

}  // namespace

Choice<cudnnConvolutionFwdAlgo_t> choose_forward(Device& device, const ConvDescriptors& d, const std::string& key) {
  const cudnnHandle_t handle = device.cudnn();
  return choose<cudnnConvolutionFwdAlgo_t, cudnnConvolutionFwdAlgoPerf_t>(
      device, d, key, "forward pass",
      [&](int* count, cudnnConvolutionFwdAlgoPerf_t* results) {
        device.call<&Api::cudnnFindConvolutionForwardAlgorithm>(handle, d.x, d.w, d.conv, d.y, most_results, count,
                                                                results);
      },
      [&](cudnnConvolutionFwdAlgo_t algorithm, size_t* bytes) {
        return device.api().cudnnGetConvolutionForwardWorkspaceSize(handle, d.x, d.w, d.conv, d.y, algorithm, bytes);
      });
}

Choice<cudnnConvolutionBwdDataAlgo_t> choose_backward_data(Device& device, const ConvDescriptors& d,
                                                           const std::string& key) {
  const cudnnHandle_t handle = device.cudnn();
  return choose<cudnnConvolutionBwdDataAlgo_t, cudnnConvolutionBwdDataAlgoPerf_t>(
      device, d, key, "gradient of the input",
      [&](int* count, cudnnConvolutionBwdDataAlgoPerf_t* results) {
        device.call<&Api::cudnnFindConvolutionBackwardDataAlgorithm>(handle, d.w, d.y, d.conv, d.x, most_results, count,
                                                                     results);
      },
      [&](cudnnConvolutionBwdDataAlgo_t algorithm, size_t* bytes) {
        return device.api().cudnnGetConvolutionBackwardDataWorkspaceSize(handle, d.w, d.y, d.conv, d.x, algorithm,
                                                                         bytes);
      });
}

Choice<cudnnConvolutionBwdFilterAlgo_t> choose_backward_filter(Device& device, const ConvDescriptors& d,
                                                               const std::string& key) {
  const cudnnHandle_t handle = device.cudnn();
  return choose<cudnnConvolutionBwdFilterAlgo_t, cudnnConvolutionBwdFilterAlgoPerf_t>(
      device, d, key, "gradient of the filters",
      [&](int* count, cudnnConvolutionBwdFilterAlgoPerf_t* results) {
        device.call<&Api::cudnnFindConvolutionBackwardFilterAlgorithm>(handle, d.x, d.y, d.conv, d.w, most_results,
                                                                       count, results);
      },
      [&](cudnnConvolutionBwdFilterAlgo_t algorithm, size_t* bytes) {
        return device.api().cudnnGetConvolutionBackwardFilterWorkspaceSize(handle, d.x, d.y, d.conv, d.w, algorithm,
                                                                           bytes);
      });
}

}  // namespace alx::cudnn
