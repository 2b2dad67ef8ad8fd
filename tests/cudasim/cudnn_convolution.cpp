// The stand-in for cuDNN: convolutions. Forward there are three algorithms, backward one that is
// deterministic, unless a test takes it away.
#include <algorithm>

#include "cudasim/cudnn_descriptors.h"
#include "cudasim/oracle.h"

namespace alx::cudasim {
namespace {

// Whose gradients the call computes only matters for the names of parameters.
struct Convolution {
  Conv op;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  TensorInfo x, y;
  FilterInfo w;

  // What the algorithms with a workspace need.
  size_t scratch() const {
    const size_t smallest = std::min({x.count(), y.count(), w.count()});
    return (1024 + 4 * smallest + 255) / 256 * 256;
  }
};

struct Names {
  const char *x, *w, *y;
};
constexpr Names forward_names{"xDesc", "wDesc", "yDesc"}, data_names{"dxDesc", "wDesc", "dyDesc"},
    filter_names{"xDesc", "dwDesc", "dyDesc"};

Convolution convolution(const Names& names, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                        cudnnConvolutionDescriptor_t descriptor, cudnnTensorDescriptor_t y) {
  const auto& info = get_set<ConvolutionInfo>(descriptor, "convDesc");
  Convolution result;
  result.math = info.math;
  result.x = tensor(x, names.x);
  result.y = tensor(y, names.y);
  result.w = get_set<FilterInfo>(w, names.w);
  const Shape &in = result.x.shape, &filter = result.w.shape, &out = result.y.shape;
  expect(result.x.element == result.w.element && result.x.element == result.y.element, names.x,
         " of ", name_of(result.x.element), ", ", names.w, " of ", name_of(result.w.element),
         " and ", names.y, " of ", name_of(result.y.element), " must be of one type");
  expect(in[1] % info.groups == 0 && filter[0] % info.groups == 0, info.groups,
         " groups must divide ", in[1], " channels and ", filter[0], " filters");
  expect(filter[1] == in[1] / info.groups, names.w, " is ", to_string(filter), ", but ", in[1],
         " channels in ", info.groups, " groups give ", in[1] / info.groups, " to each filter");
  expect(filter[2] == filter[3], "filters that are not square are not simulated, got ",
         to_string(filter));
  const int64_t span_h = in[2] + 2 * info.pad_h - filter[2],
                span_w = in[3] + 2 * info.pad_w - filter[3];
  expect(span_h >= 0 && span_w >= 0, "the filter ", to_string(filter), " does not fit into ",
         to_string(in));
  const Shape expected{in[0], filter[0], 1 + span_h / info.stride, 1 + span_w / info.stride};
  expect(out == expected, names.y, " is ", to_string(out), ", but this convolution gives ",
         to_string(expected));
  result.op.out = filter[0];
  result.op.kernel = filter[2];
  result.op.stride = info.stride;
  result.op.pad = {info.pad_h, info.pad_w, info.pad_h, info.pad_w};
  result.op.groups = info.groups;
  return result;
}

// ---- algorithms --------------------------------------------------------------------------------

size_t needed(const Convolution& convolution, cudnnConvolutionFwdAlgo_t algorithm) {
  switch (algorithm) {
    case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM: return 0;
    case CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM: return convolution.scratch();
    case CUDNN_CONVOLUTION_FWD_ALGO_GEMM: return 2 * convolution.scratch();
    default: throw Refusal{cat("forward algorithm ", int{algorithm}, " is not supported here")};
  }
}

size_t needed(const Convolution& convolution, cudnnConvolutionBwdDataAlgo_t algorithm) {
  if (has_only_nondeterministic() && algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_0) return 0;
  expect(algorithm != CUDNN_CONVOLUTION_BWD_DATA_ALGO_0,
         "CUDNN_CONVOLUTION_BWD_DATA_ALGO_0 is not deterministic: this library promises "
         "deterministic results");
  expect(algorithm == CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, "backward data algorithm ", int{algorithm},
         " is not supported here");
  return convolution.scratch();
}

size_t needed(const Convolution& convolution, cudnnConvolutionBwdFilterAlgo_t algorithm) {
  if (has_only_nondeterministic() && algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0) return 0;
  expect(algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0 &&
             algorithm != CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3,
         "CUDNN_CONVOLUTION_BWD_FILTER_ALGO_", int{algorithm},
         " is not deterministic: this library promises deterministic results");
  expect(algorithm == CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, "backward filter algorithm ",
         int{algorithm}, " is not supported here");
  return convolution.scratch();
}

// What the operation asks for: what was measured, unless a test wants it to be too little.
template <class Algorithm>
size_t demanded(const Convolution& convolution, Algorithm algorithm) {
  const size_t bytes = needed(convolution, algorithm);
  return demands_more_workspace() ? 2 * bytes : bytes;
}

template <class Perf>
using AlgorithmOf = decltype(Perf::algo);

// An algorithm that cuDNN measured, `memory` being what it will need.
template <class Perf>
Perf works(AlgorithmOf<Perf> algorithm, float milliseconds, size_t memory,
           cudnnDeterminism_t determinism = CUDNN_DETERMINISTIC) {
  Perf perf{};
  perf.algo = algorithm;
  perf.status = CUDNN_STATUS_SUCCESS;
  perf.time = milliseconds;
  perf.memory = memory;
  perf.determinism = determinism;
  return perf;
}

template <class Perf>
Perf fails(AlgorithmOf<Perf> algorithm) {
  Perf perf{};
  perf.algo = algorithm;
  perf.status = CUDNN_STATUS_NOT_SUPPORTED;
  perf.time = -1;
  perf.determinism = CUDNN_DETERMINISTIC;
  return perf;
}

// Beside the descriptor's math type the default one is measured, in which another algorithm is the
// fastest.
template <class Perf>
std::vector<Perf> measured(std::vector<Perf> found, cudnnMathType_t math) {
  const auto repeats = [](const Perf& perf) { return perf.determinism == CUDNN_DETERMINISTIC; };
  if (has_only_nondeterministic() && !std::all_of(found.begin(), found.end(), repeats))
    std::erase_if(found, repeats);
  std::vector<Perf> all;
  if (math != CUDNN_DEFAULT_MATH) all.assign(found.rbegin(), found.rend());
  for (Perf& perf : all) perf.mathType = CUDNN_DEFAULT_MATH;
  for (Perf& perf : found) perf.mathType = math;
  all.insert(all.end(), found.begin(), found.end());
  return all;
}

template <class Perf>
void report(cudnnHandle_t handle, const Convolution& convolution, const std::vector<Perf>& found,
            int requested, int* returned, Perf* results) {
  Objects<CudnnHandle>::all().get(handle, "handle").check_ready();
  expect(requested > 0 && returned && results,
         "results must be wanted and have a place, got requestedAlgoCount ", requested,
         ", returnedAlgoCount ", address(returned), ", perfResults ", address(results));
  const std::vector<Perf> all = measured(found, convolution.math);
  *returned = std::min(requested, static_cast<int>(all.size()));
  std::copy_n(all.begin(), *returned, results);
}

cudnnStatus_t find_forward(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                           cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t descriptor,
                           cudnnTensorDescriptor_t y, int requested, int* returned,
                           cudnnConvolutionFwdAlgoPerf_t* results) {
  return perform("cudnnFindConvolutionForwardAlgorithm", cudnn_status, [&] {
    using Perf = cudnnConvolutionFwdAlgoPerf_t;
    const Convolution shape = convolution(forward_names, x, w, descriptor, y);
    const auto precomputed = CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_PRECOMP_GEMM;
    const auto gemm = CUDNN_CONVOLUTION_FWD_ALGO_GEMM;
    report<Perf>(handle, shape,
                 {works<Perf>(precomputed, 0.1f, needed(shape, precomputed)),
                  fails<Perf>(CUDNN_CONVOLUTION_FWD_ALGO_WINOGRAD),
                  works<Perf>(CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM, 0.2f, 0),
                  works<Perf>(gemm, 0.3f, needed(shape, gemm))},
                 requested, returned, results);
  });
}

cudnnStatus_t find_backward_data(cudnnHandle_t handle, cudnnFilterDescriptor_t w,
                                 cudnnTensorDescriptor_t dy,
                                 cudnnConvolutionDescriptor_t descriptor,
                                 cudnnTensorDescriptor_t dx, int requested, int* returned,
                                 cudnnConvolutionBwdDataAlgoPerf_t* results) {
  return perform("cudnnFindConvolutionBackwardDataAlgorithm", cudnn_status, [&] {
    using Perf = cudnnConvolutionBwdDataAlgoPerf_t;
    const Convolution shape = convolution(data_names, dx, w, descriptor, dy);
    report<Perf>(handle, shape,
                 {works<Perf>(CUDNN_CONVOLUTION_BWD_DATA_ALGO_0, 0.1f, 0, CUDNN_NON_DETERMINISTIC),
                  fails<Perf>(CUDNN_CONVOLUTION_BWD_DATA_ALGO_WINOGRAD),
                  works<Perf>(CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, 0.2f, shape.scratch())},
                 requested, returned, results);
  });
}

cudnnStatus_t find_backward_filter(cudnnHandle_t handle, cudnnTensorDescriptor_t x,
                                   cudnnTensorDescriptor_t dy,
                                   cudnnConvolutionDescriptor_t descriptor,
                                   cudnnFilterDescriptor_t dw, int requested, int* returned,
                                   cudnnConvolutionBwdFilterAlgoPerf_t* results) {
  return perform("cudnnFindConvolutionBackwardFilterAlgorithm", cudnn_status, [&] {
    using Perf = cudnnConvolutionBwdFilterAlgoPerf_t;
    const Convolution shape = convolution(filter_names, x, dw, descriptor, dy);
    report<Perf>(
        handle, shape,
        {works<Perf>(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_0, 0.1f, 0, CUDNN_NON_DETERMINISTIC),
         works<Perf>(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_3, 0.2f, shape.scratch(),
                     CUDNN_NON_DETERMINISTIC),
         fails<Perf>(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_FFT),
         works<Perf>(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1, 0.3f, shape.scratch())},
        requested, returned, results);
  });
}

// ---- execution ---------------------------------------------------------------------------------

cudnnStatus_t forward(cudnnHandle_t handle, const void* alpha, cudnnTensorDescriptor_t x_descriptor,
                      const void* x, cudnnFilterDescriptor_t w_descriptor, const void* w,
                      cudnnConvolutionDescriptor_t descriptor, cudnnConvolutionFwdAlgo_t algorithm,
                      void* workspace, size_t workspace_bytes, const void* beta,
                      cudnnTensorDescriptor_t y_descriptor, void* y) {
  constexpr const char* call = "cudnnConvolutionForward";
  return perform(call, cudnn_status, [&] {
    const Convolution c =
        convolution(forward_names, x_descriptor, w_descriptor, descriptor, y_descriptor);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("x", c.x, x);
    operation.read("w", c.w, w);
    operation.write("y", c.y, y);
    operation.workspace(workspace, workspace_bytes, demanded(c, algorithm));
    operation.run([c](const std::vector<void*>& at) {
      Oracle oracle(c.op, c.x.shape);
      unpack(at[0], c.x.element, oracle.x);
      unpack(at[1], c.w.element, oracle.params[0]);
      oracle.forward();
      pack(oracle.y, at[2], c.y.element);
    });
  });
}

// What the operation will need; the documentation gives an error for what is not supported.
template <class Algorithm, class Names>
cudnnStatus_t workspace_size(const char* call, cudnnHandle_t handle, const Names& names,
                             cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
                             cudnnConvolutionDescriptor_t descriptor, cudnnTensorDescriptor_t y,
                             Algorithm algorithm, size_t* bytes) {
  return perform(call, cudnn_status, [&] {
    Objects<CudnnHandle>::all().get(handle, "handle").check_ready();
    expect(bytes != nullptr, "sizeInBytes is null");
    *bytes = needed(convolution(names, x, w, descriptor, y), algorithm);
  });
}

cudnnStatus_t backward_data(cudnnHandle_t handle, const void* alpha,
                            cudnnFilterDescriptor_t w_descriptor, const void* w,
                            cudnnTensorDescriptor_t dy_descriptor, const void* dy,
                            cudnnConvolutionDescriptor_t descriptor,
                            cudnnConvolutionBwdDataAlgo_t algorithm, void* workspace,
                            size_t workspace_bytes, const void* beta,
                            cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  constexpr const char* call = "cudnnConvolutionBackwardData";
  return perform(call, cudnn_status, [&] {
    const Convolution c =
        convolution(data_names, dx_descriptor, w_descriptor, descriptor, dy_descriptor);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("w", c.w, w);
    operation.read("dy", c.y, dy);
    operation.write("dx", c.x, dx);
    operation.workspace(workspace, workspace_bytes, demanded(c, algorithm));
    operation.run([c](const std::vector<void*>& at) {
      Oracle oracle(c.op, c.x.shape, Phase::training);
      unpack(at[0], c.w.element, oracle.params[0]);
      unpack(at[1], c.y.element, oracle.dy);
      oracle.backward();
      pack(oracle.dx, at[2], c.x.element);
    });
  });
}

cudnnStatus_t backward_filter(cudnnHandle_t handle, const void* alpha,
                              cudnnTensorDescriptor_t x_descriptor, const void* x,
                              cudnnTensorDescriptor_t dy_descriptor, const void* dy,
                              cudnnConvolutionDescriptor_t descriptor,
                              cudnnConvolutionBwdFilterAlgo_t algorithm, void* workspace,
                              size_t workspace_bytes, const void* beta,
                              cudnnFilterDescriptor_t dw_descriptor, void* dw) {
  constexpr const char* call = "cudnnConvolutionBackwardFilter";
  return perform(call, cudnn_status, [&] {
    const Convolution c =
        convolution(filter_names, x_descriptor, dw_descriptor, descriptor, dy_descriptor);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("x", c.x, x);
    operation.read("dy", c.y, dy);
    operation.write("dw", c.w, dw);
    operation.workspace(workspace, workspace_bytes, demanded(c, algorithm));
    operation.run([c](const std::vector<void*>& at) {
      Oracle oracle(c.op, c.x.shape, Phase::training, false);
      unpack(at[0], c.x.element, oracle.x);
      unpack(at[1], c.y.element, oracle.dy);
      oracle.backward();
      pack(oracle.param_grads[0], at[2], c.w.element);
    });
  });
}

}  // namespace

void add_cudnn_convolution(cudnn::Api& api) {
  api.cudnnFindConvolutionForwardAlgorithm = find_forward;
  api.cudnnFindConvolutionBackwardDataAlgorithm = find_backward_data;
  api.cudnnFindConvolutionBackwardFilterAlgorithm = find_backward_filter;
  api.cudnnConvolutionForward = forward;
  api.cudnnGetConvolutionForwardWorkspaceSize =
      [](cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnFilterDescriptor_t w,
         cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t y,
         cudnnConvolutionFwdAlgo_t algorithm, size_t* bytes) {
        return workspace_size("cudnnGetConvolutionForwardWorkspaceSize", handle, forward_names, x,
                              w, conv, y, algorithm, bytes);
      };
  api.cudnnGetConvolutionBackwardDataWorkspaceSize =
      [](cudnnHandle_t handle, cudnnFilterDescriptor_t w, cudnnTensorDescriptor_t dy,
         cudnnConvolutionDescriptor_t conv, cudnnTensorDescriptor_t dx,
         cudnnConvolutionBwdDataAlgo_t algorithm, size_t* bytes) {
        return workspace_size("cudnnGetConvolutionBackwardDataWorkspaceSize", handle, data_names,
                              dx, w, conv, dy, algorithm, bytes);
      };
  api.cudnnGetConvolutionBackwardFilterWorkspaceSize =
      [](cudnnHandle_t handle, cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dy,
         cudnnConvolutionDescriptor_t conv, cudnnFilterDescriptor_t dw,
         cudnnConvolutionBwdFilterAlgo_t algorithm, size_t* bytes) {
        return workspace_size("cudnnGetConvolutionBackwardFilterWorkspaceSize", handle,
                              filter_names, x, dw, conv, dy, algorithm, bytes);
      };
  api.cudnnConvolutionBackwardData = backward_data;
  api.cudnnConvolutionBackwardFilter = backward_filter;
}

}  // namespace alx::cudasim
